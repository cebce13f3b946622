package compute

import (
	"context"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepChange is the next step of a resize that has stopped the instance: change it
// when it stands, then start it.
const stepChange = "change"

// ResizeVm changes the type of an instance, which has to be stopped for it: one that
// runs is stopped, changed and started, one call each. Where the change is refused
// the instance is started as it was.
func (v *VMs) ResizeVm(ctx context.Context, req *computev1.ResizeVmRequest) (*computev1.ResizeVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	var state computev1.VmState
	switch call := sdk.CallFrom(ctx); {
	case call.Undo:
		state, err = takeUp(ctx, s, found, call.NextStep)
	case call.NextStep == stepChange:
		state, err = changeAndStart(ctx, s, found, req.GetFlavorId())
	default:
		state, err = beginResize(ctx, s, found, req)
	}
	if err != nil {
		return nil, err
	}
	return &computev1.ResizeVmResponse{Id: req.GetId(), State: state}, nil
}

func beginResize(ctx context.Context, s *session.Session, v *instance, req *computev1.ResizeVmRequest) (computev1.VmState, error) {
	switch {
	case v.InstanceType == req.GetFlavorId():
		return toProtoVMState(v.Status), nil
	case v.Status == statusStopped:
		return computev1.VmState_VM_STATE_STOPPED, changeType(ctx, s, v, req.GetFlavorId())
	case v.Status == statusRunning && req.GetAllowRestart():
		if _, err := stop(ctx, s, v.InstanceID, false, computev1.StopMode_STOP_MODE_KEEP); err != nil {
			return 0, err
		}
		sdk.SetNextStep(ctx, stepChange, pollAfter)
		return computev1.VmState_VM_STATE_RESIZING, nil
	}
	return 0, api.WrongState(nil, typeVM, v.InstanceID, changing(v))
}

// changeAndStart goes on with an instance that we stopped.
func changeAndStart(ctx context.Context, s *session.Session, v *instance, flavorID string) (computev1.VmState, error) {
	switch {
	case v.Status == statusRunning && v.InstanceType == flavorID:
		return computev1.VmState_VM_STATE_RUNNING, nil
	case v.Status != statusStopped:
		sdk.SetNextStep(ctx, stepChange, pollAfter)
		return computev1.VmState_VM_STATE_RESIZING, nil
	}
	if v.InstanceType != flavorID {
		if err := changeType(ctx, s, v, flavorID); err != nil {
			return 0, sdk.TakeBack(ctx, err, func(ctx context.Context) error {
				_, err := start(ctx, s, v.InstanceID)
				return err
			})
		}
	}
	if _, err := start(ctx, s, v.InstanceID); err != nil {
		return 0, err
	}
	return computev1.VmState_VM_STATE_STARTING, nil
}

// takeUp starts an instance that an abandoned resize has stopped.
func takeUp(ctx context.Context, s *session.Session, v *instance, step string) (computev1.VmState, error) {
	if step == "" || v.Status == statusRunning {
		return toProtoVMState(v.Status), nil
	}
	if v.Status != statusStopped {
		sdk.SetNextStep(ctx, step, pollAfter)
		return toProtoVMState(v.Status), nil
	}
	return start(ctx, s, v.InstanceID)
}

func changeType(ctx context.Context, s *session.Session, v *instance, flavorID string) error {
	action, params := "ModifyInstanceSpec", api.Params{}.Set("InstanceType", flavorID).Once(ctx, stepChange)
	if v.InstanceChargeType == ecs.ChargePrepaid {
		action = "ModifyPrepayInstanceSpec"
		params.Bool("AutoPay", true)
	}
	err := act(ctx, s, action, v.InstanceID, params)
	if err == nil {
		return nil
	}
	return instances().Refusal(ctx, s, err, v.InstanceID, changing)
}
