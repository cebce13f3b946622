package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestVMFromASnapshot starts VMs from an image of a snapshot: their system disk is as
// the request says and goes with them.
func TestVMFromASnapshot(t *testing.T) {
	l := openLive(t)
	small, _ := l.flavors(t)
	image := l.snapshotImage(t)
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: image, FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: l.network(t, "10.96.1.0/24")[0]}},
	}
	create.BootDisk = &computev1.BootDisk{SizeGib: 2}
	l.biggerDiskGoes(t, create)

	goes := true
	create.BootDisk, create.DataDisks = nil, []*computev1.DataDisk{{SizeGib: 1, DeleteWithVm: &goes}}
	l.disksGo(t, create, 1, 1)

	// Images that were made before say that the disk stays; so do those that the compute
	// service makes of VMs whose disk stays.
	l.letDiskStay(t, image)
	create.DataDisks = nil
	l.disksGo(t, create, 1)
}

// biggerDiskGoes makes a VM with a system disk of 2 GiB and deletes it. Not every back
// end of the volume service can start a VM from a copy that has grown: what the disk is
// asked to be shows all the same.
func (l *live) biggerDiskGoes(t *testing.T, create *computev1.CreateVmRequest) {
	t.Helper()
	id := must(t, "bigger-"+time.Now().UTC().Format(time.RFC3339Nano), l.vms.CreateVm, create).GetId()
	l.remove(t, id)
	var disk string
	l.until(t, "a disk of 2 GiB", func() bool {
		page, err := volumes.List(l.session.Volume, volumes.ListOpts{}).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list, err := volumes.ExtractVolumes(page)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if list[i].SnapshotID != "" && list[i].SnapshotID == l.snapshotOf(t, create.GetImageId()) && list[i].Size == 2 {
				disk = list[i].ID
			}
		}
		return disk != ""
	})
	l.until(t, "built or given up", func() bool {
		state := must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: id}).GetVm().GetState()
		return state == computev1.VmState_VM_STATE_RUNNING || state == computev1.VmState_VM_STATE_ERROR
	})
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
	l.diskGone(t, disk)
}

func (l *live) snapshotOf(t *testing.T, image string) string {
	t.Helper()
	v := must(t, "get", storagev1.NewImageServiceClient(l.conn).GetImage, &storagev1.GetImageRequest{Id: image}).GetImage()
	if len(v.GetSourceSnapshotIds()) != 1 {
		t.Fatalf("snapshots of the image: %v", v)
	}
	return v.GetSourceSnapshotIds()[0]
}

// disksGo makes a VM, whose disks must have these sizes in GiB, and deletes it.
func (l *live) disksGo(t *testing.T, create *computev1.CreateVmRequest, sizes ...int) {
	t.Helper()
	requestID := "copied-" + time.Now().UTC().Format(time.RFC3339Nano)
	id := must(t, requestID, l.vms.CreateVm, create).GetId()
	l.remove(t, id)
	disks := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING).GetDiskIds()
	if len(disks) != len(sizes) {
		t.Fatalf("disks %v, want %d", disks, len(sizes))
	}
	for i, disk := range disks {
		v, err := volumes.Get(t.Context(), l.session.Volume, disk).Extract()
		if err != nil {
			t.Fatal(err)
		}
		if v.Size != sizes[i] {
			t.Errorf("disk %d has %d GiB, want %d", i, v.Size, sizes[i])
		}
	}
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
	for _, disk := range disks {
		l.diskGone(t, disk)
	}
}

// diskGone waits until a volume is not found. A volume that stays is removed.
func (l *live) diskGone(t *testing.T, id string) {
	t.Helper()
	for range 80 {
		v, err := volumes.Get(t.Context(), l.session.Volume, id).Extract()
		if session.IsNotFound(err) {
			return
		}
		if err == nil && v.Status == "available" {
			break
		}
		wait(t, 250*time.Millisecond)
	}
	t.Errorf("disk %s is left", id)
	_ = volumes.Delete(t.Context(), l.session.Volume, id, nil).ExtractErr()
}

// snapshotImage makes an image of the snapshot of a disk that was filled from an image.
func (l *live) snapshotImage(t *testing.T) string {
	t.Helper()
	disks, snapshots, imageClient := storagev1.NewDiskServiceClient(l.conn), storagev1.NewSnapshotServiceClient(l.conn), storagev1.NewImageServiceClient(l.conn)
	run := time.Now().UTC().Format(time.RFC3339Nano)
	ctx := sdk.WithCall(context.WithoutCancel(t.Context()), sdk.Call{RequestID: "cleanup-" + run, AccountID: liveAccount, Attempt: 1})

	disk := must(t, "disk-"+run, disks.CreateDisk, &storagev1.CreateDiskRequest{Name: l.prefix, SizeGib: 1, SourceImageId: l.image(t)}).GetId()
	t.Cleanup(func() {
		for range 80 { // its snapshot has to be gone
			if _, err := disks.DeleteDisk(ctx, &storagev1.DeleteDiskRequest{Id: disk}); err == nil {
				return
			}
			<-time.After(250 * time.Millisecond)
		}
		t.Errorf("disk %s is left", disk)
	})
	l.until(t, "disk", func() bool {
		v := must(t, "get", disks.GetDisk, &storagev1.GetDiskRequest{Id: disk}).GetDisk()
		return v.GetState() == storagev1.DiskState_DISK_STATE_AVAILABLE
	})
	snapshot := must(t, "snapshot-"+run, snapshots.CreateSnapshot, &storagev1.CreateSnapshotRequest{Name: l.prefix, DiskId: disk}).GetId()
	t.Cleanup(func() {
		for range 80 { // the disks of the VMs are copied from it
			if _, err := snapshots.DeleteSnapshot(ctx, &storagev1.DeleteSnapshotRequest{Id: snapshot}); err == nil {
				return
			}
			<-time.After(250 * time.Millisecond)
		}
		t.Errorf("snapshot %s is left", snapshot)
	})
	l.until(t, "snapshot", func() bool {
		v := must(t, "get", snapshots.GetSnapshot, &storagev1.GetSnapshotRequest{Id: snapshot}).GetSnapshot()
		return v.GetState() == storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE
	})
	image := must(t, "image-"+run, imageClient.CreateImage, &storagev1.CreateImageRequest{Name: l.prefix, SnapshotId: snapshot}).GetId()
	t.Cleanup(func() {
		if _, err := imageClient.DeleteImage(ctx, &storagev1.DeleteImageRequest{Id: image}); err != nil {
			t.Errorf("remove image: %v", err)
		}
	})
	return image
}

func (l *live) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 240 {
		if done() {
			return
		}
		wait(t, 250*time.Millisecond)
	}
	t.Fatalf("%s: not within its time", what)
}

// letDiskStay changes the image's list of disks at the cloud.
func (l *live) letDiskStay(t *testing.T, image string) {
	t.Helper()
	const property = "block_device_mapping"
	v, err := images.Get(t.Context(), l.session.Image, image).Extract()
	if err != nil {
		t.Fatal(err)
	}
	var devices []map[string]any
	text, _ := v.Properties[property].(string)
	if err := json.Unmarshal([]byte(text), &devices); err != nil || len(devices) != 1 || devices[0]["delete_on_termination"] != true {
		t.Fatalf("disks of the image: %q, %v", text, err)
	}
	devices[0]["delete_on_termination"] = false
	changed, err := json.Marshal(devices)
	if err != nil {
		t.Fatal(err)
	}
	patch := images.UpdateOpts{images.UpdateImageProperty{Op: images.ReplaceOp, Name: property, Value: string(changed)}}
	if _, err := images.Update(t.Context(), l.session.Image, image, patch).Extract(); err != nil {
		t.Fatal(err)
	}
	l.session.Images.Forget(image)
}
