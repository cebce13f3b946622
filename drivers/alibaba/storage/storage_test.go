package storage_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/storage"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

func call(action string, params map[string]string) calltest.Call {
	return calltest.Call{Action: action, Params: params}
}

// row sets one field and tells which parameters it adds.
type row[Req proto.Message] struct {
	set  Req
	want map[string]string
}

// fields shows for each field of a creating request where it goes.
func fields[Req proto.Message](
	t *testing.T, base Req, action, answer string, baseParams map[string]string, rows map[string]row[Req],
	create func(*testing.T, *grpc.ClientConn, Req) error, refused ...string,
) {
	t.Helper()
	covered := refused
	for field, r := range rows {
		covered = append(covered, field)
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, storage.Register, map[string]string{action: answer})
			req, ok := proto.Clone(base).(Req)
			if !ok {
				t.Fatal("a clone of another type")
			}
			if r.want != nil {
				proto.Merge(req, r.set)
			}
			if err := create(t, cloud.Conn, req); err != nil {
				t.Fatal(err)
			}
			want := maps.Clone(baseParams)
			maps.Copy(want, r.want)
			if diff := cmp.Diff([]calltest.Call{call(action, want)}, cloud.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
	calltest.CheckCovered(t, base, covered...)
}

func TestCreateDiskParameters(t *testing.T) {
	t.Parallel()
	type disk = storagev1.CreateDiskRequest
	fields(t, &disk{Name: "数据", ZoneId: "cn-hangzhou-h", SizeGib: 40}, "CreateDisk", `{"DiskId":"d-1"}`,
		map[string]string{
			"DiskName": "数据", "ZoneId": "cn-hangzhou-h", "Size": "40", "DiskCategory": "cloud_essd", "ResourceGroupId": "rg-test", "ClientToken": token,
		},
		map[string]row[*disk]{
			"name": {}, "zone_id": {}, "size_gib": {},
			"description":        {&disk{Description: "d"}, map[string]string{"Description": "d"}},
			"tags":               {&disk{Tags: map[string]string{"k": "v"}}, map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"disk_type_id":       {&disk{DiskTypeId: "cloud_essd.PL2"}, map[string]string{"DiskCategory": "cloud_essd", "PerformanceLevel": "PL2"}},
			"source_snapshot_id": {&disk{SourceSnapshotId: "s-1"}, map[string]string{"SnapshotId": "s-1"}},
			"encrypted":          {&disk{Encrypted: true}, map[string]string{"Encrypted": "true"}},
			"multi_attach":       {&disk{MultiAttach: true}, map[string]string{"MultiAttach": "Enabled"}},
		},
		func(t *testing.T, conn *grpc.ClientConn, req *disk) error {
			_, err := storagev1.NewDiskServiceClient(conn).CreateDisk(calltest.Context(t), req)
			return err
		}, "charge", "source_image_id", "iops", "throughput_mibps")
}

func TestCreateSnapshotParameters(t *testing.T) {
	t.Parallel()
	type snapshot = storagev1.CreateSnapshotRequest
	fields(t, &snapshot{Name: "n", DiskId: "d-1"}, "CreateSnapshot", `{"SnapshotId":"s-1"}`,
		map[string]string{"SnapshotName": "n", "DiskId": "d-1", "ResourceGroupId": "rg-test", "ClientToken": token},
		map[string]row[*snapshot]{
			"name": {}, "disk_id": {},
			"description":    {&snapshot{Description: "d"}, map[string]string{"Description": "d"}},
			"tags":           {&snapshot{Tags: map[string]string{"k": "v"}}, map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"retention_days": {&snapshot{RetentionDays: 30}, map[string]string{"RetentionDays": "30"}},
		},
		func(t *testing.T, conn *grpc.ClientConn, req *snapshot) error {
			_, err := storagev1.NewSnapshotServiceClient(conn).CreateSnapshot(calltest.Context(t), req)
			return err
		})
}

func TestCreateImageParameters(t *testing.T) {
	t.Parallel()
	type image = storagev1.CreateImageRequest
	fields(t, &image{Name: "n"}, "CreateImage", `{"ImageId":"m-1"}`,
		map[string]string{"ImageName": "n", "ResourceGroupId": "rg-test", "ClientToken": token},
		map[string]row[*image]{
			"name":         {},
			"description":  {&image{Description: "d"}, map[string]string{"Description": "d"}},
			"tags":         {&image{Tags: map[string]string{"k": "v"}}, map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"snapshot_id":  {&image{SnapshotId: "s-1"}, map[string]string{"SnapshotId": "s-1"}},
			"vm_id":        {&image{VmId: "i-1"}, map[string]string{"InstanceId": "i-1"}},
			"os_name":      {&image{OsName: "Ubuntu"}, map[string]string{"Platform": "Ubuntu"}},
			"architecture": {&image{Architecture: apiv1.Architecture_ARCHITECTURE_ARM64}, map[string]string{"Architecture": "arm64"}},
			"boot_mode":    {&image{BootMode: storagev1.BootMode_BOOT_MODE_UEFI}, map[string]string{"BootMode": "UEFI"}},
		},
		func(t *testing.T, conn *grpc.ClientConn, req *image) error {
			_, err := storagev1.NewImageServiceClient(conn).CreateImage(calltest.Context(t), req)
			return err
		}, "os_type", "os_version", "min_disk_gib", "min_memory_mib")
}

// TestRefused shows that what has no parameter is refused, naming the field.
func TestRefused(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, storage.Register, nil)
	disks, images := storagev1.NewDiskServiceClient(cloud.Conn), storagev1.NewImageServiceClient(cloud.Conn)
	for field, req := range map[string]*storagev1.CreateDiskRequest{
		"charge.mode":      {Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}},
		"source_image_id":  {SourceImageId: "m-1"},
		"iops":             {Iops: 100},
		"throughput_mibps": {ThroughputMibps: 100},
	} {
		_, err := disks.CreateDisk(calltest.Context(t), req)
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || sdk.InfoOf(err)["field"] != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for field, req := range map[string]*storagev1.CreateImageRequest{
		"os_type": {OsType: 2}, "os_version": {OsVersion: "1"}, "min_disk_gib": {MinDiskGib: 1}, "min_memory_mib": {MinMemoryMib: 1},
	} {
		_, err := images.CreateImage(calltest.Context(t), req)
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || sdk.InfoOf(err)["field"] != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if calls := cloud.Actions(); len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
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
