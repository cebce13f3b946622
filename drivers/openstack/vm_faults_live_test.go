package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// TestVMThatCannotBeBuilt asks for a disk that the cloud cannot make: the VM tells so in
// the cloud's words, and its port goes with it.
func TestVMThatCannotBeBuilt(t *testing.T) {
	l := openLive(t)
	admin := openAdmin(t)
	small, _ := l.flavors(t)
	kind, err := volumetypes.Create(t.Context(), admin.Volume, volumetypes.CreateOpts{
		Name: l.prefix, ExtraSpecs: map[string]string{"volume_backend_name": "no such back end"},
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := volumetypes.Delete(context.WithoutCancel(t.Context()), admin.Volume, kind.ID).ExtractErr(); err != nil {
			t.Errorf("remove disk type: %v", err)
		}
	})
	subnet := l.network(t, "10.97.1.0/24", "10.97.2.0/24")[0]
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: subnet}},
		BootDisk: &computev1.BootDisk{SizeGib: 1, DiskTypeId: kind.ID},
	}
	id := must(t, "unbuilt-"+kind.ID, l.vms.CreateVm, create).GetId()
	l.remove(t, id)
	t.Cleanup(func() { l.removeVolumes(t, kind.Name) })
	vm := l.settle(t, id, computev1.VmState_VM_STATE_ERROR)
	fault := vm.GetProviderAttributes()["fault"]
	if vm.GetStateReason() != "RESOURCE_FAILED" || !strings.Contains(strings.ToLower(fault), "volume") || vm.GetStateMessage() != fault {
		t.Errorf("reason %q, message %q, fault %q", vm.GetStateReason(), vm.GetStateMessage(), fault)
	}
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
	if left := l.madePorts(t, subnet); len(left) != 0 {
		t.Errorf("ports are left: %v", left)
	}
}

// removeVolumes removes the volumes of a type and waits until they are gone.
func (l *live) removeVolumes(t *testing.T, kind string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for range 80 {
		page, err := volumes.List(l.session.Volume, volumes.ListOpts{}).AllPages(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		list, err := volumes.ExtractVolumes(page)
		if err != nil {
			t.Error(err)
			return
		}
		left := 0
		for i := range list {
			if list[i].VolumeType == kind {
				left++
				_ = volumes.Delete(ctx, l.session.Volume, list[i].ID, nil).ExtractErr()
			}
		}
		if left == 0 {
			return
		}
		<-time.After(250 * time.Millisecond)
	}
	t.Errorf("volumes of the type %s are left", kind)
}

// TestResizeOfSomebodyElse is neither confirmed nor taken for the own one.
func TestResizeOfSomebodyElse(t *testing.T) {
	l := openLive(t)
	small, bigger := l.flavors(t)
	third := makeFlavor(t, openAdmin(t), "yqtest-third", 1, nil) // after the list of flavors was read
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: l.network(t, "10.98.1.0/24")[0]}},
	}
	id := must(t, "resized-"+third, l.vms.CreateVm, create).GetId()
	l.remove(t, id)
	l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	if err := servers.Resize(t.Context(), l.session.Compute, id, servers.ResizeOpts{FlavorRef: bigger.GetId()}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		v, err := servers.Get(t.Context(), l.session.Compute, id).Extract()
		if err != nil {
			t.Fatal(err)
		}
		return v.Status
	}
	l.until(t, "resized outside", func() bool { return status() == "VERIFY_RESIZE" })
	refused(t, apiv1.Reason_REASON_RESOURCE_BUSY, l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: third, AllowRestart: true})
	if got := status(); got != "VERIFY_RESIZE" {
		t.Errorf("somebody else's resize is %s now", got)
	}
	must(t, "to the same", l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: bigger.GetId(), AllowRestart: true})
	if vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING); vm.GetFlavorId() != bigger.GetId() {
		t.Errorf("flavor %s, want %s", vm.GetFlavorId(), bigger.GetId())
	}
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
}

// TestNewFlavor is found though the list that the driver holds is older.
func TestNewFlavor(t *testing.T) {
	l := openLive(t)
	l.flavors(t)
	id := makeFlavor(t, openAdmin(t), "yqtest-new", 1, nil)
	got := must(t, "get", computev1.NewFlavorServiceClient(l.conn).GetFlavor, &computev1.GetFlavorRequest{Id: id}).GetFlavor()
	if got.GetName() != "yqtest-new" {
		t.Errorf("flavor %v", got)
	}
	refused(t, apiv1.Reason_REASON_NOT_FOUND, computev1.NewFlavorServiceClient(l.conn).GetFlavor, &computev1.GetFlavorRequest{Id: "no/such flavor"})
}
