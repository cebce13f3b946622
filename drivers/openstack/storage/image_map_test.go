package storage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

func TestToProtoImage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want *storagev1.Image
	}{
		"of others": {
			`{"id":"i1","name":"tiny","status":"active","visibility":"public","owner":"them","size":1048577,"min_disk":1,"min_ram":64,"protected":true,
				"os_type":"Windows","os_distro":"w","os_version":"11","architecture":"aarch64","hw_firmware_type":"bios","tags":["a=b"]}`,
			&storagev1.Image{
				Id: "i1", Name: "tiny", Tags: map[string]string{"a": "b"}, State: storagev1.ImageState_IMAGE_STATE_AVAILABLE, ProviderState: "active", RegionId: "R",
				DeletionProtected: true, Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC, OsType: computev1.OsType_OS_TYPE_WINDOWS, OsName: "w", OsVersion: "11",
				Architecture: apiv1.Architecture_ARCHITECTURE_ARM64, BootMode: storagev1.BootMode_BOOT_MODE_BIOS, MinDiskGib: 1, MinMemoryMib: 64, SizeMib: 2,
			},
		},
		"of a snapshot": {
			`{"id":"i2","name":"own","status":"deactivated","visibility":"shared","owner":"me","size":0,"hw_architecture":"x86_64","description":"d",
				"block_device_mapping":"[{\"source_type\":\"snapshot\",\"snapshot_id\":\"s2\",\"boot_index\":null},{\"snapshot_id\":\"s1\",\"boot_index\":0}]"}`,
			&storagev1.Image{
				Id: "i2", Name: "own", Description: "d", State: storagev1.ImageState_IMAGE_STATE_DEACTIVATED, ProviderState: "deactivated", RegionId: "R",
				SourceSnapshotIds: []string{"s1", "s2"}, Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM, Architecture: apiv1.Architecture_ARCHITECTURE_X86_64,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, toProtoImage(decode[images.Image](t, tc.body), "R", "me"), protocmp.Transform()); diff != "" {
				t.Errorf("toProtoImage (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToProtoImageState(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]storagev1.ImageState{
		"queued": storagev1.ImageState_IMAGE_STATE_CREATING, "saving": storagev1.ImageState_IMAGE_STATE_CREATING,
		"uploading": storagev1.ImageState_IMAGE_STATE_CREATING, "importing": storagev1.ImageState_IMAGE_STATE_CREATING,
		"active": storagev1.ImageState_IMAGE_STATE_AVAILABLE, "deactivated": storagev1.ImageState_IMAGE_STATE_DEACTIVATED,
		"pending_delete": storagev1.ImageState_IMAGE_STATE_DELETING, "deleted": storagev1.ImageState_IMAGE_STATE_DELETED,
		"killed": storagev1.ImageState_IMAGE_STATE_ERROR, "frozen": storagev1.ImageState_IMAGE_STATE_UNSPECIFIED,
	} {
		if got := toProtoImageState(status); got != want {
			t.Errorf("toProtoImageState(%q) = %v, want %v", status, got, want)
		}
	}
}

func TestToProtoOrigin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		visibility images.ImageVisibility
		owner      string
		want       storagev1.ImageOrigin
	}{
		"own":               {images.ImageVisibilityPrivate, "me", storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM},
		"own, public":       {images.ImageVisibilityPublic, "me", storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM},
		"public":            {images.ImageVisibilityPublic, "them", storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC},
		"community":         {images.ImageVisibilityCommunity, "them", storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC},
		"shared":            {images.ImageVisibilityShared, "them", storagev1.ImageOrigin_IMAGE_ORIGIN_SHARED},
		"without an owner":  {images.ImageVisibilityPublic, "", storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC},
		"private of others": {images.ImageVisibilityPrivate, "them", storagev1.ImageOrigin_IMAGE_ORIGIN_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := toProtoOrigin(&images.Image{Visibility: tc.visibility, Owner: tc.owner}, "me"); got != tc.want {
				t.Errorf("toProtoOrigin = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestFromProtoCreateImage(t *testing.T) {
	t.Parallel()
	source := map[string]string{
		"image_id": "i0", "image_name": "base", "os_distro": "debian", "os_type": "linux", "hw_disk_bus": "scsi", "architecture": "x86_64",
		"os_hash_value": "abc", "os_hidden": "False", "size": "7",
	}
	got, err := fromProtoCreateImage(
		&storagev1.CreateImageRequest{Name: "n", OsType: computev1.OsType_OS_TYPE_WINDOWS, BootMode: storagev1.BootMode_BOOT_MODE_UEFI_PREFERRED, MinMemoryMib: 64},
		&snapshots.Snapshot{ID: "s1", Size: 5}, &volumes.Volume{VolumeImageMetadata: source})
	if err != nil {
		t.Fatal(err)
	}
	want := images.CreateOpts{
		Name: "n", Tags: []string{}, ContainerFormat: "bare", DiskFormat: "raw", MinDisk: 5, MinRAM: 64,
		Properties: map[string]string{
			"os_distro": "debian", "os_type": "windows", "hw_disk_bus": "scsi", "architecture": "x86_64",
			"bdm_v2": "True", "root_device_name": "/dev/vda", "yunqiao_source_snapshot": "s1",
			"block_device_mapping": `[{"source_type":"snapshot","snapshot_id":"s1","destination_type":"volume","boot_index":0,"volume_size":5,"delete_on_termination":true}]`,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fromProtoCreateImage (-want +got):\n%s", diff)
	}
}

func TestFromProtoUpdateImage(t *testing.T) {
	t.Parallel()
	got := fromProtoUpdateImage(&storagev1.UpdateImageRequest{
		Name: ptr("n"), Description: ptr(""), Tags: &apiv1.StringMap{Entries: map[string]string{"a": "1"}}, MinDiskGib: ptr[int32](0), MinMemoryMib: ptr[int32](9),
	}, []string{"old=1", "yunqiao-owner=x"})
	want := images.UpdateOpts{
		images.ReplaceImageName{NewName: "n"},
		images.UpdateImageProperty{Op: images.AddOp, Name: "description"},
		images.ReplaceImageTags{NewTags: []string{"a=1", "yunqiao-owner=x"}},
		images.ReplaceImageMinDisk{},
		images.ReplaceImageMinRam{NewMinRam: 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fromProtoUpdateImage (-want +got):\n%s", diff)
	}
	if got := fromProtoUpdateImage(&storagev1.UpdateImageRequest{}, nil); len(got) != 0 {
		t.Errorf("an empty update patches %v", got)
	}
}

func TestSourceSnapshots(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mapping, ours string
		want          []string
	}{
		"ours":         {`[{"snapshot_id":"s1","boot_index":0}]`, "s1", []string{"s1"}},
		"of several":   {`[{"snapshot_id":"s2"},{"snapshot_id":"s1","boot_index":0},{"source_type":"blank"}]`, "", []string{"s1", "s2"}},
		"no mapping":   {"", "", nil},
		"other format": {"{}", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, sourceSnapshots(tc.mapping, tc.ours)); diff != "" {
				t.Errorf("sourceSnapshots (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImageID(t *testing.T) {
	t.Parallel()
	if got := imageID(""); got != "" {
		t.Errorf("without a request: %q", got)
	}
	if imageID("a") == imageID("b") || imageID("a") != imageID("a") {
		t.Error("ids do not tell requests apart, or differ for repeats")
	}
	// RFC 4122, appendix B, and its errata: www.example.com among DNS names.
	namespace := []byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	if got, want := uuid5(namespace, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2"; got != want {
		t.Errorf("uuid5 = %s, want %s", got, want)
	}
}

func TestWordsOfImages(t *testing.T) {
	t.Parallel()
	for _, a := range []apiv1.Architecture{apiv1.Architecture_ARCHITECTURE_X86_64, apiv1.Architecture_ARCHITECTURE_ARM64, apiv1.Architecture_ARCHITECTURE_I386} {
		if got := toProtoArchitecture(fromProtoArchitecture(a)); got != a {
			t.Errorf("%v comes back as %v", a, got)
		}
	}
	for _, o := range []computev1.OsType{computev1.OsType_OS_TYPE_UNSPECIFIED, computev1.OsType_OS_TYPE_LINUX, computev1.OsType_OS_TYPE_WINDOWS, computev1.OsType_OS_TYPE_OTHER} {
		if got := toProtoOSType(fromProtoOSType(o)); got != o {
			t.Errorf("%v comes back as %v", o, got)
		}
	}
	for _, m := range []storagev1.BootMode{storagev1.BootMode_BOOT_MODE_BIOS, storagev1.BootMode_BOOT_MODE_UEFI} {
		if got := toProtoBootMode(fromProtoBootMode(m)); got != m {
			t.Errorf("%v comes back as %v", m, got)
		}
	}
	for bytes, want := range map[int64]int32{0: 0, 1: 1, 1 << 20: 1, 1<<20 + 1: 2} {
		if got := toProtoMiB(bytes); got != want {
			t.Errorf("toProtoMiB(%d) = %d, want %d", bytes, got, want)
		}
	}
}
