package main

import (
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestInstancesGoAtTheirTime: the cloud releases an instance at the time of its
// creation or of a later change, and one whose time was taken away stays.
func TestInstancesGoAtTheirTime(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	r := newRig(t, sim.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	r.mustOpen()
	base := r.site()
	soon := timestamppb.New(time.Now().Add(5 * time.Minute))
	make := func(name string, at *timestamppb.Timestamp) string {
		t.Helper()
		base.Name, base.ReleaseAt = name, at
		made, err := r.vms().CreateVm(r.as(name, 1), base)
		r.must(err)
		r.eventually(func() bool {
			vm, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: made.GetId()})
			return err == nil && vm.GetVm().GetState() == computev1.VmState_VM_STATE_RUNNING
		})
		return made.GetId()
	}
	early, later, never := make("early", soon), make("later", nil), make("never", soon)
	_, err := r.vms().UpdateVm(r.as("later-2", 1), &computev1.UpdateVmRequest{Id: later, ReleaseAt: soon})
	r.must(err)
	_, err = r.vms().UpdateVm(r.as("never-2", 1), &computev1.UpdateVmRequest{Id: never, RemoveReleaseAt: true})
	r.must(err)
	shown, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: later})
	r.must(err)
	if got := shown.GetVm().GetReleaseAt().AsTime(); !got.Equal(soon.AsTime().Truncate(time.Minute)) {
		t.Errorf("it goes at %v, want the minute of %v", got, soon.AsTime())
	}
	passed.Store(int64(6 * time.Minute))
	for id, want := range map[string]apiv1.Reason{early: apiv1.Reason_REASON_NOT_FOUND, later: apiv1.Reason_REASON_NOT_FOUND, never: 0} {
		if _, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: id}); sdk.ReasonOf(err) != want {
			t.Errorf("%s after its time: %v, want %v", id, err, want)
		}
	}
	r.cloud.CheckClean(t)
}

// TestTakenBackForWantOfStock: an instance that was accepted and then released by the
// cloud is deleted for want of stock; any other absent one is not found.
func TestTakenBackForWantOfStock(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	r.faults(sim.Faults{TakenBack: []string{base.GetFlavorId()}})
	made, err := r.vms().CreateVm(r.as("vm", 1), base)
	r.must(err)
	var last *computev1.Vm
	r.eventually(func() bool {
		got, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: made.GetId()})
		r.must(err)
		last = got.GetVm()
		return last.GetState() == computev1.VmState_VM_STATE_DELETED
	})
	if last.GetStateReason() != "OUT_OF_STOCK" || last.GetId() != made.GetId() {
		t.Errorf("got %v", last)
	}
	if _, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: "i-bp1nobody"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		t.Errorf("an unknown instance: %v", err)
	}
	r.cloud.CheckClean(t)
}
