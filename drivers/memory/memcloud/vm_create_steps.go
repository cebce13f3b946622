package memcloud

import (
	"context"
	"fmt"
	"strconv"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// auxStepsDone is how many steps of a VM that is made step by step are done; such a
// VM stays CREATING until the last is.
const auxStepsDone = "steps_done"

// Names of steps beside those of vmSteps.
const (
	stepVM     = "vm"     // begins every next step: "vm:NAME,ID"
	stepResume = "resume" // does nothing, and tells the next step
	stepUndo   = "undo"   // what knobs call the call that takes the steps back
)

// ResumeVM is the next step of a create whose answer was lost and whose VM a driver
// has found: it tells what is to be done for it.
func ResumeVM(id string) string { return sdk.JoinStep(stepVM, stepResume, id) }

// stepOf is the step that a call is, and its VM; empty for the first call.
func stepOf(call sdk.Call) (name, id string) {
	if values, ok := call.Step(stepVM); ok && len(values) == 2 {
		name, id = values[0], values[1]
	}
	if call.Undo {
		name = stepUndo
	}
	return name, id
}

// vmStep is one thing that a new VM gets after itself. A create with two NICs, a boot
// disk and two data disks is made in seven calls: the VM, five things, and the start.
type vmStep struct {
	name string
	do   func(v *view, r *record) error
}

// vmSteps are the steps of a request, in order.
func vmSteps(req *computev1.CreateVmRequest, image *storagev1.Image) []vmStep {
	var steps []vmStep
	add := func(name string, part func(v *view, vm *computev1.Vm) error) {
		steps = append(steps, vmStep{name, func(v *view, r *record) error {
			_, vm := vms.edit(v, r)
			return part(v, vm)
		}})
	}
	for i := range req.GetNics() {
		add(fmt.Sprintf("nic-%d", i), func(v *view, vm *computev1.Vm) error { return addVMNIC(v, vm, req, i) })
	}
	if boot := req.GetBootDisk(); boot != nil {
		add("boot-disk", func(v *view, vm *computev1.Vm) error { return addBootDisk(v, vm, image, boot) })
	}
	for i, data := range req.GetDataDisks() {
		add(fmt.Sprintf("data-disk-%d", i), func(v *view, vm *computev1.Vm) error { return addDataDisk(v, vm, data, i) })
	}
	return append(steps, vmStep{"start", func(v *view, r *record) error {
		v.after(v.edit(r), vmCreateDelay)
		refreshVM(v, r.id)
		return nil
	}})
}

// continueVM makes the step that a call names, once, however often it is called.
func continueVM(v *view, req *computev1.CreateVmRequest, call sdk.Call) (*computev1.CreateVmResponse, error) {
	_, image, err := images.ref(v, "image_id", req.GetImageId())
	if err != nil {
		return nil, err
	}
	name, id := stepOf(call)
	r, vm, err := vms.get(v, id)
	if err != nil {
		return nil, err
	}
	steps := vmSteps(req, image)
	done, unfinished := stepsDone(r)
	if !unfinished || steps[done].name != name { // it was made before, or is not asked for
		return &computev1.CreateVmResponse{Id: id, State: vm.GetState()}, nil
	}
	if err := inState(r, vm.GetState(), computev1.VmState_VM_STATE_CREATING); err != nil {
		return nil, err
	}
	r = v.edit(r)
	r.aux[auxStepsDone] = strconv.Itoa(done + 1)
	if done+1 == len(steps) {
		delete(r.aux, auxStepsDone)
	}
	return &computev1.CreateVmResponse{Id: id, State: vm.GetState()}, steps[done].do(v, r)
}

// stepsDone is how far a VM is; false: it is not made step by step, or is done.
func stepsDone(r *record) (int, bool) {
	n, err := strconv.Atoi(r.aux[auxStepsDone])
	return n, err == nil
}

// undoVM removes a VM with everything that its steps have made.
func undoVM(v *view, call sdk.Call) (*computev1.CreateVmResponse, error) {
	_, id := stepOf(call)
	if r, _, ok := vms.find(v, id); ok {
		r, vm := vms.edit(v, r)
		for _, disk := range vm.GetDiskIds() {
			if dr, _, ok := disks.find(v, disk); ok {
				_, made := disks.edit(v, dr)
				made.DeleteWithVm = true
			}
		}
		removeVM(v, r, vm)
	}
	return &computev1.CreateVmResponse{Id: id, State: computev1.VmState_VM_STATE_DELETED}, nil
}

// tellNextStep answers what is to be done next for a VM; nothing where it is done or
// gone.
func (s *vmService) tellNextStep(ctx context.Context, req *computev1.CreateVmRequest, id string) error {
	next, err := read(s.c, ctx, func(v *view) (string, error) {
		r, _, ok := vms.find(v, id)
		if !ok {
			return "", nil
		}
		done, unfinished := stepsDone(r)
		if !unfinished {
			return "", nil
		}
		return sdk.JoinStep(stepVM, vmSteps(req, nil)[done].name, id), nil
	})
	if err == nil {
		sdk.SetNextStep(ctx, next, 0)
	}
	return err
}
