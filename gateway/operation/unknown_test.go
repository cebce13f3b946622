package operation_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// Each of these says nothing about what the cloud did.
func TestAmbiguousAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{
		"cloud timeout":    errLostAnswer,
		"cloud error":      sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR),
		"bare unavailable": status.Error(codes.Unavailable, "gone"),
		"bare deadline":    status.Error(codes.DeadlineExceeded, "late"),
		"bare internal":    status.Error(codes.Internal, "boom"),
		"plain error":      errors.New("boom"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(r *rig) { r.cloud.after = on("CreateVm", 1, answer) })
			got := r.mustSubmit(r.createVm("a", "k"))
			o := r.ends(got.GetOperationId(), succeeded)
			if n := r.cloud.vmCount(); n != 1 {
				t.Errorf("VMs: got %d, want 1", n)
			}
			calls := r.cloud.callsOf("CreateVm")
			if len(calls) != 2 || calls[0].Attempt != 1 || calls[1].Attempt != 2 || calls[0].RequestID != calls[1].RequestID {
				t.Errorf("calls: got %+v, want two attempts of one request", calls)
			}
			if o.GetAttempts() != 2 {
				t.Errorf("attempts: got %d, want 2", o.GetAttempts())
			}
		})
	}
}

// Without tokens a repeat waits until the killed request has ended, and its answer
// is looked at once more, because the marker may have been late.
func TestTwins(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.tokens = false
		r.cloud.hidden = 1 // the first look-up finds nothing: a twin is made
		r.cloud.after = on("CreateVm", 1, errLostAnswer)
	})
	begin := time.Now()
	got := r.mustSubmit(r.createVm("a", "k"))
	r.ends(got.GetOperationId(), succeeded)
	if n := r.cloud.vmCount(); n != 1 {
		t.Errorf("VMs: got %d, want 1", n)
	}
	if id := got.GetId(); id != "acc.vm-1" {
		t.Errorf("id: got %q, want that of the elder", id)
	}
	calls := r.cloud.callsOf("CreateVm")
	if len(calls) != 3 {
		t.Fatalf("calls: got %d, want the first, the repeat and the check", len(calls))
	}
	for i, call := range calls {
		if call.Attempt != i+1 {
			t.Errorf("call %d: got attempt %d", i, call.Attempt)
		}
	}
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("took %s, want the request timeout twice", took)
	}
}

// What surely has ended need not be waited for, and leaves no twin.
func TestEndedAttempt(t *testing.T) {
	t.Parallel()
	gone := sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.Ended())
	for name, change := range map[string]func(*cloud){
		"without effect": func(c *cloud) { c.before = on("CreateVm", 1, gone) },
		"with effect":    func(c *cloud) { c.after = on("CreateVm", 1, gone) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(r *rig) {
				r.cloud.tokens, r.cloud.longest = false, time.Hour
				change(r.cloud)
			})
			got := r.mustSubmit(r.createVm("a", "k"))
			r.ends(got.GetOperationId(), succeeded)
			if n, calls := r.cloud.vmCount(), r.cloud.count("CreateVm"); n != 1 || calls != 2 {
				t.Errorf("%d VMs after %d calls, want 1 after 2", n, calls)
			}
		})
	}
}

// One attempt that may still run is enough to wait.
func TestAdriftAttempt(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.tokens = false
		r.cloud.before = func(rpc string, n int) error {
			switch {
			case rpc != "CreateVm":
				return nil
			case n == 1:
				return errLostAnswer
			case n == 2:
				return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.Ended())
			}
			return nil
		}
	})
	begin := time.Now()
	got := r.mustSubmit(r.createVm("a", "k"))
	r.ends(got.GetOperationId(), succeeded)
	if took, calls := time.Since(begin), r.cloud.count("CreateVm"); took < 3*time.Second || calls != 4 {
		t.Errorf("%d calls in %s, want two repeats and the check, each after the request timeout", calls, took)
	}
}

// Actions are not creates: their repeats need not wait.
func TestAmbiguousAction(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.tokens, r.cloud.longest = false, time.Hour
		r.cloud.after = on("StartVm", 1, errLostAnswer)
		r.cloud.set("vm-1", stopped, starting, running)
	})
	got := r.mustSubmit(r.onVm("StartVm", &computev1.StartVmRequest{Id: "vm-1"}))
	r.ends(got.GetOperationId(), succeeded)
	if n := r.cloud.count("StartVm"); n != 2 {
		t.Errorf("calls: got %d, want 2", n)
	}
}

func TestFaultyDriver(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.before = func(rpc string, _ int) error {
			if rpc == "CreateVm" {
				panic("driver")
			}
			return nil
		}
	})
	_, err := r.submit(r.createVm("a", ""))
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_FAULT {
		t.Errorf("got %v, want DRIVER_FAULT", err)
	}
	if n := r.cloud.count("CreateVm"); n != 5 {
		t.Errorf("calls: got %d, want 5", n)
	}
}

func TestUnknownUntilDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.opts.AcceptTimeout = 20 * time.Millisecond
		r.cloud.before = func(string, int) error { return errLostAnswer }
	})
	got := r.mustSubmit(r.createVm("a", "k"))
	r.eventually("unknown outcome", func() bool { return r.get(got.GetOperationId()).GetStatus() == isUnknown })
	r.clock.move(time.Hour)
	o := r.ends(got.GetOperationId(), timedOut)
	if o.GetError().GetReason() != "OPERATION_TIMED_OUT" {
		t.Errorf("error: got %v", o.GetError())
	}
}

// After a restart the account may not be open yet; how its cloud takes repeats is
// not known then.
func TestUnknownWhileAccountIsClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.tokens = false
		r.opts.AcceptTimeout = 20 * time.Millisecond
		r.cloud.after = on("CreateVm", 1, errLostAnswer)
	})
	got := r.mustSubmit(r.createVm("a", ""))
	r.eventually("first call", func() bool { return r.get(got.GetOperationId()).GetStatus() == isUnknown })
	acc, _ := r.accounts.Get("acc")
	closed := *acc
	closed.Conn, closed.Idempotency = nil, nil
	r.engine.Close()
	r.accounts.put(&closed)
	r.engine = r.start()
	attempts := r.get(got.GetOperationId()).GetAttempts()
	r.eventually("taken up", func() bool { return r.get(got.GetOperationId()).GetStatus() == isUnknown })
	if n := r.get(got.GetOperationId()).GetAttempts(); n != attempts {
		t.Errorf("attempts while the account is closed: got %d, want %d", n, attempts)
	}
	r.open()
	r.ends(got.GetOperationId(), succeeded)
	if n := r.cloud.vmCount(); n != 1 {
		t.Errorf("VMs: got %d, want 1", n)
	}
}
