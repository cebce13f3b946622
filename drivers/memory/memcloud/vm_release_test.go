package memcloud

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// TestVMsGoAtTheirTime: a VM with a time goes then, with what was made for it, however
// often it moved meanwhile; a time can be changed and taken away.
func TestVMsGoAtTheirTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(r.clock.now().Add(d)) }
	made := func(d time.Duration) *computev1.Vm {
		t.Helper()
		req := vmRequest(subnet)
		if d > 0 {
			req.ReleaseAt = at(d)
		}
		return r.newVM(req)
	}
	stays, moves, changed, kept := made(0), made(time.Hour), made(time.Hour), made(time.Hour)
	if got := moves.GetReleaseAt().AsTime().Sub(r.clock.now()); got <= 0 || got > time.Hour {
		t.Fatalf("it shall go in %v", got)
	}
	must[*computev1.UpdateVmResponse](t)(r.vm.UpdateVm(ctx, &computev1.UpdateVmRequest{Id: changed.GetId(), ReleaseAt: at(3 * time.Hour)}))
	must[*computev1.UpdateVmResponse](t)(r.vm.UpdateVm(ctx, &computev1.UpdateVmRequest{Id: kept.GetId(), RemoveReleaseAt: true}))
	must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: moves.GetId()}))
	r.settle()

	gone := func(when string, vm *computev1.Vm, want bool) {
		t.Helper()
		_, err := r.vm.GetVm(ctx, &computev1.GetVmRequest{Id: vm.GetId()})
		if (err != nil) != want {
			t.Errorf("%s: VM %s: %v, want gone %v", when, vm.GetId(), err, want)
		}
	}
	r.clock.pass(30 * time.Minute)
	gone("before its time", moves, false)
	r.clock.pass(31 * time.Minute)
	gone("after its time", moves, true)
	gone("before its new time", changed, false)
	r.clock.pass(2 * time.Hour)
	gone("after its new time", changed, true)
	r.clock.pass(1000 * time.Hour)
	gone("without a time", stays, false)
	gone("with its time taken away", kept, false)
	if got := r.getVM(kept.GetId()).GetReleaseAt(); got != nil {
		t.Errorf("the time that was taken away is %v", got)
	}
	refused[*computev1.StartVmResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.vm.StartVm(ctx, &computev1.StartVmRequest{Id: moves.GetId()}))
}
