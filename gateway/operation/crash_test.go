package operation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/internal/db"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func network(subnets int) *networkv1.CreateNetworkRequest {
	request := &networkv1.CreateNetworkRequest{Name: "net"}
	for i := range subnets {
		request.Subnets = append(request.Subnets, &networkv1.CreateSubnetRequest{Name: fmt.Sprintf("sub%d", i), Cidr: fmt.Sprintf("10.0.%d.0/24", i)})
	}
	return request
}

const createNetwork = "cloud.network.v1.NetworkService/CreateNetwork"

func TestChain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) { r.cloud.before = on("CreateSubnet", 2, sdk.NewError(apiv1.Reason_REASON_THROTTLED)) })
	got := r.mustSubmit(r.submission(createNetwork, "", network(3)))
	r.ends(got.GetOperationId(), succeeded)
	if len(r.cloud.subnets) != 3 {
		t.Errorf("subnets: got %v, want 3", r.cloud.subnets)
	}
	for id, of := range r.cloud.subnets {
		if "acc."+of != got.GetId() {
			t.Errorf("subnet %s is of %s, want %s", id, of, got.GetId())
		}
		if _, ok := r.inventory.Owner("acc." + id); !ok {
			t.Errorf("subnet %s is not in the inventory", id)
		}
	}
	children := 0
	for _, o := range r.list() {
		if o.GetParentId() == got.GetOperationId() {
			children++
			if o.GetIdempotencyKey() != "" {
				t.Errorf("the key of a part is shown: %s", o.GetIdempotencyKey())
			}
		}
	}
	if children != 3 {
		t.Errorf("parts: got %d, want 3", children)
	}
}

func TestFailingChain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) { r.cloud.before = on("CreateSubnet", 2, sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED)) })
	s := r.submission(createNetwork, "", network(3))
	s.Wait, s.Key = 5*time.Second, "k"
	for range 2 {
		if _, err := r.submit(s); sdk.ReasonOf(err) != apiv1.Reason_REASON_QUOTA_EXCEEDED {
			t.Errorf("got %v, want QUOTA_EXCEEDED", err)
		}
	}
	if n := r.cloud.count("CreateSubnet"); n != 2 {
		t.Errorf("calls of CreateSubnet: got %d, want 2", n)
	}
	if len(r.cloud.networks) != 1 {
		t.Errorf("networks: got %d, want that which was made", len(r.cloud.networks))
	}
}

// gate holds the n-th call of an rpc until the test opens it.
type gate struct {
	reached, open chan struct{}
}

func newGate() gate { return gate{make(chan struct{}), make(chan struct{})} }

func (g gate) at(rpc string, n int) func(string, int) error {
	var once sync.Once
	return func(r string, i int) error {
		if r == rpc && i == n {
			once.Do(func() { close(g.reached) })
			<-g.open
		}
		return nil
	}
}

// The engine ends while a call is in flight; the cloud may act on it or not. The
// next engine brings the operation to its end, and there is one of everything.
func TestCrashes(t *testing.T) {
	t.Parallel()
	type stage struct {
		rpc string
		n   int
	}
	create := func(r *rig) operation.Submission { return r.createVm("a", "k") }
	for name, tc := range map[string]struct {
		at     stage
		submit func(*rig) operation.Submission
		tokens bool
		want   apiv1.OperationStatus
		prove  func(t *testing.T, r *rig)
	}{
		"create in flight":              {stage{"CreateVm", 1}, create, true, succeeded, oneVM},
		"create in flight, no tokens":   {stage{"CreateVm", 1}, create, false, succeeded, oneVM},
		"first look":                    {stage{"GetVm", 1}, create, true, succeeded, oneVM},
		"second look":                   {stage{"GetVm", 2}, create, true, succeeded, oneVM},
		"first part of a chain":         {stage{"CreateSubnet", 1}, chainOf3, true, succeeded, threeSubnets},
		"second part of a chain":        {stage{"CreateSubnet", 2}, chainOf3, true, succeeded, threeSubnets},
		"look at a part":                {stage{"GetSubnet", 3}, chainOf3, true, succeeded, threeSubnets},
		"first resource of a chain":     {stage{"CreateNetwork", 1}, chainOf3, true, succeeded, threeSubnets},
		"first step":                    {stage{"ResizeVm", 1}, resizeVM, true, succeeded, stepsInOrder},
		"second step":                   {stage{"ResizeVm", 2}, resizeVM, true, succeeded, stepsInOrder},
		"third step":                    {stage{"ResizeVm", 3}, resizeVM, true, succeeded, stepsInOrder},
		"look after the steps":          {stage{"GetVm", 1}, resizeVM, true, succeeded, stepsInOrder},
		"action in flight":              {stage{"StartVm", 1}, startVM, true, succeeded, func(*testing.T, *rig) {}},
		"deletion in flight":            {stage{"DeleteVm", 1}, deleteVM, true, succeeded, noVM},
		"look at what is being deleted": {stage{"GetVm", 1}, deleteVM, true, succeeded, noVM},
	} {
		for _, acts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, cloud acts %v", name, acts), func(t *testing.T) {
				t.Parallel()
				hold := newGate()
				r := newRig(t, func(r *rig) {
					r.cloud.tokens = tc.tokens
					r.cloud.step = stepper(t, "")
					r.cloud.set("vm-1", running)
					if tc.at.rpc == "CreateVm" || name == "first look" || name == "second look" {
						r.cloud.vms = map[string][]computev1.VmState{}
					}
					block := hold.at(tc.at.rpc, tc.at.n)
					if acts {
						r.cloud.after = block
					} else {
						r.cloud.before = func(rpc string, n int) error {
							_ = block(rpc, n)
							if rpc == tc.at.rpc && n == tc.at.n {
								return errLostAnswer
							}
							return nil
						}
					}
					if acts && (tc.at.rpc == "GetVm" || tc.at.rpc == "GetSubnet") {
						r.cloud.before = block // reads have no effect that could come later
					}
				})
				s := tc.submit(r)
				done := make(chan string, 1)
				go func() {
					result, err := r.engine.Submit(context.WithoutCancel(t.Context()), s)
					if err != nil {
						t.Errorf("submit: %v", err)
						done <- ""
						return
					}
					done <- result.Answer.(answered).GetOperationId()
				}()
				<-hold.reached
				r.engine.Close()
				id := <-done
				close(hold.open)
				r.engine = r.start()
				r.ends(id, tc.want)
				tc.prove(t, r)
				again := r.mustSubmit(s)
				if s.Key != "" && again.GetOperationId() != id {
					t.Errorf("the repeat of the key made another operation")
				}
				if n := len(r.events("OperationFinished", again.GetId())); n != 1 && s.Key != "" {
					t.Errorf("OperationFinished: got %d events, want 1", n)
				}
			})
		}
	}
}

func oneVM(t *testing.T, r *rig) {
	t.Helper()
	if n := r.cloud.vmCount(); n != 1 {
		t.Errorf("VMs: got %d, want 1", n)
	}
}

func noVM(t *testing.T, r *rig) {
	t.Helper()
	if n := r.cloud.vmCount(); n != 0 {
		t.Errorf("VMs: got %d, want 0", n)
	}
}

func chainOf3(r *rig) operation.Submission {
	s := r.submission(createNetwork, "", network(3))
	s.Key = "k"
	return s
}

func threeSubnets(t *testing.T, r *rig) {
	t.Helper()
	r.cloud.mu.Lock()
	defer r.cloud.mu.Unlock()
	if len(r.cloud.networks) != 1 || len(r.cloud.subnets) != 3 {
		t.Errorf("got %d networks and %d subnets, want 1 and 3", len(r.cloud.networks), len(r.cloud.subnets))
	}
}

func resizeVM(r *rig) operation.Submission {
	s := r.onVm("ResizeVm", resize())
	s.Key = "k"
	return s
}

// stepsInOrder: a step is repeated only as a repeat, and none is left out.
func stepsInOrder(t *testing.T, r *rig) {
	t.Helper()
	order := map[string]int{"": 0, "one": 1, "two": 2}
	seen, last := map[string]bool{}, 0
	for _, call := range r.cloud.callsOf("ResizeVm") {
		if seen[call.NextStep] && call.Attempt == 1 {
			t.Errorf("step %q was made again as if for the first time", call.NextStep)
		}
		if order[call.NextStep] < last {
			t.Errorf("step %q came after a later one", call.NextStep)
		}
		seen[call.NextStep], last = true, order[call.NextStep]
	}
	if len(seen) != 3 {
		t.Errorf("steps: got %v, want three", seen)
	}
}

func startVM(r *rig) operation.Submission {
	return r.onVm("StartVm", &computev1.StartVmRequest{Id: "vm-1"})
}

func deleteVM(r *rig) operation.Submission {
	s := r.onVm("DeleteVm", &computev1.DeleteVmRequest{Id: "vm-1"})
	s.Key = "k"
	return s
}

// Two engines share a store. The first stops renewing its leases while a call of it
// hangs; the second takes over; what the first writes later changes nothing.
func TestTakeover(t *testing.T) {
	t.Parallel()
	hold := newGate()
	r := newRig(t, func(r *rig) {
		r.store = &db.Store{Read: r.store.Read, Write: r.store.Write} // as replicas share it
		r.opts.LeaseTime = 300 * time.Millisecond
		r.cloud.before = hold.at("CreateVm", 1)
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	silent := operation.New(ctx, r.logger(), r.store, r.box, r.contract, r.accounts, r.inventory, r.passwords, r.opts)
	t.Cleanup(func() { stop(); silent.Close() })
	answers := make(chan proto.Message, 1)
	go func() {
		result, err := silent.Submit(context.WithoutCancel(t.Context()), r.createVm("a", "k"))
		if err != nil {
			t.Errorf("first engine: %v", err)
		}
		answers <- result.Answer
	}()
	<-hold.reached
	id := r.list()[0].GetId()
	r.eventually("taken over", func() bool {
		var fence int64
		err := r.store.Read.Table("operation_operations").Where("id = ?", id).Pluck("fence", &fence).Error
		return err == nil && fence == 2
	})
	close(hold.open) // the second call is let through after the first
	before := r.ends(id, succeeded)
	answer := <-answers
	if got := answer.(answered); got.GetId() != before.GetResourceId() || got.GetOperationId() != id {
		t.Errorf("client of the first engine: got %v, want the answer of the second", got)
	}
	if after := r.get(id); !proto.Equal(before, after) {
		t.Errorf("the late writer changed the operation: got %v, want %v", after, before)
	}
	if n := len(r.events("OperationFinished", "")); n != 1 {
		t.Errorf("OperationFinished: got %d events, want 1", n)
	}
	oneVM(t, r)
}

// An engine never takes up what runs in it, however late its own leases are.
func TestOwnLeasesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, embedded := range map[string]bool{"embedded": true, "shared": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold := newGate()
			r := newRig(t, func(r *rig) {
				r.store = &db.Store{Read: r.store.Read, Write: r.store.Write, Embedded: embedded}
				r.cloud.before = hold.at("CreateVm", 1)
				r.opts.AcceptTimeout = 10 * time.Millisecond
				r.idle = true
			})
			ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
			r.engine = operation.New(ctx, r.logger(), r.store, r.box, r.contract, r.accounts, r.inventory, r.passwords, r.opts)
			got := r.mustSubmit(r.createVm("a", "k"))
			<-hold.reached
			if err := r.store.Write.Exec("UPDATE operation_operations SET lease_until = 0").Error; err != nil {
				t.Fatal(err)
			}
			var sweeping sync.WaitGroup
			sweeping.Go(func() { _ = r.engine.Run(ctx) })
			t.Cleanup(func() { stop(); r.engine.Close(); sweeping.Wait() })
			second := r.submission("cloud.compute.v1.VmService/DeleteVm", "acc.vm-7", &computev1.DeleteVmRequest{Id: "vm-7"})
			r.ends(r.mustSubmit(second).GetOperationId(), succeeded)
			close(hold.open)
			r.ends(got.GetOperationId(), succeeded)
			if n := r.cloud.count("CreateVm"); n != 1 {
				t.Errorf("calls: got %d, want 1", n)
			}
		})
	}
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	bodies := make(chan string, 8)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if posts.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body := make([]byte, request.ContentLength)
		_, _ = request.Body.Read(body)
		bodies <- string(body)
	}))
	t.Cleanup(receiver.Close)
	r := newRig(t, func(r *rig) { r.opts.Callbacks = receiver.Client() })
	s := r.createVm("a", "")
	s.Callback = receiver.URL
	r.ends(r.mustSubmit(s).GetOperationId(), succeeded)
	immediate := r.onVm("UpdateVm", &computev1.UpdateVmRequest{Id: "vm-1", Name: proto.String("b")})
	r.eventually("first try", func() bool { return posts.Load() == 1 })
	r.clock.move(time.Minute)
	<-bodies
	immediate.Callback = receiver.URL
	r.mustSubmit(immediate)
	<-bodies
	var due int64
	r.eventually("no callback is due", func() bool {
		return r.store.Read.Table("operation_operations").Where("callback_due_at IS NOT NULL").Count(&due).Error == nil && due == 0
	})
	if n := posts.Load(); n != 3 {
		t.Errorf("posts: got %d, want 3", n)
	}
}
