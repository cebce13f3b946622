package operation_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	answer := r.mustSubmit(r.createVm("a", ""))
	if answer.GetId() != "acc.vm-1" || answer.GetOperationStatus() != isRunning {
		t.Errorf("first answer: got %v, want acc.vm-1, running", answer)
	}
	o := r.ends(answer.GetOperationId(), succeeded)
	if o.GetResourceId() != "acc.vm-1" || o.GetResourceState() != "VM_STATE_RUNNING" || o.GetAttempts() != 1 || o.GetNextPollAt() != nil {
		t.Errorf("operation: got %v", o)
	}
	var told []string
	for i, e := range r.events("ResourceStateChanged", "acc.vm-1") {
		told = append(told, e.to())
		if int(e.Sequence) != i+1 {
			t.Errorf("event %d has the sequence %d", i, e.Sequence)
		}
	}
	if want := "[VM_STATE_CREATING VM_STATE_RUNNING]"; fmt.Sprint(told) != want {
		t.Errorf("events: got %v, want %s", told, want)
	}
	if n := len(r.events("OperationFinished", "acc.vm-1")); n != 1 {
		t.Errorf("OperationFinished: got %d events, want 1", n)
	}
	owner, ok := r.inventory.Owner("acc.vm-1")
	if !ok || owner.TenantID != "tenant" || owner.OwnerID != "user" || owner.Managed != apiv1.Managed_MANAGED_CREATED {
		t.Errorf("owner: got %+v, %v", owner, ok)
	}
}

// What is done with the driver's answer must be as complete as what is followed.
func TestImmediate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.set("vm-1", running)
	s := r.onVm("ResetVmPassword", &computev1.ResetVmPasswordRequest{Id: "vm-1", Password: "New-Password-1"})
	answer := r.mustSubmit(s)
	if answer.GetOperationStatus() != succeeded {
		t.Errorf("status: got %v, want SUCCEEDED", answer.GetOperationStatus())
	}
	o := r.get(answer.GetOperationId())
	if o.GetFinishedAt() == nil {
		t.Error("finished_at is absent")
	}
	if n := len(r.events("OperationFinished", "acc.vm-1")); n != 1 {
		t.Errorf("OperationFinished: got %d events, want 1", n)
	}
	password, ok, err := r.passwords.Recall(t.Context(), "acc.vm-1")
	if err != nil || !ok || password != "New-Password-1" {
		t.Errorf("password: got %q, %v, %v", password, ok, err)
	}
	var sealed int64
	r.store.Read.Table("operation_operations").Where("request IS NOT NULL").Count(&sealed)
	if sealed != 0 {
		t.Error("the request is kept after the end")
	}
}

func TestAnswersIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.submission("cloud.network.v1.RouterService/AddRouterInterface", "acc.r-1", &networkv1.AddRouterInterfaceRequest{Id: "r-1"})
	answer := r.mustSubmit(s).(*networkv1.AddRouterInterfaceResponse)
	if answer.GetId() != "acc.r-1" || answer.GetNicId() != "acc.port-1" {
		t.Errorf("got %v, want public ids", answer)
	}
}

func TestMalformedIDOfDriver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.submission("cloud.compute.v1.KeyPairService/CreateKeyPair", "", &computev1.CreateKeyPairRequest{Name: "a key"})
	if _, err := r.submit(s); sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_FAULT {
		t.Errorf("got %v, want DRIVER_FAULT", err)
	}
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mustSubmit(r.submission("cloud.compute.v1.KeyPairService/CreateKeyPair", "", &computev1.CreateKeyPairRequest{Name: "key"}))
	r.cloud.set("vm-1", running)
	r.mustSubmit(r.onVm("ResetVmPassword", &computev1.ResetVmPasswordRequest{Id: "vm-1", Password: "Clear-Text-1"}))
	r.engine.Close()
	content := dbtest.Content(t, r.dsn)
	if content == "" {
		t.Fatal("the store is empty")
	}
	for _, secret := range []string{"SECRET-OF-THE-CLOUD", "Clear-Text-1"} {
		if strings.Contains(content, secret) {
			t.Errorf("the store holds %q in clear", secret)
		}
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestSameKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.mustSubmit(r.createVm("a", "k"))
	second := r.mustSubmit(r.createVm("a", "k"))
	if !proto.Equal(first, second) {
		t.Errorf("repeat: got %v, want %v", second, first)
	}
	r.ends(first.GetOperationId(), succeeded)
	if third := r.mustSubmit(r.createVm("a", "k")); !proto.Equal(first, third) {
		t.Errorf("repeat after the end: got %v, want the first answer %v", third, first)
	}
	r.restart()
	if fourth := r.mustSubmit(r.createVm("a", "k")); !proto.Equal(first, fourth) {
		t.Errorf("repeat after a restart: got %v, want %v", fourth, first)
	}
	if _, err := r.submit(r.createVm("b", "k")); sdk.ReasonOf(err) != apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT {
		t.Errorf("other message: got %v, want IDEMPOTENCY_CONFLICT", err)
	}
	other := r.createVm("b", "k")
	other.TenantID = "other"
	if answer := r.mustSubmit(other); answer.GetId() == first.GetId() {
		t.Error("another organization's key is the same key")
	}
	if n := r.cloud.vmCount(); n != 2 {
		t.Errorf("VMs: got %d, want 2", n)
	}
}

func TestSameKeyConcurrently(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const repeats = 200
	answers := make([]proto.Message, repeats)
	var group sync.WaitGroup
	for i := range repeats {
		group.Go(func() {
			result, err := r.engine.Submit(t.Context(), r.createVm("a", "k"))
			if err != nil {
				t.Errorf("repeat %d: %v", i, err)
			}
			answers[i] = result.Answer
		})
	}
	group.Wait()
	for i := range answers {
		if !proto.Equal(answers[0], answers[i]) {
			t.Fatalf("answer %d: got %v, want %v", i, answers[i], answers[0])
		}
	}
	if n := r.cloud.vmCount(); n != 1 {
		t.Errorf("VMs: got %d, want 1", n)
	}
	if n := r.cloud.count("CreateVm"); n != 1 {
		t.Errorf("calls of CreateVm: got %d, want 1", n)
	}
}

// A failure that may pass frees its key; a final one does not.
func TestFailuresAndKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.before = func(_ string, n int) error {
			switch n {
			case 1:
				return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(3*time.Second))
			case 2:
				return sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED)
			default:
				return nil
			}
		}
	})
	_, err := r.submit(r.createVm("a", "k"))
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || sdk.RetryAfterOf(err) != 3*time.Second {
		t.Errorf("first: got %v, want THROTTLED", err)
	}
	for range 2 {
		if _, err := r.submit(r.createVm("a", "k")); sdk.ReasonOf(err) != apiv1.Reason_REASON_QUOTA_EXCEEDED {
			t.Errorf("then: got %v, want QUOTA_EXCEEDED", err)
		}
	}
	r.restart()
	if _, err := r.submit(r.createVm("a", "k")); sdk.ReasonOf(err) != apiv1.Reason_REASON_QUOTA_EXCEEDED {
		t.Errorf("after a restart: got %v, want QUOTA_EXCEEDED", err)
	}
	if n := r.cloud.count("CreateVm"); n != 2 {
		t.Errorf("calls: got %d, want 2", n)
	}
}

func TestKeysAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) { r.opts.LeaseTime, r.opts.KeyLife = 60*time.Millisecond, time.Hour })
	first := r.mustSubmit(r.createVm("a", "k"))
	r.ends(first.GetOperationId(), succeeded)
	r.clock.move(2 * time.Hour)
	r.eventually("key forgotten", func() bool { return r.get(first.GetOperationId()).GetIdempotencyKey() == "" })
	if again := r.mustSubmit(r.createVm("b", "k")); again.GetId() == first.GetId() {
		t.Errorf("got %v again", again.GetId())
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.createVm("a", "")
	s.Wait = 5 * time.Second
	answer := r.mustSubmit(s).(*computev1.CreateVmResponse)
	if answer.GetState() != running || answer.GetOperationStatus() != succeeded {
		t.Errorf("waited: got %v, want RUNNING, SUCCEEDED", answer)
	}
	r.cloud.mu.Lock()
	r.cloud.vms["vm-9"] = []computev1.VmState{starting, failed}
	r.cloud.mu.Unlock()
	s = r.submission("cloud.compute.v1.VmService/StartVm", "acc.vm-9", &computev1.StartVmRequest{Id: "vm-9"})
	s.Wait, s.Key = 5*time.Second, "k"
	for _, when := range []string{"first", "repeat", "after a restart"} {
		if _, err := r.submit(s); sdk.ReasonOf(err) != apiv1.Reason_REASON_RESOURCE_FAILED {
			t.Errorf("%s: got %v, want RESOURCE_FAILED", when, err)
		}
		if when == "repeat" {
			r.restart()
		}
	}
}

// A caller that goes away does not end the work, and a late answer is 202's.
func TestAcceptTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newRig(t, func(r *rig) {
		r.opts.AcceptTimeout = 30 * time.Millisecond
		r.cloud.before = func(rpc string, _ int) error {
			if rpc == "CreateVm" {
				<-release
			}
			return nil
		}
	})
	answer := r.mustSubmit(r.createVm("a", "k"))
	if answer.GetId() != "" || answer.GetOperationId() == "" {
		t.Errorf("got %v, want an operation without id", answer)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := r.engine.Submit(gone, r.createVm("b", "")); err == nil {
		t.Error("a write of a caller that has gone was begun")
	}
	close(release)
	r.ends(answer.GetOperationId(), succeeded)
}

func TestAccountNotOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acc, _ := r.accounts.Get("acc")
	closed := *acc
	closed.Conn, closed.Idempotency = nil, nil
	r.accounts.put(&closed)
	_, err := r.submit(r.createVm("a", "k"))
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_UNAVAILABLE {
		t.Errorf("got %v, want DRIVER_UNAVAILABLE", err)
	}
	r.open()
	r.mustSubmit(r.createVm("a", "k"))
}

// A driver that has not opened the account again is not an account that is absent.
func TestAccountUnknownToDriver(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.cloud.before = on("CreateVm", 1, sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND))
	})
	if _, err := r.submit(r.createVm("a", "k")); sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_UNAVAILABLE {
		t.Errorf("got %v, want DRIVER_UNAVAILABLE", err)
	}
	r.mustSubmit(r.createVm("a", "k"))
}

func TestAfterClose(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.engine.Close()
	if _, err := r.submit(r.createVm("a", "")); sdk.ReasonOf(err) != apiv1.Reason_REASON_UNAVAILABLE {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
}

func TestLanguageAndAbsent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.before = on("CreateVm", 1, sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED))
	_, _ = r.submit(r.createVm("a", ""))
	list := r.list()
	if len(list) != 1 || list[0].GetError().GetMessage() != "云平台配额不足" {
		t.Errorf("got %v, want one operation with a Chinese message", list)
	}
}
