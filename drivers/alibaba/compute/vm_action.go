package compute

import (
	"context"
	"time"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// StartVm starts an instance. It asks first, and looks only when the cloud refuses.
func (v *VMs) StartVm(ctx context.Context, req *computev1.StartVmRequest) (*computev1.StartVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := start(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &computev1.StartVmResponse{Id: req.GetId(), State: state}, nil
}

func start(ctx context.Context, s *session.Session, id string) (computev1.VmState, error) {
	if err := act(ctx, s, "StartInstance", id, api.Params{}); err != nil {
		return reached(ctx, s, err, id, statusRunning, statusStarting)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return computev1.VmState_VM_STATE_STARTING, nil
}

// StopVm stops an instance, and says whether its capacity is kept: what the cloud
// does otherwise depends on a setting of its console.
func (v *VMs) StopVm(ctx context.Context, req *computev1.StopVmRequest) (*computev1.StopVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := stop(ctx, s, req.GetId(), req.GetForce(), req.GetStopMode())
	if err != nil {
		return nil, err
	}
	return &computev1.StopVmResponse{Id: req.GetId(), State: state}, nil
}

func stop(ctx context.Context, s *session.Session, id string, force bool, mode computev1.StopMode) (computev1.VmState, error) {
	stopped := keepCharging
	if mode == computev1.StopMode_STOP_MODE_RELEASE {
		stopped = stopCharging
	}
	params := api.Params{}.Set("StoppedMode", stopped)
	if force {
		params.Bool("ForceStop", true)
	}
	if err := act(ctx, s, "StopInstance", id, params); err != nil {
		return reached(ctx, s, err, id, statusStopped, statusStopping)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return computev1.VmState_VM_STATE_STOPPING, nil
}

// RebootVm restarts an instance. A repeat is sent only if the instance has not
// been started since the request was made.
func (v *VMs) RebootVm(ctx context.Context, req *computev1.RebootVmRequest) (*computev1.RebootVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &computev1.RebootVmResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_REBOOTING}
	if call := sdk.CallFrom(ctx); call.Repeated() {
		found, err := instances().Get(ctx, s, req.GetId())
		if err != nil {
			return nil, err
		}
		if rebooted(found, call.Began(s.Now())) {
			resp.State = toProtoVMState(found.Status)
			return resp, nil
		}
	}
	params := api.Params{}
	if req.GetForce() {
		params.Bool("ForceStop", true)
	}
	if err := act(ctx, s, "RebootInstance", req.GetId(), params); err != nil {
		return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return resp, nil
}

// rebooted tells whether an instance is being started or has been since began. Its
// times have no seconds.
func rebooted(v *instance, began time.Time) bool {
	if v.Status == statusStarting || v.Status == statusStopping {
		return true
	}
	started := kind.ToProtoTime(v.StartTime)
	return started != nil && !started.AsTime().Before(began.Truncate(time.Minute))
}

// changing tells whether an instance is on the way to another state.
func changing(v *instance) bool {
	return v.Status != statusRunning && v.Status != statusStopped
}

// reached turns the refusal of an action into success where the instance already
// is where the action would bring it.
func reached(ctx context.Context, s *session.Session, refusal error, id string, wanted ...string) (computev1.VmState, error) {
	if !api.IsWrongState(refusal) {
		return 0, api.Error(refusal, typeVM, id)
	}
	found, err := instances().Get(ctx, s, id)
	if err != nil {
		return 0, err
	}
	for _, status := range wanted {
		if found.Status == status {
			return toProtoVMState(status), nil
		}
	}
	return 0, api.WrongState(refusal, typeVM, id, changing(found))
}
