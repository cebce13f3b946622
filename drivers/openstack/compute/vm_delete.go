package compute

import (
	"context"
	"time"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepPorts is the next-step of a deletion that leaves ports behind, with their
// ids.
const stepPorts = "ports"

// pollAfter is how soon a started change is worth looking at.
const pollAfter = 2 * time.Second

// DeleteVm deletes a server, and when it is gone, the ports that CreateVm made
// for it.
func (v *VMs) DeleteVm(ctx context.Context, req *computev1.DeleteVmRequest) (*computev1.DeleteVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := computev1.VmState_VM_STATE_DELETED, error(nil)
	if session.IsUUID(req.GetId()) {
		state, err = removeVM(ctx, s, req.GetId())
	}
	return &computev1.DeleteVmResponse{Id: req.GetId(), State: state}, err
}

// removeVM takes the next step of removing a VM with its ports and returns how
// far it is. markers are those of the request that made it, if it is known.
func removeVM(ctx context.Context, s *session.Session, id string, markers ...string) (computev1.VmState, error) {
	if own, ok := sdk.CallFrom(ctx).Step(stepPorts); ok {
		return finishRemoval(ctx, s, id, own)
	}
	own, err := ports.MadeFor(ctx, s, id, markers...)
	if err != nil {
		return computev1.VmState_VM_STATE_UNSPECIFIED, err
	}
	if err := deleteServer(ctx, s, id); err != nil {
		return computev1.VmState_VM_STATE_UNSPECIFIED, err
	}
	nextPorts(ctx, own)
	return computev1.VmState_VM_STATE_DELETING, nil
}

// finishRemoval removes the ports once the server is gone; before, Nova would
// refuse to let them go.
func finishRemoval(ctx context.Context, s *session.Session, id string, own []string) (computev1.VmState, error) {
	sv, err := readServer(ctx, s, id)
	if err != nil && !session.IsNotFound(err) {
		return computev1.VmState_VM_STATE_UNSPECIFIED, session.Error(err, typeVM, id)
	}
	if err == nil {
		if state := stateOf(sv.Status, sv.TaskState); state != computev1.VmState_VM_STATE_DELETED {
			nextPorts(ctx, own)
			return state, nil
		}
	}
	return computev1.VmState_VM_STATE_DELETED, ports.Delete(ctx, s, own)
}

func nextPorts(ctx context.Context, own []string) {
	if len(own) == 0 {
		sdk.SetNextStep(ctx, "", pollAfter)
		return
	}
	sdk.SetNextStep(ctx, sdk.JoinStep(stepPorts, own...), pollAfter)
}

// deleteServer deletes a server; absent is success.
func deleteServer(ctx context.Context, s *session.Session, id string) error {
	_, err := s.Compute.Delete(ctx, s.Compute.ServiceURL("servers", id), nil)
	if err == nil || session.IsNotFound(err) {
		return nil
	}
	return refusedAction(ctx, s, id, err, nil)
}
