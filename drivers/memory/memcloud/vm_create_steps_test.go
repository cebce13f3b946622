package memcloud

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// sevenSteps asks for a VM that is made in seven calls.
func sevenSteps(subnetID string) *computev1.CreateVmRequest {
	request := vmRequest(subnetID)
	request.Nics = append(request.Nics, &computev1.NicSpec{SubnetId: subnetID})
	request.BootDisk = &computev1.BootDisk{SizeGib: 2}
	request.DataDisks = []*computev1.DataDisk{{SizeGib: 1}, {SizeGib: 3}}
	return request
}

// step makes one call of a create and returns the next step.
func (r *rig) step(request *computev1.CreateVmRequest, call sdk.Call) (id, next string, err error) {
	r.Helper()
	var trailer metadata.MD
	answer, err := r.vm.CreateVm(sdk.WithCall(r.Context(), call), request, grpc.Trailer(&trailer))
	return answer.GetId(), sdk.TrailerFrom(trailer).NextStep, err
}

func TestStepwiseVM(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	r.setKnobs(`{"stepwise_vms":true}`)
	request := sevenSteps(subnet)
	id, next, err := r.step(request, sdk.Call{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for next != "" {
		name, of := stepOf(sdk.Call{NextStep: next})
		if of != id || r.getVM(id).GetState() != computev1.VmState_VM_STATE_CREATING {
			t.Fatalf("before %s the VM is %v", next, r.getVM(id))
		}
		names = append(names, name)
		r.settle() // it does not start by itself
		_, _, lost := r.step(request, sdk.Call{NextStep: next})
		_, after, err := r.step(request, sdk.Call{NextStep: next}) // repeated
		_, resumed, err2 := r.step(request, sdk.Call{NextStep: ResumeVM(id)})
		if lost != nil || err != nil || err2 != nil || resumed != after {
			t.Fatalf("%s: %v, %v, %v; next %q, %q", next, lost, err, err2, after, resumed)
		}
		next = after
	}
	if got := strings.Join(names, " "); got != "nic-0 nic-1 boot-disk data-disk-0 data-disk-1 start" {
		t.Errorf("steps: %s", got)
	}
	r.settle()
	if vm := r.getVM(id); vm.GetState() != computev1.VmState_VM_STATE_RUNNING || len(vm.GetNics()) != 2 || len(vm.GetDiskIds()) != 3 {
		t.Errorf("made %v", vm)
	}
}

// TestStepwiseVMUndone takes the steps back after each of them, and while the VM is
// being deleted by somebody else.
func TestStepwiseVMUndone(t *testing.T) {
	t.Parallel()
	for steps := range 7 {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, subnet := r.newSubnet("10.0.0.0/24")
			r.setKnobs(`{"stepwise_vms":true}`)
			request := sevenSteps(subnet)
			id, next, err := r.step(request, sdk.Call{})
			last := next
			for range steps {
				if err != nil {
					t.Fatal(err)
				}
				last = next
				_, next, err = r.step(request, sdk.Call{NextStep: next})
			}
			if _, err := r.vm.DeleteVm(t.Context(), &computev1.DeleteVmRequest{Id: id}); err != nil {
				t.Fatal(err)
			}
			if next != "" {
				_, _, refusal := r.step(request, sdk.Call{NextStep: next})
				if sdk.ReasonOf(refusal) != apiv1.Reason_REASON_RESOURCE_BUSY {
					t.Errorf("a step on a VM that is being deleted: %v", refusal)
				}
			}
			for range 2 {
				if _, more, err := r.step(request, sdk.Call{NextStep: last, Undo: true}); err != nil || more != "" {
					t.Errorf("undo: %q, %v", more, err)
				}
			}
			vms := must[*computev1.ListVmsResponse](t)(r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{})).GetVms()
			disks := must[*storagev1.ListDisksResponse](t)(r.disk.ListDisks(t.Context(), &storagev1.ListDisksRequest{})).GetDisks()
			if len(vms)+len(disks) > 0 {
				t.Errorf("left: %v %v", vms, disks)
			}
			if nics := r.cloud.tables["network.nic"]["p1"]; nics != nil && len(nics.order) > 0 {
				t.Errorf("left: %d NICs", len(nics.order))
			}
		})
	}
}
