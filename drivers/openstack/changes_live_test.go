package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// changed asks what changed of a type since some seconds ago.
func (l *live) changed(t *testing.T, resourceType string, since time.Time) *driverv1.ListChangesResponse {
	t.Helper()
	resp, err := driverv1.NewDriverServiceClient(l.conn).ListChanges(t.Context(), &driverv1.ListChangesRequest{
		AccountId: liveAccount, ResourceType: resourceType, Cursor: formatCursor(since),
	})
	if err != nil {
		t.Fatalf("changes of %s: %v", resourceType, err)
	}
	return resp
}

// names tells whether a change of the resource is among them, and as what.
func names(resp *driverv1.ListChangesResponse, id string, deleted bool) bool {
	return slices.ContainsFunc(resp.GetChanges(), func(c *driverv1.Change) bool { return c.GetId() == id && c.GetDeleted() == deleted })
}

// TestChangesOfARealCloud makes, changes and removes things and reads what the
// cloud tells of it, at a cost that does not depend on how many there are.
func TestChangesOfARealCloud(t *testing.T) {
	l := openLive(t)
	before := time.Now().Add(-2 * time.Second)
	subnet := l.network(t, "10.95.1.0/24")[0]
	small, _ := l.flavors(t)
	vm := must(t, "changes-"+subnet, l.vms.CreateVm, &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: subnet}},
	}).GetId()
	l.remove(t, vm)
	nic := l.settle(t, vm, computev1.VmState_VM_STATE_RUNNING).GetNics()[0].GetNicId()
	disks := storagev1.NewDiskServiceClient(l.conn)
	disk := must(t, "changes-disk-"+subnet, disks.CreateDisk, &storagev1.CreateDiskRequest{Name: l.prefix, SizeGib: 1}).GetId()
	l.untilDisk(t, disk, storagev1.DiskState_DISK_STATE_AVAILABLE)

	for resourceType, id := range map[string]string{
		"compute.vm": vm, "network.subnet": subnet, "network.nic": nic, "storage.disk": disk,
	} {
		if resp := l.changed(t, resourceType, before); !names(resp, id, false) {
			t.Errorf("%s %s is not among %v", resourceType, id, resp.GetChanges())
		}
		if resp := l.changed(t, resourceType, time.Now().Add(time.Hour)); len(resp.GetChanges()) != 0 {
			t.Errorf("changes of %s in the future: %v", resourceType, resp.GetChanges())
		}
	}
	listed := must(t, "list", networkv1.NewNicServiceClient(l.conn).ListNics, &networkv1.ListNicsRequest{PageSize: 500})
	if told := l.changed(t, "network.nic", before).GetTotal(); int(told) != len(listed.GetNics()) {
		t.Errorf("the number of NICs is told as %d, and %d are listed", told, len(listed.GetNics()))
	}

	disksBefore := l.changed(t, "storage.disk", before).GetTotal()
	must(t, "delete-disk", disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: disk})
	l.untilDisk(t, disk, storagev1.DiskState_DISK_STATE_UNSPECIFIED)
	if told := l.changed(t, "storage.disk", before).GetTotal(); told != disksBefore-1 {
		t.Errorf("after a deletion the number of disks is told as %d, before as %d", told, disksBefore)
	}
	must(t, "delete-vm", l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: vm})
	l.gone(t, vm)
	if resp := l.changed(t, "compute.vm", before); !names(resp, vm, true) {
		t.Errorf("the deletion of %s is not among %v", vm, resp.GetChanges())
	}
}

// untilDisk waits for a state of a disk; unspecified: until it is gone.
func (l *live) untilDisk(t *testing.T, id string, want storagev1.DiskState) {
	t.Helper()
	for range 120 {
		resp, err := steps(t, "get", storagev1.NewDiskServiceClient(l.conn).GetDisk, &storagev1.GetDiskRequest{Id: id})
		gone := sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
		if err != nil && !gone {
			t.Fatal(err)
		}
		if gone && want == 0 || !gone && resp.GetDisk().GetState() == want {
			return
		}
		wait(t, 250*time.Millisecond)
	}
	t.Fatalf("disk %s is not %v within its time", id, want)
}

// TestChangesCostFewCalls counts calls for every type whose changes are told.
func TestChangesCostFewCalls(t *testing.T) {
	l := openLive(t)
	types := changeTypes(l.session)
	if len(types) < 8 {
		t.Fatalf("changes are told of %v only", types)
	}
	for _, resourceType := range types {
		got := l.calls(t, func(ctx context.Context, opts ...grpc.CallOption) error {
			_, err := driverv1.NewDriverServiceClient(l.conn).ListChanges(ctx, &driverv1.ListChangesRequest{
				AccountId: liveAccount, ResourceType: resourceType, Cursor: formatCursor(time.Now()),
			}, opts...)
			return err
		})
		if got > 2 {
			t.Errorf("a quiet reading of %s took %d calls to the cloud", resourceType, got)
		}
	}
	client := driverv1.NewDriverServiceClient(l.conn)
	for want, req := range map[apiv1.Reason]*driverv1.ListChangesRequest{
		apiv1.Reason_REASON_PARAMETER_REJECTED: {AccountId: liveAccount, ResourceType: "compute.vm", Cursor: "soon"},
		apiv1.Reason_REASON_UNSUPPORTED_METHOD: {AccountId: liveAccount, ResourceType: "storage.image"},
		apiv1.Reason_REASON_ACCOUNT_NOT_FOUND:  {AccountId: "x", ResourceType: "compute.vm"},
	} {
		if _, err := client.ListChanges(t.Context(), req); sdk.ReasonOf(err) != want {
			t.Errorf("%v: %v, want %v", req, err, want)
		}
	}
}
