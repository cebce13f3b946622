package compute

import (
	"context"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Actions of servers (https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action).
const (
	actionStart         = "os-start"
	actionStop          = "os-stop"
	actionResume        = "resume"
	actionUnpause       = "unpause"
	actionShelve        = "shelve"
	actionUnshelve      = "unshelve"
	actionReboot        = "reboot"
	actionResize        = "resize"
	actionConfirmResize = "confirmResize"
	actionRevertResize  = "revertResize"
	actionPassword      = "changePassword"
	actionConsoleOutput = "os-getConsoleOutput"
)

// StartVm starts a server. It asks first and looks only when Nova refuses: a
// suspended, paused or shelved server has other words for starting.
func (v *VMs) StartVm(ctx context.Context, req *computev1.StartVmRequest) (*computev1.StartVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	state := computev1.VmState_VM_STATE_STARTING
	if err := act(ctx, s, req.GetId(), actionStart, nil, nil); err != nil {
		state, err = startOtherwise(ctx, s, req.GetId(), err)
		if err != nil {
			return nil, err
		}
	}
	return &computev1.StartVmResponse{Id: req.GetId(), State: state}, nil
}

func startOtherwise(ctx context.Context, s *session.Session, id string, refusal error) (computev1.VmState, error) {
	sv, err := readRefusing(ctx, s, id, refusal)
	if err != nil {
		return computev1.VmState_VM_STATE_UNSPECIFIED, err
	}
	state := stateOf(sv.Status, sv.TaskState)
	switch state {
	case computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STARTING, computev1.VmState_VM_STATE_REBOOTING:
		return state, nil
	}
	action := wakeAction(sv)
	if action == "" || sv.Locked {
		return state, wrongState(sv, refusal)
	}
	if err := act(ctx, s, id, action, nil, nil); err != nil {
		return state, refusedAction(ctx, s, id, err, nil)
	}
	return computev1.VmState_VM_STATE_STARTING, nil
}

// wakeAction is what starts a server that os-start does not; empty: nothing does.
func wakeAction(sv *server) string {
	if isChanging(sv) {
		return ""
	}
	switch sv.Status {
	case statusPaused:
		return actionUnpause
	case statusSuspended:
		return actionResume
	case statusShelved, statusShelvedOffloaded:
		return actionUnshelve
	}
	return ""
}

// StopVm stops a server, or with stop_mode RELEASE shelves it.
func (v *VMs) StopVm(ctx context.Context, req *computev1.StopVmRequest) (*computev1.StopVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.GetForce() {
		return nil, sdk.Unsupported(featureForce)
	}
	action, reached := actionStop, isStopped
	if req.GetStopMode() == computev1.StopMode_STOP_MODE_RELEASE {
		action, reached = actionShelve, isShelved
	}
	state := computev1.VmState_VM_STATE_STOPPING
	if err := act(ctx, s, req.GetId(), action, nil, nil); err != nil {
		if err := refusedAction(ctx, s, req.GetId(), err, func(sv *server) bool {
			state = stateOf(sv.Status, sv.TaskState)
			return reached(sv)
		}); err != nil {
			return nil, err
		}
	}
	return &computev1.StopVmResponse{Id: req.GetId(), State: state}, nil
}

// isStopped tells whether a server is stopped or on the way there.
func isStopped(sv *server) bool {
	state := stateOf(sv.Status, sv.TaskState)
	return state == computev1.VmState_VM_STATE_STOPPED || state == computev1.VmState_VM_STATE_STOPPING
}

// isShelved tells whether a server is shelved or on the way there.
func isShelved(sv *server) bool {
	return isStopped(sv) && (sv.Status == statusShelved || sv.Status == statusShelvedOffloaded || strings.HasPrefix(sv.TaskState, "shelving"))
}

// RebootVm reboots a server. Rebooting twice is not the same as once, so that a
// repeat first reads what was done to the server.
func (v *VMs) RebootVm(ctx context.Context, req *computev1.RebootVmRequest) (*computev1.RebootVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	resp := &computev1.RebootVmResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_REBOOTING}
	if sdk.CallFrom(ctx).Repeated() {
		done, err := rebootedSince(ctx, s, req.GetId(), sdk.CallFrom(ctx).Began(s.Now()))
		if done || err != nil {
			return resp, err
		}
	}
	kind := "SOFT"
	if req.GetForce() {
		kind = "HARD"
	}
	err = act(ctx, s, req.GetId(), actionReboot, map[string]string{"type": kind}, nil)
	if err != nil {
		err = refusedAction(ctx, s, req.GetId(), err, func(sv *server) bool {
			return stateOf(sv.Status, sv.TaskState) == computev1.VmState_VM_STATE_REBOOTING
		})
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// rebootedSince tells whether a reboot of the server began at or after a time.
func rebootedSince(ctx context.Context, s *session.Session, id string, since time.Time) (bool, error) {
	page, err := instanceactions.List(s.Compute, id, nil).AllPages(ctx)
	if err != nil {
		return false, session.Error(err, typeVM, id)
	}
	actions, err := instanceactions.ExtractInstanceActions(page)
	if err != nil {
		return false, err
	}
	for _, a := range actions {
		if a.Action == actionReboot && !a.StartTime.Before(since) {
			return true, nil
		}
	}
	return false, nil
}

// refusedAction answers a refused action: Nova says 409 both of a wrong state and
// of a locked server, and of work that is done or under way. The server is read
// once; reached, if given, tells that it is as wanted, which is success.
func refusedAction(ctx context.Context, s *session.Session, id string, refusal error, reached func(*server) bool) error {
	sv, err := readRefusing(ctx, s, id, refusal)
	if err != nil {
		return err
	}
	if reached != nil && reached(sv) {
		return nil
	}
	return wrongState(sv, refusal)
}

// readRefusing reads the server that refused an action for its state; a refusal
// for another cause is the error.
func readRefusing(ctx context.Context, s *session.Session, id string, refusal error) (*server, error) {
	if !isConflict(refusal) {
		return nil, session.Error(refusal, typeVM, id)
	}
	sv, err := readServer(ctx, s, id)
	return sv, session.Error(err, typeVM, id)
}

func wrongState(sv *server, refusal error) error {
	if sv.Locked {
		return session.As(apiv1.Reason_REASON_RESOURCE_LOCKED, refusal, typeVM, sv.ID)
	}
	return session.WrongState(refusal, typeVM, sv.ID, isChanging(sv))
}
