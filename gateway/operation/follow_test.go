package operation_test

import (
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/operation"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

func TestErrorState(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.before = func(rpc string, _ int) error {
		if rpc == "GetVm" {
			r.cloud.set("vm-1", failed)
		}
		return nil
	}
	o := r.ends(r.mustSubmit(r.createVm("a", "")).GetOperationId(), opFailed)
	if o.GetError().GetReason() != "RESOURCE_FAILED" || o.GetError().GetCauseReason() != "OUT_OF_STOCK" || o.GetError().GetOperationId() != o.GetId() {
		t.Errorf("error: got %v", o.GetError())
	}
	if _, ok := r.inventory.Owner("acc.vm-1"); !ok {
		t.Error("a VM in an error state is kept")
	}
}

// The cloud gave an id, and then took back what it could not make.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.before = func(rpc string, _ int) error {
		if rpc == "GetVm" {
			r.cloud.set("vm-1", gone)
		}
		return nil
	}
	o := r.ends(r.mustSubmit(r.createVm("a", "")).GetOperationId(), opFailed)
	if o.GetError().GetReason() != "RESOURCE_FAILED" || o.GetError().GetCauseReason() != "OUT_OF_STOCK" || o.GetResourceState() != "VM_STATE_DELETED" {
		t.Errorf("got %v in %s", o.GetError(), o.GetResourceState())
	}
	if _, ok := r.inventory.Owner("acc.vm-1"); ok {
		t.Error("the inventory still has it")
	}
	if n := len(r.events("ResourceGone", "acc.vm-1")); n != 1 {
		t.Errorf("ResourceGone: got %d events, want 1", n)
	}
}

// The cloud took the start and did nothing: that is told, long before the limit.
func TestSettledElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.set("vm-1", starting, stopped)
	got := r.mustSubmit(r.onVm("StartVm", &computev1.StartVmRequest{Id: "vm-1"}))
	r.eventually("seen stopped", func() bool { return r.get(got.GetOperationId()).GetResourceState() == "VM_STATE_STOPPED" })
	r.clock.move(time.Minute)
	seen := r.cloud.count("GetVm")
	r.eventually("looked again", func() bool { return r.cloud.count("GetVm") > seen+2 })
	if s := r.get(got.GetOperationId()).GetStatus(); s != isRunning {
		t.Fatalf("after a minute: got %v, want RUNNING", s)
	}
	r.clock.move(3 * time.Minute)
	o := r.ends(got.GetOperationId(), opFailed)
	if o.GetError().GetCauseReason() != "INVALID_STATE" {
		t.Errorf("error: got %v", o.GetError())
	}
}

func TestVanished(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.set("vm-1", starting)
	got := r.mustSubmit(r.onVm("StartVm", &computev1.StartVmRequest{Id: "vm-1"}))
	r.cloud.mu.Lock()
	delete(r.cloud.vms, "vm-1")
	r.cloud.mu.Unlock()
	o := r.ends(got.GetOperationId(), opFailed)
	if o.GetError().GetReason() != "RESOURCE_GONE" {
		t.Errorf("error: got %v", o.GetError())
	}
	if _, ok := r.inventory.Owner("acc.vm-1"); ok {
		t.Error("the inventory still has it")
	}
	if n := len(r.events("ResourceGone", "acc.vm-1")); n != 1 {
		t.Errorf("ResourceGone: got %d events, want 1", n)
	}
}

// A resource may be invisible for a while after the cloud has given its id.
func TestLateVisible(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.before = func(rpc string, n int) error {
			if rpc == "GetVm" && n <= 3 {
				return sdk.NotFound("compute.vm", "vm-1", nil)
			}
			return nil
		}
	})
	r.ends(r.mustSubmit(r.createVm("a", "")).GetOperationId(), succeeded)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ends(r.mustSubmit(r.createVm("a", "")).GetOperationId(), succeeded)
	s := r.onVm("DeleteVm", &computev1.DeleteVmRequest{Id: "vm-1"})
	s.Wait = 5 * time.Second
	answer := r.mustSubmit(s).(*computev1.DeleteVmResponse)
	if answer.GetState() != computev1.VmState_VM_STATE_DELETED || answer.GetOperationStatus() != succeeded {
		t.Errorf("got %v, want DELETED", answer)
	}
	if _, ok := r.inventory.Owner("acc.vm-1"); ok {
		t.Error("the inventory still has it")
	}
	states := len(r.events("ResourceStateChanged", "acc.vm-1"))
	r.ends(r.mustSubmit(r.onVm("DeleteVm", &computev1.DeleteVmRequest{Id: "vm-1"})).GetOperationId(), succeeded)
	if n := len(r.events("ResourceGone", "acc.vm-1")); n != 1 {
		t.Errorf("ResourceGone after two deletions: got %d events, want 1", n)
	}
	if n := len(r.events("ResourceStateChanged", "acc.vm-1")); n != states {
		t.Errorf("deleting what is gone made %d events", n-states)
	}
}

// Deleting what never was leaves no trace in the inventory, also with a driver that
// answers NOT_FOUND.
func TestDeleteAbsent(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"success": nil, "not found": sdk.NotFound("compute.vm", "vm-1", nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(r *rig) { r.cloud.before = on("DeleteVm", 1, answer) })
			got := r.mustSubmit(r.onVm("DeleteVm", &computev1.DeleteVmRequest{Id: "vm-1"}))
			if got.GetId() != "acc.vm-1" {
				t.Errorf("id: got %q", got.GetId())
			}
			r.ends(got.GetOperationId(), succeeded)
			if n := len(r.events("ResourceStateChanged", "")) + len(r.events("ResourceGone", "")); n != 0 {
				t.Errorf("events about what never was: got %d", n)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.before = func(rpc string, _ int) error {
		if rpc == "GetVm" {
			return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE)
		}
		return nil
	}
	got := r.mustSubmit(r.createVm("a", ""))
	r.eventually("looked", func() bool { return r.cloud.count("GetVm") > 2 })
	if r.get(got.GetOperationId()).GetNextPollAt() == nil {
		t.Error("next_poll_at is absent")
	}
	r.clock.move(time.Hour)
	r.ends(got.GetOperationId(), timedOut)
}

// stepper walks through steps, and back when asked to.
func stepper(t *testing.T, refuse string) func(sdk.Call) (string, error) {
	t.Helper()
	return func(call sdk.Call) (string, error) {
		switch {
		case call.Undo && call.NextStep == "undoing":
			return "", nil
		case call.Undo:
			return "undoing", nil
		case call.NextStep == refuse && refuse != "":
			return "", sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK)
		case call.NextStep == "":
			return "one", nil
		case call.NextStep == "one":
			return "two", nil
		default:
			return "", nil
		}
	}
}

func resize() *computev1.ResizeVmRequest {
	return &computev1.ResizeVmRequest{Id: "vm-1", FlavorId: "big"}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.step = stepper(t, "")
		r.cloud.set("vm-1", running)
		r.cloud.after = on("ResizeVm", 2, errLostAnswer)
	})
	o := r.ends(r.mustSubmit(r.onVm("ResizeVm", resize())).GetOperationId(), succeeded)
	var steps []string
	for _, call := range r.cloud.callsOf("ResizeVm") {
		steps = append(steps, call.NextStep)
		if call.RequestID != o.GetRequestId() {
			t.Errorf("step %q: another request id", call.NextStep)
		}
	}
	if want := []string{"", "one", "one", "two"}; !equal(steps, want) {
		t.Errorf("steps: got %q, want %q", steps, want)
	}
	if calls := r.cloud.callsOf("ResizeVm"); calls[2].Attempt < 2 {
		t.Errorf("repeat of a step whose answer was lost: got attempt %d", calls[2].Attempt)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRefusedStepIsUndone(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.step = stepper(t, "two")
		r.cloud.set("vm-1", running)
	})
	o := r.ends(r.mustSubmit(r.onVm("ResizeVm", resize())).GetOperationId(), opFailed)
	if o.GetError().GetReason() != "OUT_OF_STOCK" {
		t.Errorf("error: got %v", o.GetError())
	}
	calls := r.cloud.callsOf("ResizeVm")
	if last := calls[len(calls)-1]; !last.Undo || last.NextStep != "undoing" {
		t.Errorf("last call: got %+v, want the end of the undoing", last)
	}
}

func TestRefusedUndoTellsTheFirstError(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.set("vm-1", running)
		r.cloud.step = func(call sdk.Call) (string, error) {
			switch {
			case call.Undo:
				return "", sdk.NewError(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED)
			case call.NextStep == "":
				return "one", nil
			default:
				return "", sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK)
			}
		}
	})
	o := r.ends(r.mustSubmit(r.onVm("ResizeVm", resize())).GetOperationId(), opFailed)
	if o.GetError().GetReason() != "OUT_OF_STOCK" {
		t.Errorf("error: got %v", o.GetError())
	}
}

// waitingStep stays at its first step until it is undone.
func waitingStep(call sdk.Call) (string, error) {
	if call.Undo {
		return "", nil
	}
	return "confirm", nil
}

func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.step = waitingStep
		r.cloud.set("vm-1", running)
		r.opts.FirstPoll, r.opts.MaxPoll = time.Hour, time.Hour // a cancel ends a pause
	})
	server := operation.NewServer(r.engine, everybody{}, nobodyRecorded{})
	got := r.mustSubmit(r.onVm("ResizeVm", resize()))
	if !r.get(got.GetOperationId()).GetCancellable() {
		t.Fatal("not cancellable")
	}
	response, err := server.CancelOperation(t.Context(), &operationv1.CancelOperationRequest{Id: got.GetOperationId()})
	if err != nil {
		t.Fatal(err)
	}
	if response.GetOperation().GetCancellable() {
		t.Error("cancellable twice")
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.step = waitingStep
		r.cloud.set("vm-1", running)
	})
	server := operation.NewServer(r.engine, everybody{}, nobodyRecorded{})
	got := r.mustSubmit(r.onVm("ResizeVm", resize()))
	cancel := &operationv1.CancelOperationRequest{Id: got.GetOperationId()}
	if _, err := server.CancelOperation(t.Context(), cancel); err != nil {
		t.Fatal(err)
	}
	o := r.ends(got.GetOperationId(), cancelled)
	if o.GetError().GetReason() != "OPERATION_CANCELLED" {
		t.Errorf("error: got %v", o.GetError())
	}
	if _, err := server.CancelOperation(t.Context(), cancel); sdk.ReasonOf(err) != apiv1.Reason_REASON_OPERATION_NOT_CANCELLABLE {
		t.Errorf("again: got %v, want OPERATION_NOT_CANCELLABLE", err)
	}
}

func TestStepsAreUndoneAtTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.step = waitingStep
		r.cloud.set("vm-1", running)
	})
	got := r.mustSubmit(r.onVm("ResizeVm", resize()))
	r.clock.move(time.Hour)
	r.ends(got.GetOperationId(), timedOut)
	calls := r.cloud.callsOf("ResizeVm")
	if !calls[len(calls)-1].Undo {
		t.Error("the steps stay")
	}
}
