package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/storage"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// prefix begins the names of all that the tests make.
const prefix = "h-net-"

const (
	nowhere = "00000000-0000-0000-0000-00000000dead"
	noID    = "../types"
)

// cloud is the services under test.
type cloud struct {
	*livetest.Cloud
	disks     storagev1.DiskServiceClient
	types     storagev1.DiskTypeServiceClient
	snapshots storagev1.SnapshotServiceClient
	images    storagev1.ImageServiceClient
}

func open(t *testing.T) cloud {
	c := livetest.Open(t, storage.Register)
	return cloud{
		Cloud:     c,
		disks:     storagev1.NewDiskServiceClient(c.Conn),
		types:     storagev1.NewDiskTypeServiceClient(c.Conn),
		snapshots: storagev1.NewSnapshotServiceClient(c.Conn),
		images:    storagev1.NewImageServiceClient(c.Conn),
	}
}

// disk makes a disk and waits for it.
func (c cloud) disk(t *testing.T, req *storagev1.CreateDiskRequest) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, req.GetName(), c.disks.CreateDisk, req).GetId()
	c.forgetDisk(t, id)
	c.settle(t, id, storagev1.DiskState_DISK_STATE_AVAILABLE)
	return id
}

// forgetDisk removes a disk at the end of the test, with its snapshots and when
// nothing has it any more.
func (c cloud) forgetDisk(t *testing.T, id string) {
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for range 120 {
			_, _ = livetest.Call(ctx, c.Cloud, "cleanup", 1, c.disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: id, DeleteSnapshots: true})
			_, err := livetest.Call(ctx, c.Cloud, "cleanup", 1, c.disks.GetDisk, &storagev1.GetDiskRequest{Id: id})
			if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
				return
			}
			<-time.After(250 * time.Millisecond)
		}
		t.Errorf("disk %s is left", id)
	})
}

func (c cloud) settle(t *testing.T, id string, want storagev1.DiskState) *storagev1.Disk {
	t.Helper()
	var last *storagev1.Disk
	livetest.Eventually(t, want.String(), func() bool {
		last = livetest.Must(t, c.Cloud, "get", c.disks.GetDisk, &storagev1.GetDiskRequest{Id: id}).GetDisk()
		if last.GetState() == storagev1.DiskState_DISK_STATE_ERROR {
			t.Fatalf("disk failed: %v", last)
		}
		return last.GetState() == want
	})
	return last
}

func (c cloud) snapshot(t *testing.T, name, diskID string) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, name, c.snapshots.CreateSnapshot, &storagev1.CreateSnapshotRequest{Name: prefix + name, DiskId: diskID}).GetId()
	c.settleSnapshot(t, id)
	return id
}

func (c cloud) settleSnapshot(t *testing.T, id string) {
	t.Helper()
	livetest.Eventually(t, "snapshot available", func() bool {
		v := livetest.Must(t, c.Cloud, "get", c.snapshots.GetSnapshot, &storagev1.GetSnapshotRequest{Id: id}).GetSnapshot()
		return v.GetState() == storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE
	})
}

// publicImage is the image that VMs of the tests start from.
func (c cloud) publicImage(t *testing.T) string {
	t.Helper()
	list := livetest.Must(t, c.Cloud, "list", c.images.ListImages, &storagev1.ListImagesRequest{Name: "tiny"}).GetImages()
	if len(list) == 0 {
		t.Skip("the cloud has no image tiny")
	}
	return list[0].GetId()
}

// vm makes a VM without network, from an image or a volume.
func (c cloud) vm(t *testing.T, imageID, volumeID string) string {
	t.Helper()
	page, err := flavors.ListDetail(c.Session.Compute, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := flavors.ExtractFlavors(page)
	if err != nil || len(list) == 0 {
		t.Fatalf("no flavor: %v", err)
	}
	opts := servers.CreateOpts{Name: prefix + "vm", FlavorRef: list[0].ID, ImageRef: imageID, Networks: "none"}
	if volumeID != "" {
		opts.BlockDevice = []servers.BlockDevice{{SourceType: servers.SourceVolume, DestinationType: servers.DestinationVolume, UUID: volumeID}}
	}
	vm, err := servers.Create(t.Context(), c.Session.Compute, opts, nil).Extract()
	if err != nil {
		t.Fatalf("make VM: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = servers.Delete(ctx, c.Session.Compute, vm.ID).ExtractErr()
		for range 120 {
			if _, err := servers.Get(ctx, c.Session.Compute, vm.ID).Extract(); err != nil {
				return
			}
			<-time.After(250 * time.Millisecond)
		}
	})
	livetest.Eventually(t, "VM active", func() bool {
		v, err := servers.Get(t.Context(), c.Session.Compute, vm.ID).Extract()
		return err == nil && v.Status == "ACTIVE"
	})
	return vm.ID
}

func TestDisksOfARealCloud(t *testing.T) {
	c := open(t)
	req := &storagev1.CreateDiskRequest{Name: prefix + "盘", Description: "一", SizeGib: 1, Tags: map[string]string{"env": "test"}}
	id := livetest.Must(t, c.Cloud, "one", c.disks.CreateDisk, req).GetId()
	c.forgetDisk(t, id)
	if again := livetest.Repeat(t, c.Cloud, "one", c.disks.CreateDisk, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}
	got := c.settle(t, id, storagev1.DiskState_DISK_STATE_AVAILABLE)
	if got.GetName() != req.GetName() || got.GetDescription() != "一" || got.GetSizeGib() != 1 || len(got.GetTags()) != 1 || got.GetTags()["env"] != "test" ||
		got.GetDiskTypeId() == "" || got.GetZoneId() == "" || got.GetRole() != storagev1.DiskRole_DISK_ROLE_DATA || got.GetCreatedAt() == nil {
		t.Errorf("disk %v", got)
	}

	name, description := prefix+"renamed", "two"
	update := &storagev1.UpdateDiskRequest{Id: id, Name: &name, Description: &description, Tags: &apiv1.StringMap{}}
	livetest.Must(t, c.Cloud, "update", c.disks.UpdateDisk, update)
	got = c.settle(t, id, storagev1.DiskState_DISK_STATE_AVAILABLE)
	if got.GetName() != name || got.GetDescription() != description || len(got.GetTags()) != 0 {
		t.Errorf("updated disk %v", got)
	}
	if again := livetest.Repeat(t, c.Cloud, "one", c.disks.CreateDisk, req); again.GetId() != id {
		t.Errorf("after new tags a repeat made %s beside %s", again.GetId(), id)
	}

	livetest.Must(t, c.Cloud, "resize", c.disks.ResizeDisk, &storagev1.ResizeDiskRequest{Id: id, SizeGib: 2})
	livetest.Eventually(t, "resized", func() bool {
		v := livetest.Must(t, c.Cloud, "get", c.disks.GetDisk, &storagev1.GetDiskRequest{Id: id}).GetDisk()
		return v.GetState() == storagev1.DiskState_DISK_STATE_AVAILABLE && v.GetSizeGib() == 2
	})
	livetest.Must(t, c.Cloud, "resize again", c.disks.ResizeDisk, &storagev1.ResizeDiskRequest{Id: id, SizeGib: 2})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PARAMETER_REJECTED, "", c.disks.ResizeDisk, &storagev1.ResizeDiskRequest{Id: id, SizeGib: 1})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.disks.ResizeDisk, &storagev1.ResizeDiskRequest{Id: nowhere, SizeGib: 1})

	for field, bad := range map[string]*storagev1.CreateDiskRequest{
		"source_snapshot_id": {Name: prefix + "x", SizeGib: 1, SourceSnapshotId: nowhere},
		"source_image_id":    {Name: prefix + "x", SizeGib: 1, SourceImageId: nowhere},
		"disk_type_id":       {Name: prefix + "x", SizeGib: 1, DiskTypeId: "no such type"},
	} {
		err := livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.disks.CreateDisk, bad)
		if got := sdk.InfoOf(err)["field"]; got != field {
			t.Errorf("refusal names field %q, want %q", got, field)
		}
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "", c.disks.CreateDisk,
		&storagev1.CreateDiskRequest{Name: prefix + "x", SizeGib: 1, Encrypted: true})

	second := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "second", SizeGib: 1, DiskTypeId: got.GetDiskTypeId()})
	seen := map[string]bool{}
	for token := ""; ; {
		p := livetest.Must(t, c.Cloud, "list", c.disks.ListDisks, &storagev1.ListDisksRequest{PageSize: 1, PageToken: token})
		for _, v := range p.GetDisks() {
			if seen[v.GetId()] {
				t.Errorf("disk %s is on two pages", v.GetId())
			}
			seen[v.GetId()] = true
		}
		if token = p.GetNextPageToken(); token == "" {
			break
		}
	}
	if !seen[id] || !seen[second] {
		t.Errorf("pages show %v, not both of %s, %s", seen, id, second)
	}
	p := livetest.Must(t, c.Cloud, "list", c.disks.ListDisks, &storagev1.ListDisksRequest{Ids: []string{second, nowhere, noID}})
	if len(p.GetDisks()) != 1 || len(p.GetMissingIds()) != 2 {
		t.Errorf("by ids: %v", p)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "", c.disks.ListDisks, &storagev1.ListDisksRequest{PageToken: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.disks.GetDisk, &storagev1.GetDiskRequest{Id: noID})
	livetest.Must(t, c.Cloud, "delete", c.disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: nowhere})

	quota := livetest.Must(t, c.Cloud, "quota", c.disks.GetStorageQuota, &storagev1.GetStorageQuotaRequest{})
	if len(quota.GetQuotas()) != 3 || quota.GetQuotas()[0].GetUsed() < 2 {
		t.Errorf("quota %v", quota)
	}
}

func TestDiskTypesOfARealCloud(t *testing.T) {
	c := open(t)
	all := livetest.Must(t, c.Cloud, "list", c.types.ListDiskTypes, &storagev1.ListDiskTypesRequest{}).GetDiskTypes()
	defaults, paged := 0, 0
	for _, v := range all {
		if v.GetIsDefault() {
			defaults++
		}
	}
	for token := ""; ; paged++ {
		p := livetest.Must(t, c.Cloud, "list", c.types.ListDiskTypes, &storagev1.ListDiskTypesRequest{PageSize: 1, PageToken: token})
		if token = p.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(all) == 0 || defaults != 1 || paged+1 != len(all) {
		t.Errorf("%d types, %d defaults, %d pages: %v", len(all), defaults, paged+1, all)
	}
	got := livetest.Must(t, c.Cloud, "get", c.types.GetDiskType, &storagev1.GetDiskTypeRequest{Id: all[0].GetId()}).GetDiskType()
	if got.GetName() != all[0].GetName() {
		t.Errorf("type %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.types.GetDiskType, &storagev1.GetDiskTypeRequest{Id: "no such type"})
}

func TestAttachingDisksOfARealCloud(t *testing.T) {
	c := open(t)
	image := c.publicImage(t)
	disk := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "data", SizeGib: 1})
	vm, other := c.vm(t, image, ""), c.vm(t, image, "")

	goes := true
	attach := &storagev1.AttachDiskRequest{Id: disk, VmId: vm, DeleteWithVm: &goes}
	livetest.Must(t, c.Cloud, "attach", c.disks.AttachDisk, attach)
	got := c.settle(t, disk, storagev1.DiskState_DISK_STATE_IN_USE)
	if got.GetVmId() != vm || len(got.GetAttachments()) != 1 || !got.GetDeleteWithVm() {
		t.Errorf("attached disk %v", got)
	}
	livetest.Must(t, c.Cloud, "attach again", c.disks.AttachDisk, attach)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "compute.vm/"+vm, c.disks.AttachDisk, &storagev1.AttachDiskRequest{Id: disk, VmId: other})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "compute.vm/"+vm, c.disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: disk})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.disks.AttachDisk, &storagev1.AttachDiskRequest{Id: nowhere, VmId: vm})

	stays := false
	livetest.Must(t, c.Cloud, "stays", c.disks.UpdateDisk, &storagev1.UpdateDiskRequest{Id: disk, DeleteWithVm: &stays})
	if got := c.settle(t, disk, storagev1.DiskState_DISK_STATE_IN_USE); got.GetDeleteWithVm() {
		t.Errorf("disk still goes with its VM: %v", got)
	}
	list := livetest.Must(t, c.Cloud, "list", c.disks.ListDisks, &storagev1.ListDisksRequest{VmId: vm}).GetDisks()
	if len(list) != 1 || list[0].GetId() != disk {
		t.Errorf("disks of the VM: %v", list)
	}

	c.snapshot(t, "attached", disk)
	livetest.Must(t, c.Cloud, "detach", c.disks.DetachDisk, &storagev1.DetachDiskRequest{Id: disk})
	c.settle(t, disk, storagev1.DiskState_DISK_STATE_AVAILABLE)
	livetest.Must(t, c.Cloud, "detach again", c.disks.DetachDisk, &storagev1.DetachDiskRequest{Id: disk, VmId: vm})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.disks.AttachDisk, &storagev1.AttachDiskRequest{Id: disk, VmId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.disks.UpdateDisk, &storagev1.UpdateDiskRequest{Id: disk, DeleteWithVm: &goes})
}

func TestSnapshotsOfARealCloud(t *testing.T) {
	c := open(t)
	disk := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "source", SizeGib: 1})
	req := &storagev1.CreateSnapshotRequest{Name: prefix + "first", Description: "d", DiskId: disk, Tags: map[string]string{"k": "v"}}
	first := livetest.Must(t, c.Cloud, "first", c.snapshots.CreateSnapshot, req).GetId()
	if again := livetest.Repeat(t, c.Cloud, "first", c.snapshots.CreateSnapshot, req); again.GetId() != first {
		t.Errorf("a repeat made %s beside %s", again.GetId(), first)
	}
	c.settleSnapshot(t, first)
	c.removesTwinSnapshot(t, first, req)
	name, description := prefix+"renamed", ""
	livetest.Must(t, c.Cloud, "update", c.snapshots.UpdateSnapshot, &storagev1.UpdateSnapshotRequest{
		Id: first, Name: &name, Description: &description, Tags: &apiv1.StringMap{Entries: map[string]string{"k2": "v2"}},
	})
	got := livetest.Must(t, c.Cloud, "get", c.snapshots.GetSnapshot, &storagev1.GetSnapshotRequest{Id: first}).GetSnapshot()
	if got.GetName() != name || got.GetDescription() != "" || len(got.GetTags()) != 1 || got.GetTags()["k2"] != "v2" || got.GetDiskId() != disk ||
		got.GetSizeGib() != 1 || got.GetProgressPercent() != 100 || got.GetDiskRole() != storagev1.DiskRole_DISK_ROLE_DATA {
		t.Errorf("snapshot %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.snapshots.CreateSnapshot, &storagev1.CreateSnapshotRequest{Name: prefix + "x", DiskId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "storage.snapshot/"+first, c.disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: disk})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.images.CreateImage, &storagev1.CreateImageRequest{Name: prefix + "x", SnapshotId: first})

	second := c.snapshot(t, "second", disk)
	other := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "copy", SourceSnapshotId: first})
	if v := c.settle(t, other, storagev1.DiskState_DISK_STATE_AVAILABLE); v.GetSizeGib() != 1 || v.GetSourceSnapshotId() != first {
		t.Errorf("disk of a snapshot: %v", v)
	}
	err := livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.snapshots.RestoreSnapshot, &storagev1.RestoreSnapshotRequest{Id: first, DiskId: disk})
	if v := sdk.ViolationsOf(err); len(v) != 1 || v[0].GetField() != "id" {
		t.Errorf("refused restore names %v", v)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.snapshots.RestoreSnapshot, &storagev1.RestoreSnapshotRequest{Id: second, DiskId: other})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.snapshots.RestoreSnapshot, &storagev1.RestoreSnapshotRequest{Id: nowhere, DiskId: other})
	// Restoring breaks the chain of snapshots of the NFS back end, so the disk to
	// put back has one only.
	single := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "single", SizeGib: 1})
	livetest.Must(t, c.Cloud, "restore", c.snapshots.RestoreSnapshot,
		&storagev1.RestoreSnapshotRequest{Id: c.snapshot(t, "single", single), DiskId: single})
	c.settle(t, single, storagev1.DiskState_DISK_STATE_AVAILABLE)

	list := livetest.Must(t, c.Cloud, "list", c.snapshots.ListSnapshots, &storagev1.ListSnapshotsRequest{DiskId: disk}).GetSnapshots()
	if len(list) != 2 || list[0].GetDiskRole() != storagev1.DiskRole_DISK_ROLE_DATA {
		t.Errorf("snapshots of the disk: %v", list)
	}
	p := livetest.Must(t, c.Cloud, "list", c.snapshots.ListSnapshots, &storagev1.ListSnapshotsRequest{Ids: []string{first, second, nowhere}})
	if len(p.GetSnapshots()) != 2 || len(p.GetMissingIds()) != 1 {
		t.Errorf("by ids: %v", p)
	}
	livetest.Must(t, c.Cloud, "delete", c.snapshots.DeleteSnapshot, &storagev1.DeleteSnapshotRequest{Id: second})
	livetest.Eventually(t, "snapshot gone", func() bool {
		_, err := livetest.Call(t.Context(), c.Cloud, "get", 1, c.snapshots.GetSnapshot, &storagev1.GetSnapshotRequest{Id: second})
		return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	})
	livetest.Must(t, c.Cloud, "delete again", c.snapshots.DeleteSnapshot, &storagev1.DeleteSnapshotRequest{Id: second})
}

// untilYounger waits until what is made has a later time than another one: the cloud's
// times are whole seconds.
func untilYounger(than time.Time) { <-time.After(time.Until(than.Add(time.Second))) }

// removesTwinSnapshot makes at the cloud what an attempt in another process would have
// made beside the first.
func (c cloud) removesTwinSnapshot(t *testing.T, first string, req *storagev1.CreateSnapshotRequest) {
	t.Helper()
	v, err := snapshots.Get(t.Context(), c.Session.Volume, first).Extract()
	if err != nil {
		t.Fatal(err)
	}
	untilYounger(v.CreatedAt)
	twin, err := snapshots.Create(t.Context(), c.Session.Volume, snapshots.CreateOpts{
		VolumeID: v.VolumeID, Name: v.Name, Metadata: v.Metadata,
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	c.settleSnapshot(t, twin.ID)
	if again := livetest.Repeat(t, c.Cloud, "first", c.snapshots.CreateSnapshot, req); again.GetId() != first {
		t.Errorf("a repeat returned the younger %s, not %s", again.GetId(), first)
	}
	livetest.Eventually(t, "twin gone", func() bool {
		_, err := snapshots.Get(t.Context(), c.Session.Volume, twin.ID).Extract()
		return session.IsNotFound(err)
	})
}

func TestImagesOfARealCloud(t *testing.T) {
	c := open(t)
	disk := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "system", SizeGib: 1, SourceImageId: c.publicImage(t)})
	snapshot := c.snapshot(t, "system", disk)
	req := &storagev1.CreateImageRequest{
		Name: prefix + "镜像", Description: "模板", SnapshotId: snapshot, Tags: map[string]string{"k": "v"}, MinMemoryMib: 64,
		OsType: computev1.OsType_OS_TYPE_LINUX, OsName: "debian", OsVersion: "12", Architecture: apiv1.Architecture_ARCHITECTURE_X86_64,
		BootMode: storagev1.BootMode_BOOT_MODE_UEFI,
	}
	id := livetest.Must(t, c.Cloud, "image", c.images.CreateImage, req).GetId()
	remove := &storagev1.DeleteImageRequest{Id: id}
	livetest.Cleanup(t, c.Cloud, c.images.DeleteImage, remove)
	if again := livetest.Repeat(t, c.Cloud, "image", c.images.CreateImage, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}
	got := livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: id}).GetImage()
	if got.GetState() != storagev1.ImageState_IMAGE_STATE_AVAILABLE || got.GetName() != req.GetName() || got.GetDescription() != "模板" || got.GetTags()["k"] != "v" ||
		got.GetOrigin() != storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM || got.GetOsType() != req.GetOsType() || got.GetOsName() != "debian" || got.GetOsVersion() != "12" ||
		got.GetArchitecture() != req.GetArchitecture() || got.GetBootMode() != req.GetBootMode() || got.GetMinDiskGib() != 1 || got.GetMinMemoryMib() != 64 ||
		len(got.GetSourceSnapshotIds()) != 1 || got.GetSourceSnapshotIds()[0] != snapshot || got.GetSizeMib() != 0 {
		t.Errorf("image %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "storage.image/"+id, c.snapshots.DeleteSnapshot, &storagev1.DeleteSnapshotRequest{Id: snapshot})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "storage.image/"+id, c.disks.DeleteDisk, &storagev1.DeleteDiskRequest{Id: disk, DeleteSnapshots: true})

	name, description, memory := prefix+"renamed", "", int32(128)
	livetest.Must(t, c.Cloud, "update", c.images.UpdateImage, &storagev1.UpdateImageRequest{
		Id: id, Name: &name, Description: &description, MinMemoryMib: &memory, Tags: &apiv1.StringMap{},
	})
	got = livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: id}).GetImage()
	if got.GetName() != name || got.GetDescription() != "" || got.GetMinMemoryMib() != 128 || len(got.GetTags()) != 0 {
		t.Errorf("updated image %v", got)
	}
	livetest.Must(t, c.Cloud, "off", c.images.DeactivateImage, &storagev1.DeactivateImageRequest{Id: id})
	livetest.Must(t, c.Cloud, "off again", c.images.DeactivateImage, &storagev1.DeactivateImageRequest{Id: id})
	got = livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: id}).GetImage()
	if got.GetState() != storagev1.ImageState_IMAGE_STATE_DEACTIVATED {
		t.Errorf("deactivated image %v", got)
	}
	livetest.Must(t, c.Cloud, "on", c.images.ReactivateImage, &storagev1.ReactivateImageRequest{Id: id})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, "", c.images.UpdateImage, &storagev1.UpdateImageRequest{Id: c.publicImage(t), Name: &name})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.images.DeactivateImage, &storagev1.DeactivateImageRequest{Id: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.images.CreateImage, &storagev1.CreateImageRequest{Name: prefix + "x", SnapshotId: nowhere})

	custom := livetest.Must(t, c.Cloud, "list", c.images.ListImages, &storagev1.ListImagesRequest{Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM}).GetImages()
	for _, v := range custom {
		if v.GetOrigin() != storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM {
			t.Errorf("among custom images: %v", v)
		}
	}
	p := livetest.Must(t, c.Cloud, "list", c.images.ListImages, &storagev1.ListImagesRequest{Ids: []string{id, nowhere, noID}})
	if len(p.GetImages()) != 1 || len(p.GetMissingIds()) != 2 {
		t.Errorf("by ids: %v", p)
	}
	livetest.Must(t, c.Cloud, "delete", c.images.DeleteImage, remove)
	livetest.Must(t, c.Cloud, "delete again", c.images.DeleteImage, remove)
}

// An image of a VM that starts from a volume refers to a snapshot that Nova made.
func TestImagesOfAVMOfARealCloud(t *testing.T) {
	c := open(t)
	disk := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "root", SizeGib: 1, SourceImageId: c.publicImage(t)})
	vm := c.vm(t, "", disk)
	root := c.settle(t, disk, storagev1.DiskState_DISK_STATE_IN_USE)
	if root.GetRole() != storagev1.DiskRole_DISK_ROLE_SYSTEM {
		t.Errorf("root disk %v", root)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.disks.DetachDisk, &storagev1.DetachDiskRequest{Id: disk})
	req := &storagev1.CreateImageRequest{Name: prefix + "of-vm", VmId: vm, Tags: map[string]string{"k": "v"}, MinDiskGib: 3, OsName: "debian"}
	id := livetest.Must(t, c.Cloud, "image", c.images.CreateImage, req).GetId()
	remove := &storagev1.DeleteImageRequest{Id: id}
	livetest.Cleanup(t, c.Cloud, c.images.DeleteImage, remove)
	if again := livetest.Repeat(t, c.Cloud, "image", c.images.CreateImage, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}
	var got *storagev1.Image
	livetest.Eventually(t, "image available", func() bool {
		got = livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: id}).GetImage()
		return got.GetState() == storagev1.ImageState_IMAGE_STATE_AVAILABLE
	})
	if got.GetTags()["k"] != "v" || got.GetMinDiskGib() != 3 || got.GetOsName() != "debian" || len(got.GetSourceSnapshotIds()) != 1 {
		t.Fatalf("image of a VM: %v", got)
	}
	// Cinder is still making the snapshot when the image is ready, and needs the VM for it.
	c.settleSnapshot(t, got.GetSourceSnapshotIds()[0])
	c.removesTwinImage(t, id, vm, req)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "storage.image/"+id, c.snapshots.DeleteSnapshot,
		&storagev1.DeleteSnapshotRequest{Id: got.GetSourceSnapshotIds()[0]})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.images.CreateImage, &storagev1.CreateImageRequest{Name: prefix + "x", VmId: nowhere})
	livetest.Must(t, c.Cloud, "delete", c.images.DeleteImage, remove)
}

// removesTwinImage is removesTwinSnapshot for an image, which goes with its snapshots.
func (c cloud) removesTwinImage(t *testing.T, first, vm string, req *storagev1.CreateImageRequest) {
	t.Helper()
	const request = "yunqiao_request"
	v, err := images.Get(t.Context(), c.Session.Image, first).Extract()
	if err != nil {
		t.Fatal(err)
	}
	marker, _ := v.Properties[request].(string)
	untilYounger(v.CreatedAt)
	twin, err := servers.CreateImage(t.Context(), c.Session.Compute, vm, servers.CreateImageOpts{
		Name: v.Name, Metadata: map[string]string{request: marker},
	}).ExtractImageID()
	if err != nil {
		t.Fatal(err)
	}
	var made *storagev1.Image
	livetest.Eventually(t, "twin available", func() bool {
		made = livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: twin}).GetImage()
		return made.GetState() == storagev1.ImageState_IMAGE_STATE_AVAILABLE
	})
	c.settleSnapshot(t, made.GetSourceSnapshotIds()[0])
	if again := livetest.Repeat(t, c.Cloud, "image", c.images.CreateImage, req); again.GetId() != first {
		t.Errorf("a repeat returned the younger %s, not %s", again.GetId(), first)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.images.GetImage, &storagev1.GetImageRequest{Id: twin})
	livetest.Eventually(t, "snapshot of the twin gone", func() bool {
		_, err := snapshots.Get(t.Context(), c.Session.Volume, made.GetSourceSnapshotIds()[0]).Extract()
		return session.IsNotFound(err)
	})
}

func TestMarkersStandAtTheCloud(t *testing.T) {
	c := open(t)
	id := c.disk(t, &storagev1.CreateDiskRequest{Name: prefix + "marked", SizeGib: 1})
	v, err := volumes.Get(t.Context(), c.Session.Volume, id).Extract()
	if err != nil || len(v.Metadata["yunqiao-request"]) != 26 {
		t.Errorf("metadata at the cloud: %v, %v", v.Metadata, err)
	}
}
