package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// of keeps the events of one resource.
func of(events []event, id string) []event {
	var out []event
	for _, e := range events {
		if e.Resource == id {
			out = append(out, e)
		}
	}
	return out
}

// one needs exactly one event of a resource, of a type.
func (r *rig) one(events []event, id, wantType string) event {
	r.Helper()
	mine := of(events, id)
	if len(mine) != 1 || mine[0].Type != wantType {
		r.Fatalf("%s has events %v, want one %s", id, mine, wantType)
	}
	return mine[0]
}

func TestBehindOurBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := newRig(t, store, Options{})
		r.compare() // what a new cloud has
		if again := r.compare(); len(again) != 0 {
			t.Fatalf("nothing has changed, but there are events %v", again)
		}
		vm := r.newVM("made elsewhere")
		made := r.one(r.compare(), vm, "ResourceDiscovered")
		if made.Sequence != 1 || made.Payload["state"] != "VM_STATE_RUNNING" || made.Payload["managed"] != "MANAGED_DISCOVERED" {
			t.Errorf("discovered: %v", made)
		}
		if owner, ok := r.inventory.Owner(vm); !ok || owner.TenantID != "" || owner.Managed != apiv1.Managed_MANAGED_DISCOVERED {
			t.Errorf("owner is %v, %v", owner, ok)
		}

		call(r, func(ctx context.Context) (*computev1.StopVmResponse, error) {
			return r.vms().StopVm(ctx, &computev1.StopVmRequest{Id: native(vm)})
		})
		stopped := r.one(r.compare(), vm, "ResourceStateChanged")
		if stopped.Sequence != 2 || stopped.Payload["from_state"] != "VM_STATE_RUNNING" || stopped.Payload["to_state"] != "VM_STATE_STOPPED" {
			t.Errorf("stopped: %v", stopped)
		}

		for _, step := range []string{"", "confirm"} {
			call(r, func(ctx context.Context) (*computev1.ResizeVmResponse, error) {
				ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("next-step", step))
				return r.vms().ResizeVm(ctx, &computev1.ResizeVmRequest{Id: native(vm), FlavorId: "m1.large"})
			})
		}
		resized := r.one(r.compare(), vm, "ResourceSpecChanged")
		from, to := resized.Payload["from_spec"].(map[string]any), resized.Payload["to_spec"].(map[string]any)
		if from["flavor_id"] != "m1.tiny" || to["flavor_id"] != "m1.large" || to["vcpus"] == from["vcpus"] {
			t.Errorf("resized: %v", resized)
		}

		call(r, func(ctx context.Context) (*computev1.UpdateVmResponse, error) {
			return r.vms().UpdateVm(ctx, &computev1.UpdateVmRequest{Id: native(vm), Name: proto.String("renamed elsewhere")})
		})
		if events := of(r.compare(), vm); len(events) != 0 {
			t.Errorf("a new name is no event: %v", events)
		}
		call(r, func(ctx context.Context) (*computev1.UpdateVmResponse, error) {
			return r.vms().UpdateVm(ctx, &computev1.UpdateVmRequest{Id: native(vm), Description: proto.String("said elsewhere")})
		})
		r.compare()
		cached := r.cached(vm)
		if cached.GetName() != "renamed elsewhere" || cached.GetDescription() != "said elsewhere" {
			t.Errorf("the cache shows %v", cached)
		}

		call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
			return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: native(vm)})
		})
		gone := r.one(r.compare(), vm, "ResourceGone")
		if gone.Payload["cause"] != "DELETED_OUTSIDE" || gone.Payload["last_state"] != "VM_STATE_STOPPED" || gone.Sequence != 4 {
			t.Errorf("gone: %v", gone)
		}
		if again := r.compare(); len(again) != 0 {
			t.Errorf("afterwards there are events %v", again)
		}
		if s := r.source(); !s.Complete || time.Duration(r.clock.now().Sub(s.ObservedAt)) > time.Minute {
			t.Errorf("source is %v", s)
		}
	})
}

// cached is a VM as the inventory shows it.
func (r *rig) cached(id string) *computev1.Vm {
	r.Helper()
	items, _, err := r.inventory.List(r.Context(), inventory.Query{Type: "compute.vm", AccountIDs: []string{accountID}, IDs: []string{id}, Page: 1, PageSize: 1})
	if err != nil || len(items) != 1 {
		r.Fatal(items, err)
	}
	vm := &computev1.Vm{}
	if err := proto.Unmarshal(items[0].Body, vm); err != nil {
		r.Fatal(err)
	}
	return vm
}

func TestCloudThatDoesNotAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := newRig(t, store, Options{PageSize: 2})
		var ids []string
		for i := range 5 {
			ids = append(ids, r.newVM(fmt.Sprint("vm-", i)))
		}
		r.compare()
		complete := r.source().ObservedAt
		for name, tc := range map[string]struct {
			method string
			reason apiv1.Reason
		}{
			"all calls":    {"", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
			"listing only": {"cloud.compute.v1.VmService/ListVms", apiv1.Reason_REASON_CLOUD_ERROR},
			"credentials":  {"", apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		} {
			r.fail(tc.method, tc.reason)
			if events := r.compare(); len(events) != 0 {
				t.Errorf("%s: events %v", name, events)
			}
			if s := r.source(); s.Complete || !s.ObservedAt.Equal(complete) || s.Reason != strings.TrimPrefix(tc.reason.String(), "REASON_") {
				t.Errorf("%s: source is %+v, want the age of %v and the reason", name, s, complete)
			}
		}
		// The cloud loses a VM, and its listing breaks in the middle: nothing is taken
		// to be gone.
		r.fail("", 0)
		call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
			return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: native(ids[0])})
		})
		pages := 0
		r.driver.answer = func(path string, reply proto.Message) {
			if list, ok := reply.(*computev1.ListVmsResponse); ok {
				if pages++; pages == 2 {
					list.NextPageToken = "broken"
				}
			}
		}
		if events := r.compare(); len(of(events, ids[0])) != 0 || r.source().Complete {
			t.Errorf("half a listing: %v, %v", events, r.source())
		}
		r.driver.answer = nil
		r.one(r.compare(), ids[0], "ResourceGone")
		if !r.source().Complete {
			t.Error("the listing is complete again and is not said to be")
		}
	})
}

func TestListingThatLies(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	for i := range 3 {
		r.newVM(fmt.Sprint("vm-", i))
	}
	r.compare()
	r.driver.answer = func(path string, reply proto.Message) {
		if list, ok := reply.(*computev1.ListVmsResponse); ok {
			list.Vms = nil
		}
	}
	if events := r.compare(); len(events) != 0 {
		t.Errorf("an empty page that is wrong: events %v", events)
	}
	if s := r.source(); s.Complete || s.Reason != "CLOUD_ERROR" {
		t.Errorf("source is %+v", s)
	}
	r.driver.answer = nil
	knobs := memcloud.DefaultKnobs()
	knobs.HalfPages = true
	if err := r.cloud.SetKnobs(knobs); err != nil {
		t.Fatal(err)
	}
	if events := r.compare(); len(events) != 0 || !r.source().Complete {
		t.Errorf("short pages: events %v, source %+v", events, r.source())
	}
}

// TestOneThatIsNotListed: what a listing leaves out although it is there is no reason
// to keep what is gone, and none at all where the listing shows it by its id.
func TestOneThatIsNotListed(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	hidden, deleted, later := r.newVM("hidden"), r.newVM("deleted"), r.newVM("deleted later")
	r.compare()
	remove := func(id string) {
		call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
			return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: native(id)})
		})
	}
	byID := false
	r.driver.answer = func(_ string, reply proto.Message) {
		list, ok := reply.(*computev1.ListVmsResponse)
		if ok && !(byID && len(list.GetVms()) == 1) {
			list.Vms = slices.DeleteFunc(list.GetVms(), func(v *computev1.Vm) bool { return v.GetId() == native(hidden) })
		}
	}
	remove(deleted)
	events := r.compare()
	r.one(events, deleted, "ResourceGone")
	if s := r.source(); len(of(events, hidden)) != 0 || s.Complete || s.Reason != "CLOUD_ERROR" {
		t.Errorf("one that is hidden: events %v, source %+v", of(events, hidden), s)
	}
	call(r, func(ctx context.Context) (*computev1.StopVmResponse, error) {
		return r.vms().StopVm(ctx, &computev1.StopVmRequest{Id: native(hidden)})
	})
	r.one(r.compare(), hidden, "ResourceStateChanged")
	byID = true
	remove(later)
	events = r.compare()
	r.one(events, later, "ResourceGone")
	if s := r.source(); len(of(events, hidden)) != 0 || !s.Complete {
		t.Errorf("one that is listed by its id: events %v, source %+v", of(events, hidden), s)
	}
}

func TestLeftToTheFollowers(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	vm := r.newVM("a")
	r.compare()
	stop := func() {
		call(r, func(ctx context.Context) (*computev1.StopVmResponse, error) {
			return r.vms().StopVm(ctx, &computev1.StopVmRequest{Id: native(vm)})
		})
	}
	stop()
	r.work.resources = map[string]bool{vm: true}
	if events := of(r.compare(), vm); len(events) != 0 {
		t.Errorf("an operation works on it, and yet: %v", events)
	}
	r.work.resources = nil
	r.one(r.compare(), vm, "ResourceStateChanged")

	r.work.making = map[string]bool{"compute.vm": true}
	other := r.newVM("b")
	if events := of(r.compare(), other); len(events) != 0 {
		t.Errorf("a VM is being made, it may be this one: %v", events)
	}
	r.work.making = nil
	r.one(r.compare(), other, "ResourceDiscovered")
}

// TestDeletedByUs: a listing that is older than a deletion brings nothing back.
func TestDeletedByUs(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	vm := r.newVM("a")
	r.compare()
	stale := &computev1.ListVmsResponse{}
	if err := r.driver.Invoke(t.Context(), computev1.VmService_ListVms_FullMethodName, &computev1.ListVmsRequest{}, stale); err != nil {
		t.Fatal(err)
	}
	call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
		return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: native(vm)})
	})
	err := r.inventory.Record(t.Context(), inventory.Observation{ID: vm, Type: "compute.vm", AccountID: accountID, Gone: true, At: r.clock.now(), Source: "FOLLOWER"})
	if err != nil {
		t.Fatal(err)
	}
	r.driver.answer = func(_ string, reply proto.Message) {
		if list, ok := reply.(*computev1.ListVmsResponse); ok {
			proto.Reset(list)
			proto.Merge(list, stale)
		}
	}
	if events := of(r.compare(), vm); len(events) != 0 {
		t.Errorf("it came back: %v", events)
	}
}

func TestCreatedWhileListed(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	vm := r.newVM("a")
	r.compare()
	err := r.inventory.Record(t.Context(), inventory.Observation{
		ID: vm, Type: "compute.vm", AccountID: accountID, State: "VM_STATE_RUNNING", Created: true, At: r.clock.now(), Source: "FOLLOWER",
		Owner: inventory.Ownership{TenantID: "t1", Managed: apiv1.Managed_MANAGED_CREATED},
	})
	if err != nil {
		t.Fatal(err)
	}
	if owner, _ := r.inventory.Owner(vm); owner.TenantID != "t1" || owner.Managed != apiv1.Managed_MANAGED_CREATED {
		t.Errorf("owner is %+v", owner)
	}
}

// TestOneReplicaAtATime runs three reconcilers on one store.
func TestOneReplicaAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := newRig(t, store, Options{})
		vm := r.newVM("a")
		var inside, most int
		var mu sync.Mutex
		r.driver.answer = func(path string, _ proto.Message) {
			if path != computev1.VmService_ListVms_FullMethodName {
				return
			}
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			inside--
			mu.Unlock()
		}
		ctx, stop := context.WithCancel(t.Context())
		var replicas sync.WaitGroup
		for range 3 {
			replica := r.newReconciler(Options{Interval: 200 * time.Millisecond, LeaseTime: 20 * time.Second, Metrics: r.metrics, Now: r.clock.now})
			replicas.Go(func() {
				if err := replica.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		for deadline := time.Now().Add(20 * time.Second); r.metrics.cycleCount() < 4; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no four cycles in 20 s")
			}
		}
		stop()
		replicas.Wait()
		if most != 1 {
			t.Errorf("%d replicas listed at the same time", most)
		}
		r.one(r.events(), vm, "ResourceDiscovered")
	})
}

// TestKinds: everything that an organization owns is compared, but for what only its
// parent can list.
func TestKinds(t *testing.T) {
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := kindsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	compared := map[string]bool{}
	for _, k := range kinds {
		compared[k.name] = true
	}
	for name, want := range map[string]bool{
		"compute.vm": true, "compute.key_pair": true, "storage.disk": true, "network.public_ip": true, "database.instance": true,
		"network.member": false, "network.security_group_rule": false, // by their parents
		"compute.flavor": false, "compute.zone": false, // of the cloud
		"operation.operation": false, // of the gateway
	} {
		if compared[name] != want {
			t.Errorf("%s: compared %v, want %v", name, compared[name], want)
		}
	}
}
