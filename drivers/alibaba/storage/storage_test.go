package storage_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/storage"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

func call(action string, params map[string]string) calltest.Call {
	return calltest.Call{Action: action, Params: params}
}

func TestCreateDiskParameters(t *testing.T) {
	t.Parallel()
	type disk = storagev1.CreateDiskRequest
	calltest.Table[*disk]{
		Register: storage.Register,
		Answers:  map[string]string{"CreateDisk": `{"DiskId":"d-1"}`},
		Send: func(ctx context.Context, conn grpc.ClientConnInterface, req *disk) error {
			_, err := storagev1.NewDiskServiceClient(conn).CreateDisk(ctx, req)
			return err
		},
		Action: "CreateDisk",
		Base:   &disk{Name: "数据", ZoneId: "cn-hangzhou-h", SizeGib: 40},
		Params: map[string]string{
			"DiskName": "数据", "ZoneId": "cn-hangzhou-h", "Size": "40", "DiskCategory": "cloud_essd", "ResourceGroupId": "rg-test", "ClientToken": token,
		},
		Rows: map[string]calltest.Row[*disk]{
			"name": {}, "zone_id": {}, "size_gib": {},
			"description":        {Set: &disk{Description: "d"}, Want: map[string]string{"Description": "d"}},
			"tags":               {Set: &disk{Tags: map[string]string{"k": "v"}}, Want: map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"disk_type_id":       {Set: &disk{DiskTypeId: "cloud_essd.PL2"}, Want: map[string]string{"DiskCategory": "cloud_essd", "PerformanceLevel": "PL2"}},
			"source_snapshot_id": {Set: &disk{SourceSnapshotId: "s-1"}, Want: map[string]string{"SnapshotId": "s-1"}},
			"encrypted":          {Set: &disk{Encrypted: true}, Want: map[string]string{"Encrypted": "true"}},
			"multi_attach":       {Set: &disk{MultiAttach: true}, Want: map[string]string{"MultiAttach": "Enabled"}},
			"charge":             {Set: &disk{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "storage.disk.prepaid"},
			"source_image_id":    {Set: &disk{SourceImageId: "m-1"}, Refused: "storage.disk.from_image"},
			"iops":               {Set: &disk{Iops: 100}, Refused: "storage.disk.performance"},
			"throughput_mibps":   {Set: &disk{ThroughputMibps: 100}, Refused: "storage.disk.performance"},
		},
	}.Run(t)
}

func TestCreateSnapshotParameters(t *testing.T) {
	t.Parallel()
	type snapshot = storagev1.CreateSnapshotRequest
	calltest.Table[*snapshot]{
		Register: storage.Register,
		Answers:  map[string]string{"CreateSnapshot": `{"SnapshotId":"s-1"}`},
		Send: func(ctx context.Context, conn grpc.ClientConnInterface, req *snapshot) error {
			_, err := storagev1.NewSnapshotServiceClient(conn).CreateSnapshot(ctx, req)
			return err
		},
		Action: "CreateSnapshot",
		Base:   &snapshot{Name: "n", DiskId: "d-1"},
		Params: map[string]string{"SnapshotName": "n", "DiskId": "d-1", "ResourceGroupId": "rg-test", "ClientToken": token},
		Rows: map[string]calltest.Row[*snapshot]{
			"name": {}, "disk_id": {},
			"description":    {Set: &snapshot{Description: "d"}, Want: map[string]string{"Description": "d"}},
			"tags":           {Set: &snapshot{Tags: map[string]string{"k": "v"}}, Want: map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"retention_days": {Set: &snapshot{RetentionDays: 30}, Want: map[string]string{"RetentionDays": "30"}},
		},
	}.Run(t)
}

func TestCreateImageParameters(t *testing.T) {
	t.Parallel()
	type image = storagev1.CreateImageRequest
	calltest.Table[*image]{
		Register: storage.Register,
		Answers:  map[string]string{"CreateImage": `{"ImageId":"m-1"}`},
		Send: func(ctx context.Context, conn grpc.ClientConnInterface, req *image) error {
			_, err := storagev1.NewImageServiceClient(conn).CreateImage(ctx, req)
			return err
		},
		Action: "CreateImage",
		Base:   &image{Name: "n"},
		Params: map[string]string{"ImageName": "n", "ResourceGroupId": "rg-test", "ClientToken": token},
		Rows: map[string]calltest.Row[*image]{
			"name":           {},
			"description":    {Set: &image{Description: "d"}, Want: map[string]string{"Description": "d"}},
			"tags":           {Set: &image{Tags: map[string]string{"k": "v"}}, Want: map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"snapshot_id":    {Set: &image{SnapshotId: "s-1"}, Want: map[string]string{"SnapshotId": "s-1"}},
			"vm_id":          {Set: &image{VmId: "i-1"}, Want: map[string]string{"InstanceId": "i-1"}},
			"os_name":        {Set: &image{OsName: "Ubuntu"}, Want: map[string]string{"Platform": "Ubuntu"}},
			"architecture":   {Set: &image{Architecture: apiv1.Architecture_ARCHITECTURE_ARM64}, Want: map[string]string{"Architecture": "arm64"}},
			"boot_mode":      {Set: &image{BootMode: storagev1.BootMode_BOOT_MODE_UEFI}, Want: map[string]string{"BootMode": "UEFI"}},
			"os_type":        {Set: &image{OsType: computev1.OsType_OS_TYPE_WINDOWS}, Refused: "storage.image.os_type"},
			"os_version":     {Set: &image{OsVersion: "1"}, Refused: "storage.image.os_version"},
			"min_disk_gib":   {Set: &image{MinDiskGib: 1}, Refused: "storage.image.min_disk_gib"},
			"min_memory_mib": {Set: &image{MinMemoryMib: 1}, Refused: "storage.image.min_memory_mib"},
		},
	}.Run(t)
}

const attached = `{"Disks":{"Disk":[{"DiskId":"d-1","Status":"In_use","Size":40,"Category":"cloud_essd","PerformanceLevel":"PL1","Portable":true,
	"Attachments":{"Attachment":[{"InstanceId":"i-1","Device":"/dev/xvdb"}]}}]}}`

const free = `{"Disks":{"Disk":[{"DiskId":"d-1","Status":"Available","Size":40,"Category":"cloud_essd"}]}}`

// TestDiskActions shows the calls of each rpc on a disk, and what a refusal means
// after a look at it.
func TestDiskActions(t *testing.T) {
	t.Parallel()
	attach := func(t *testing.T, c storagev1.DiskServiceClient) error {
		_, err := c.AttachDisk(calltest.Context(t), &storagev1.AttachDiskRequest{Id: "d-1", VmId: "i-1", DeleteWithVm: proto.Bool(true)})
		return err
	}
	attachCall := call("AttachDisk", map[string]string{"DiskId": "d-1", "InstanceId": "i-1", "DeleteWithInstance": "true"})
	detach := func(t *testing.T, c storagev1.DiskServiceClient) error {
		_, err := c.DetachDisk(calltest.Context(t), &storagev1.DetachDiskRequest{Id: "d-1"})
		return err
	}
	look := call("DescribeDisks", map[string]string{"DiskIds": `["d-1"]`})
	for name, tc := range map[string]struct {
		run     func(*testing.T, storagev1.DiskServiceClient) error
		answers map[string]string
		want    []calltest.Call
		reason  apiv1.Reason
	}{
		"attach": {run: attach, want: []calltest.Call{attachCall}},
		"attach what is attached": {
			run: attach, answers: map[string]string{"AttachDisk": `{"Code":"InvalidDisk.InUse"}`, "DescribeDisks": attached},
			want: []calltest.Call{attachCall, look},
		},
		"attach in a wrong state of the VM": {
			run: attach, answers: map[string]string{"AttachDisk": `{"Code":"IncorrectInstanceStatus"}`, "DescribeDisks": free},
			want: []calltest.Call{attachCall, look}, reason: apiv1.Reason_REASON_INVALID_STATE,
		},
		"detach": {
			run: detach, answers: map[string]string{"DescribeDisks": attached},
			want: []calltest.Call{look, call("DetachDisk", map[string]string{"DiskId": "d-1", "InstanceId": "i-1"})},
		},
		"detach what is not attached": {run: detach, answers: map[string]string{"DescribeDisks": free}, want: []calltest.Call{look}},
		"delete what is attached": {
			run: func(t *testing.T, c storagev1.DiskServiceClient) error {
				_, err := c.DeleteDisk(calltest.Context(t), &storagev1.DeleteDiskRequest{Id: "d-1"})
				return err
			},
			answers: map[string]string{"DeleteDisk": `{"Code":"IncorrectDiskStatus"}`, "DescribeDisks": attached},
			want:    []calltest.Call{call("DeleteDisk", map[string]string{"DiskId": "d-1"}), look}, reason: apiv1.Reason_REASON_IN_USE,
		},
		"resize under a VM": {
			run: func(t *testing.T, c storagev1.DiskServiceClient) error {
				_, err := c.ResizeDisk(calltest.Context(t), &storagev1.ResizeDiskRequest{Id: "d-1", SizeGib: 80})
				return err
			},
			answers: map[string]string{"DescribeDisks": attached},
			want:    []calltest.Call{look, call("ResizeDisk", map[string]string{"DiskId": "d-1", "NewSize": "80", "Type": "online", "ClientToken": token})},
		},
		"shrink": {
			run: func(t *testing.T, c storagev1.DiskServiceClient) error {
				_, err := c.ResizeDisk(calltest.Context(t), &storagev1.ResizeDiskRequest{Id: "d-1", SizeGib: 20})
				return err
			},
			answers: map[string]string{"DescribeDisks": free}, want: []calltest.Call{look}, reason: apiv1.Reason_REASON_PARAMETER_REJECTED,
		},
		"update": {
			run: func(t *testing.T, c storagev1.DiskServiceClient) error {
				_, err := c.UpdateDisk(calltest.Context(t), &storagev1.UpdateDiskRequest{
					Id: "d-1", Name: proto.String("n2"), Description: proto.String("d2"), DeleteWithVm: proto.Bool(true),
					Tags: &apiv1.StringMap{Entries: map[string]string{"a": "b"}},
				})
				return err
			},
			answers: map[string]string{"DescribeDisks": free},
			want: []calltest.Call{
				look,
				call("ModifyDiskAttribute", map[string]string{"DiskId": "d-1", "DiskName": "n2", "Description": "d2", "DeleteWithInstance": "true"}),
				call("TagResources", map[string]string{"ResourceType": "disk", "ResourceId.1": "d-1", "Tag.1.Key": "a", "Tag.1.Value": "b"}),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, storage.Register, tc.answers)
			if err := tc.run(t, storagev1.NewDiskServiceClient(cloud.Conn)); sdk.ReasonOf(err) != tc.reason {
				t.Errorf("got %v, want %v", err, tc.reason)
			}
			if diff := cmp.Diff(tc.want, cloud.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSnapshotThatMadeDisks is removed all the same.
func TestSnapshotThatMadeDisks(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, storage.Register, map[string]string{"DeleteSnapshot": `{"Code":"SnapshotCreatedImage"}`})
	_, err := storagev1.NewSnapshotServiceClient(cloud.Conn).DeleteSnapshot(calltest.Context(t), &storagev1.DeleteSnapshotRequest{Id: "s-1"})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("of an image: %v", err)
	}
	cloud = calltest.Open(t, storage.Register, map[string]string{"DeleteSnapshot": `{"Code":"SnapshotCreatedDisk"}`})
	_, err = storagev1.NewSnapshotServiceClient(cloud.Conn).DeleteSnapshot(calltest.Context(t), &storagev1.DeleteSnapshotRequest{Id: "s-1"})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("refused twice: %v", err)
	}
	want := []calltest.Call{
		call("DeleteSnapshot", map[string]string{"SnapshotId": "s-1"}),
		call("DeleteSnapshot", map[string]string{"SnapshotId": "s-1", "Force": "true"}),
	}
	if diff := cmp.Diff(want, cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestListsAreOneCall shows the filters that the cloud takes.
func TestListsAreOneCall(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, storage.Register, nil)
	ctx := calltest.Context(t)
	for _, list := range []func() error{
		func() error {
			_, err := storagev1.NewDiskServiceClient(cloud.Conn).ListDisks(ctx, &storagev1.ListDisksRequest{
				Name: "n", VmId: "i-1", ZoneId: "z", State: storagev1.DiskState_DISK_STATE_IN_USE, PageSize: 500,
			})
			return err
		},
		func() error {
			_, err := storagev1.NewSnapshotServiceClient(cloud.Conn).ListSnapshots(ctx, &storagev1.ListSnapshotsRequest{Name: "n", DiskId: "d-1"})
			return err
		},
		func() error {
			_, err := storagev1.NewImageServiceClient(cloud.Conn).ListImages(ctx, &storagev1.ListImagesRequest{
				Name: "n", Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM, Architecture: apiv1.Architecture_ARCHITECTURE_X86_64, PageToken: "number:3",
			})
			return err
		},
	} {
		if err := list(); err != nil {
			t.Fatal(err)
		}
	}
	want := []calltest.Call{
		call("DescribeDisks", map[string]string{
			"DiskName": "n", "InstanceId": "i-1", "ZoneId": "z", "Status": "In_use", "MaxResults": "500", "ResourceGroupId": "rg-test",
		}),
		call("DescribeSnapshots", map[string]string{"SnapshotName": "n", "DiskId": "d-1", "MaxResults": "50", "ResourceGroupId": "rg-test"}),
		call("DescribeImages", map[string]string{
			"ImageName": "n", "ImageOwnerAlias": "self", "Architecture": "x86_64", "PageNumber": "3", "PageSize": "50",
			"Status": "Creating,Waiting,Available,UnAvailable,CreateFailed,Deprecated",
		}),
	}
	if diff := cmp.Diff(want, cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
