package reconcile

import (
	"context"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// feed makes a driver tell changes of VMs, by comparing the cloud with how it was at
// each cursor.
type feed struct {
	states []map[string]*computev1.Vm // by cursor
	// silent: it does not tell deletions, but the number of what is there.
	silent bool
	broken bool // it understands no cursor
}

// GetInfo implements driverv1.DriverServiceServer.
func (d *driver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	return d.Info(), nil
}

func (d *driver) ListChanges(ctx context.Context, req *driverv1.ListChangesRequest) (*driverv1.ListChangesResponse, error) {
	answer, err := d.cloud.Call(ctx, memcloud.Caller{}, computev1.VmService_ListVms_FullMethodName, &computev1.ListVmsRequest{PageSize: 500})
	if err != nil {
		return nil, err
	}
	now := map[string]*computev1.Vm{}
	for _, vm := range answer.(*computev1.ListVmsResponse).GetVms() {
		now[vm.GetId()] = vm
	}
	resp := &driverv1.ListChangesResponse{NextCursor: strconv.Itoa(len(d.feed.states))}
	d.feed.states = append(d.feed.states, now)
	if req.GetCursor() == "" {
		return resp, nil
	}
	position, err := strconv.Atoi(req.GetCursor())
	if err != nil || d.feed.broken {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("cursor"))
	}
	before := d.feed.states[position]
	for id, vm := range now {
		if !proto.Equal(before[id], vm) {
			resp.Changes = append(resp.Changes, &driverv1.Change{Id: id})
		}
	}
	for id := range before {
		if now[id] == nil && !d.feed.silent {
			resp.Changes = append(resp.Changes, &driverv1.Change{Id: id, Deleted: true})
		}
	}
	if d.feed.silent {
		resp.Total = proto.Int32(int32(len(now)))
	}
	return resp, nil
}

// newFeedRig is a rig whose driver tells changes of VMs; what else the cloud has is
// listed in every cycle.
func newFeedRig(t *testing.T, store *db.Store, opts Options) *rig {
	t.Helper()
	r := newRig(t, store, opts)
	r.driver.feed = &feed{}
	if err := r.accounts.Reopen(t.Context(), "memory", r.driver); err != nil {
		t.Fatal(err)
	}
	var kinds []kind
	for _, k := range r.reconciler.kinds {
		if k.name == "compute.vm" {
			kinds = append(kinds, k)
		}
	}
	r.reconciler.kinds = kinds
	return r
}

// cost runs a cycle and returns its events and calls.
func (r *rig) cost() ([]event, int) {
	r.Helper()
	before := r.metrics.calls
	events := r.compare()
	if reasons := r.metrics.cycles; reasons[len(reasons)-1] != "" {
		r.Fatalf("the cycle failed: %v", reasons[len(reasons)-1])
	}
	return events, r.metrics.calls - before
}

func (r *rig) stop(id string) {
	r.Helper()
	call(r, func(ctx context.Context) (*computev1.StopVmResponse, error) {
		return r.vms().StopVm(ctx, &computev1.StopVmRequest{Id: native(id)})
	})
}

func (r *rig) remove(id string) {
	r.Helper()
	call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
		return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: native(id)})
	})
}

// TestChangesCostWhatChanged: everything is found, and what stayed the same costs
// nothing.
func TestChangesCostWhatChanged(t *testing.T) {
	for name, silent := range map[string]bool{"deletions told": false, "number told": true} {
		t.Run(name, func(t *testing.T) {
			r := newFeedRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{PageSize: 2})
			r.driver.feed.silent = silent
			var vms []string
			for i := range 9 {
				vms = append(vms, r.newVM("vm-"+strconv.Itoa(i)))
			}
			if events, calls := r.cost(); len(events) != 9 || calls != 1+5 {
				t.Fatalf("first cycle: %d events, %d calls; want 9 of 5 pages and one for the cursor", len(events), calls)
			}
			if events, calls := r.cost(); len(events) != 0 || calls != 1 {
				t.Errorf("quiet cycle: events %v, %d calls", events, calls)
			}
			r.stop(vms[0])
			made := r.newVM("another")
			events, calls := r.cost()
			r.one(events, vms[0], "ResourceStateChanged")
			r.one(events, made, "ResourceDiscovered")
			if calls != 1+2 {
				t.Errorf("two changes took %d calls", calls)
			}
			r.remove(vms[1])
			events, calls = r.cost()
			if gone := r.one(events, vms[1], "ResourceGone"); gone.Payload["cause"] != "DELETED_OUTSIDE" {
				t.Errorf("gone: %v", gone)
			}
			if !silent && calls != 1 {
				t.Errorf("a deletion that was told took %d calls", calls)
			}
			if events, calls := r.cost(); len(events) != 0 || calls != 1 {
				t.Errorf("quiet cycle afterwards: events %v, %d calls", events, calls)
			}
			r.clock.pass(time.Hour)
			if _, calls := r.cost(); calls < 5 {
				t.Errorf("after an hour nothing was listed: %d calls", calls)
			}
			r.driver.feed.broken = true
			r.stop(vms[2])
			events, _ = r.cost()
			r.one(events, vms[2], "ResourceStateChanged")
		})
	}
}

// TestChangesOfBusyResourcesAreToldAgain: a change that was an operation's to record
// is not lost when the operation ends without having seen it.
func TestChangesOfBusyResourcesAreToldAgain(t *testing.T) {
	r := newFeedRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	vm := r.newVM("vm")
	r.cost()
	r.stop(vm)
	r.work.resources = map[string]bool{vm: true}
	if events, _ := r.cost(); len(events) != 0 {
		t.Errorf("the operation's resource was recorded: %v", events)
	}
	r.work.resources = nil
	events, _ := r.cost()
	r.one(events, vm, "ResourceStateChanged")
}
