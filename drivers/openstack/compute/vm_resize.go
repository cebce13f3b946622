package compute

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Next steps of a resize: it still has to be confirmed; it is being confirmed.
const (
	stepConfirm   = "confirm"
	stepConfirmed = "confirmed"
)

// ResizeVm changes the flavor in two steps: the resize itself, and its
// confirmation when Nova shows VERIFY_RESIZE, without which both hosts stay
// reserved.
func (v *VMs) ResizeVm(ctx context.Context, req *computev1.ResizeVmRequest) (*computev1.ResizeVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	var state computev1.VmState
	switch call := sdk.CallFrom(ctx); {
	case call.Undo:
		state, err = undoResize(ctx, s, req)
	case call.NextStep != "":
		state, err = continueResize(ctx, s, req)
	default:
		state, err = beginResize(ctx, s, req)
	}
	if err != nil {
		return nil, err
	}
	return &computev1.ResizeVmResponse{Id: req.GetId(), State: state}, nil
}

func beginResize(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest) (computev1.VmState, error) {
	if !req.GetAllowRestart() || sdk.CallFrom(ctx).Repeated() {
		sv, err := readServer(ctx, s, req.GetId())
		if err != nil {
			return 0, session.Error(err, typeVM, req.GetId())
		}
		if state, begun, err := resizeBegun(ctx, s, req, sv); begun || err != nil {
			return state, err
		}
		if !req.GetAllowRestart() && stateOf(sv.Status, sv.TaskState) == computev1.VmState_VM_STATE_RUNNING {
			return 0, sdk.InvalidState(typeVM, req.GetId(), nil)
		}
	}
	err := act(ctx, s, req.GetId(), actionResize, map[string]string{"flavorRef": req.GetFlavorId()}, nil)
	if err != nil {
		return refusedResize(ctx, s, req, err)
	}
	sdk.SetNextStep(ctx, stepConfirm, pollAfter)
	return computev1.VmState_VM_STATE_RESIZING, nil
}

// resizeBegun tells whether an earlier attempt has begun or even ended the
// resize, and sets the next step if there is one left. A server on its way to
// another flavor is resized by somebody else; while it is on its way, it does not
// show which, and only a repeat can have sent it there.
func resizeBegun(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest, sv *server) (computev1.VmState, bool, error) {
	if sv.Status == statusResize {
		begun := sdk.CallFrom(ctx).Repeated()
		if begun {
			sdk.SetNextStep(ctx, stepConfirm, pollAfter)
		}
		return computev1.VmState_VM_STATE_RESIZING, begun, nil
	}
	same, err := hasFlavor(ctx, s, sv, req.GetFlavorId())
	if same && sv.Status == statusVerifyResize {
		sdk.SetNextStep(ctx, stepConfirm, pollAfter)
	}
	return stateOf(sv.Status, sv.TaskState), same, err
}

// continueResize looks at a resize that was begun: it waits, confirms, or finds
// it ended. The resize of somebody else is not confirmed.
func continueResize(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest) (computev1.VmState, error) {
	sv, err := readServer(ctx, s, req.GetId())
	if err != nil {
		return 0, session.Error(err, typeVM, req.GetId())
	}
	state, step := stateOf(sv.Status, sv.TaskState), sdk.CallFrom(ctx).NextStep
	switch sv.Status {
	case statusResize:
		sdk.SetNextStep(ctx, step, pollAfter)
		return state, nil
	case statusRevertResize:
		return state, nil
	}
	same, err := hasFlavor(ctx, s, sv, req.GetFlavorId())
	switch {
	case err != nil:
		return 0, err
	case !same && sv.Status == statusVerifyResize:
		return 0, wrongState(sv, nil)
	case !same && state != computev1.VmState_VM_STATE_ERROR:
		return 0, failedResize(ctx, s, req.GetId())
	case sv.Status != statusVerifyResize:
		return state, nil
	case step == stepConfirmed:
		sdk.SetNextStep(ctx, stepConfirmed, pollAfter)
		return state, nil
	}
	return confirmResize(ctx, s, req.GetId())
}

func confirmResize(ctx context.Context, s *session.Session, id string) (computev1.VmState, error) {
	err := act(ctx, s, id, actionConfirmResize, nil, nil)
	if err != nil {
		// The operator's own timer may have confirmed it meanwhile.
		err = refusedAction(ctx, s, id, err, func(sv *server) bool { return sv.Status != statusVerifyResize })
	}
	if err != nil {
		return 0, err
	}
	sdk.SetNextStep(ctx, stepConfirmed, pollAfter)
	return computev1.VmState_VM_STATE_RESIZING, nil
}

// undoResize gives the server its old flavor back, unless somebody else has resized
// it since.
func undoResize(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest) (computev1.VmState, error) {
	id := req.GetId()
	sv, err := readServer(ctx, s, id)
	if err != nil {
		return 0, session.Error(err, typeVM, id)
	}
	switch sv.Status {
	case statusResize:
		sdk.SetNextStep(ctx, stepConfirm, pollAfter)
	case statusVerifyResize:
		if own, err := hasFlavor(ctx, s, sv, req.GetFlavorId()); err != nil || !own {
			return stateOf(sv.Status, sv.TaskState), err
		}
		if err := act(ctx, s, id, actionRevertResize, nil, nil); err != nil {
			return 0, refusedAction(ctx, s, id, err, func(sv *server) bool { return sv.Status == statusRevertResize })
		}
		return computev1.VmState_VM_STATE_RESIZING, nil
	}
	return stateOf(sv.Status, sv.TaskState), nil
}

// hasFlavor tells whether the server has the flavor, which it shows by name only.
func hasFlavor(ctx context.Context, s *session.Session, sv *server, flavorID string) (bool, error) {
	f, err := flavorByID(ctx, s, flavorID)
	return f != nil && f.Name == sv.Flavor.OriginalName, err
}

// refusedResize turns Nova's refusal of a resize into success, where it is done
// already, or into an error that names what is wrong.
func refusedResize(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest, refusal error) (computev1.VmState, error) {
	id := req.GetId()
	switch {
	case session.IsForbidden(refusal):
		return 0, resizeQuota(ctx, s, req, refusal)
	case !isBadRequest(refusal) && !isConflict(refusal):
		return 0, session.Error(refusal, typeVM, id)
	}
	f, err := flavorByID(ctx, s, req.GetFlavorId())
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, refusal, typeFlavor, req.GetFlavorId(), sdk.Field("flavor_id"))
	}
	sv, err := readServer(ctx, s, id)
	if err != nil {
		return 0, session.Error(err, typeVM, id)
	}
	if state, begun, err := resizeBegun(ctx, s, req, sv); begun || err != nil {
		return state, err
	}
	if isConflict(refusal) {
		return 0, wrongState(sv, refusal)
	}
	return 0, session.Error(refusal, typeVM, id, sdk.Field("flavor_id"))
}

// resizeQuota tells what a 403 of a resize meant: the limits are asked for what
// the new flavor takes beyond the old one.
func resizeQuota(ctx context.Context, s *session.Session, req *computev1.ResizeVmRequest, refusal error) error {
	wanted, found := needOf(ctx, s, req.GetFlavorId())
	sv, err := readServer(ctx, s, req.GetId())
	if err != nil || !found {
		return session.Error(refusal, typeVM, req.GetId())
	}
	wanted.cores -= sv.Flavor.VCPUs
	wanted.ramMiB -= sv.Flavor.RAM
	return refusedByQuota(ctx, s, wanted, refusal, req.GetId())
}

// eventPrepare is the first event of a resize on a chosen host; a resize without
// it found none (nova/compute/manager.py, wrap_instance_event).
const eventPrepare = "compute_prep_resize"

// failedResize tells why a resize left the server as it was.
func failedResize(ctx context.Context, s *session.Session, id string) error {
	reason := apiv1.Reason_REASON_RESOURCE_FAILED
	if scheduled, err := resizeWasScheduled(ctx, s, id); err == nil && !scheduled {
		reason = apiv1.Reason_REASON_OUT_OF_STOCK
	}
	return sdk.NewError(reason, sdk.Resource(typeVM, id))
}

func resizeWasScheduled(ctx context.Context, s *session.Session, id string) (bool, error) {
	page, err := instanceactions.List(s.Compute, id, nil).AllPages(ctx)
	if err != nil {
		return false, err
	}
	actions, err := instanceactions.ExtractInstanceActions(page)
	if err != nil {
		return false, err
	}
	for _, a := range actions { // the newest first
		if a.Action != actionResize {
			continue
		}
		detail, err := instanceactions.Get(ctx, s.Compute, id, a.RequestID).Extract()
		if err != nil {
			return false, err
		}
		if detail.Events == nil {
			return true, nil
		}
		for _, event := range *detail.Events {
			if strings.HasPrefix(event.Event, eventPrepare) {
				return true, nil
			}
		}
		return false, nil
	}
	return true, nil
}
