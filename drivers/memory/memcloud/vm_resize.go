package memcloud

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// A resize has two steps: the VM gets its new flavor and waits in RESIZING with
// the provider state "verify_resize" until the same call comes again with
// next-step "confirm", or with undo.
const (
	stepConfirm     = "confirm"
	resizing        = "resize"
	verifyingResize = "verify_resize"

	auxResizeFrom = "resize_from" // flavor before
	auxResizeTo   = "resize_to"
	auxResizeWas  = "resize_was" // state before: VM_STATE_…
)

// ResizeVm changes the flavor of a VM.
func (s *vmService) ResizeVm(ctx context.Context, req *computev1.ResizeVmRequest) (*computev1.ResizeVmResponse, error) {
	step := sdk.CallFrom(ctx)
	next, poll := "", time.Duration(0)
	answer, err := write(s.c, ctx, func(v *view) (*computev1.ResizeVmResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		switch {
		case step.Undo:
			err = undoResize(v, r, vm)
		case vm.GetState() == computev1.VmState_VM_STATE_RESIZING:
			next, poll, err = continueResize(v, r, vm, req, step.NextStep)
		case vm.GetFlavorId() == req.GetFlavorId():
		case step.NextStep != "":
			err = sdk.InvalidState(string(r.kind), r.id, nil) // undone, or changed by somebody else
		default:
			next, poll = stepConfirm, v.knobs.scaled(vmResizeDelay)
			err = beginResize(v, r, vm, req)
		}
		if err != nil {
			return nil, err
		}
		_, vm, _ = vms.find(v, r.id)
		return &computev1.ResizeVmResponse{Id: r.id, State: vm.GetState()}, nil
	})
	if err == nil {
		sdk.SetNextStep(ctx, next, poll)
	}
	return answer, err
}

func beginResize(v *view, r *record, vm *computev1.Vm, req *computev1.ResizeVmRequest) error {
	allowed := []computev1.VmState{computev1.VmState_VM_STATE_STOPPED}
	if req.GetAllowRestart() {
		allowed = append(allowed, computev1.VmState_VM_STATE_RUNNING)
	}
	if err := inState(r, vm.GetState(), allowed...); err != nil {
		return err
	}
	_, flavor, err := flavors.ref(v, "flavor_id", req.GetFlavorId())
	if err != nil {
		return err
	}
	if !flavor.GetSellable() {
		return sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Field("flavor_id"))
	}
	err = v.within(
		use{"compute.vm.vcpus", flavor.GetVcpus() - vm.GetVcpus()},
		use{"compute.vm.memory", flavor.GetMemoryMib() - vm.GetMemoryMib()},
	)
	if err != nil {
		return err
	}
	r, mine := vms.edit(v, r)
	r.aux[auxResizeFrom] = vm.GetFlavorId()
	r.aux[auxResizeTo] = req.GetFlavorId()
	r.aux[auxResizeWas] = vm.GetState().String()
	setState(mine, computev1.VmState_VM_STATE_RESIZING)
	mine.ProviderState = resizing
	v.after(r, vmResizeDelay)
	return nil
}

// continueResize answers a repeat: it confirms once the VM waits for that.
func continueResize(v *view, r *record, vm *computev1.Vm, req *computev1.ResizeVmRequest, step string) (string, time.Duration, error) {
	switch {
	case r.aux[auxResizeTo] != req.GetFlavorId():
		return "", 0, sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(string(r.kind), r.id))
	case vm.GetProviderState() != verifyingResize:
		return stepConfirm, r.due.Sub(v.now), nil
	case step != stepConfirm:
		return stepConfirm, 0, nil
	default:
		endResize(v, r)
		return "", 0, nil
	}
}

// undoResize gives the VM its old flavor back, at once. A VM that is not
// waiting for confirmation stays as it is, and one still moving is busy.
func undoResize(v *view, r *record, vm *computev1.Vm) error {
	if vm.GetState() != computev1.VmState_VM_STATE_RESIZING {
		return nil
	}
	if vm.GetProviderState() != verifyingResize {
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(string(r.kind), r.id), sdk.RetryAfter(r.due.Sub(v.now)))
	}
	r, mine := vms.edit(v, r)
	setFlavor(v, mine, r.aux[auxResizeFrom])
	endResize(v, r)
	return nil
}

func endResize(v *view, r *record) {
	r, vm := vms.edit(v, r)
	setState(vm, computev1.VmState(computev1.VmState_value[r.aux[auxResizeWas]]))
	delete(r.aux, auxResizeFrom)
	delete(r.aux, auxResizeTo)
	delete(r.aux, auxResizeWas)
	releaseLater(r, vm)
}

func settleResize(v *view, r *record, vm *computev1.Vm) {
	setFlavor(v, vm, r.aux[auxResizeTo])
	vm.ProviderState = verifyingResize
}

func setFlavor(v *view, vm *computev1.Vm, id string) {
	vm.FlavorId = id
	if _, flavor, ok := flavors.find(v, id); ok {
		vm.Vcpus, vm.MemoryMib = flavor.GetVcpus(), flavor.GetMemoryMib()
	}
}
