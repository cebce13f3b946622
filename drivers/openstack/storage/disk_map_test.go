package storage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// decode reads a body as the cloud sends it.
func decode[T any](t *testing.T, body string) *T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func ptr[T any](v T) *T { return &v }

func TestToProtoDisk(t *testing.T) {
	t.Parallel()
	v := decode[volumes.Volume](t, `{"id":"d1","name":"disk","status":"in-use","size":3,"availability_zone":"nova","created_at":"2026-11-20T13:17:41.000000","updated_at":null,
		"attachments":[{"server_id":"v1","device":"/dev/vda","attached_at":"2026-11-20T13:20:00.000000"}],"description":null,"volume_type":"standard",
		"snapshot_id":"s1","metadata":{"yunqiao-request":"x","k":"v"},"bootable":"true","encrypted":true,"multiattach":true,"volume_image_metadata":{"image_id":"i1"}}`)
	want := &storagev1.Disk{
		Id: "d1", Name: "disk", Tags: map[string]string{"k": "v"}, State: storagev1.DiskState_DISK_STATE_IN_USE, ProviderState: "in-use",
		CreatedAt: timestamppb.New(time.Date(2026, 11, 20, 13, 17, 41, 0, time.UTC)), RegionId: "R", ZoneId: "nova",
		Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID}, SizeGib: 3, VmId: "v1",
		Attachments: []*storagev1.DiskAttachment{{VmId: "v1", Device: "/dev/vda", AttachedAt: timestamppb.New(time.Date(2026, 11, 20, 13, 20, 0, 0, time.UTC))}},
		DiskTypeId:  "standard", Role: storagev1.DiskRole_DISK_ROLE_SYSTEM, SourceSnapshotId: "s1", SourceImageId: "i1", Encrypted: true, MultiAttach: true, Movable: true,
	}
	if diff := cmp.Diff(want, toProtoDisk(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoDisk (-want +got):\n%s", diff)
	}
}

func TestToProtoDiskState(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]storagev1.DiskState{
		"creating": storagev1.DiskState_DISK_STATE_CREATING, "downloading": storagev1.DiskState_DISK_STATE_CREATING, "managing": storagev1.DiskState_DISK_STATE_CREATING,
		"available": storagev1.DiskState_DISK_STATE_AVAILABLE,
		"attaching": storagev1.DiskState_DISK_STATE_ATTACHING, "reserved": storagev1.DiskState_DISK_STATE_ATTACHING,
		"in-use":    storagev1.DiskState_DISK_STATE_IN_USE,
		"detaching": storagev1.DiskState_DISK_STATE_DETACHING,
		"extending": storagev1.DiskState_DISK_STATE_RESIZING,
		"reverting": storagev1.DiskState_DISK_STATE_RESTORING, "restoring-backup": storagev1.DiskState_DISK_STATE_RESTORING,
		"retyping": storagev1.DiskState_DISK_STATE_BUSY, "uploading": storagev1.DiskState_DISK_STATE_BUSY, "backing-up": storagev1.DiskState_DISK_STATE_BUSY,
		"maintenance": storagev1.DiskState_DISK_STATE_BUSY, "awaiting-transfer": storagev1.DiskState_DISK_STATE_BUSY,
		"deleting": storagev1.DiskState_DISK_STATE_DELETING, "unmanaging": storagev1.DiskState_DISK_STATE_DELETING, "error_managing_deleting": storagev1.DiskState_DISK_STATE_DELETING,
		"error": storagev1.DiskState_DISK_STATE_ERROR, "error_deleting": storagev1.DiskState_DISK_STATE_ERROR, "error_extending": storagev1.DiskState_DISK_STATE_ERROR,
		"error_restoring": storagev1.DiskState_DISK_STATE_ERROR, "error_managing": storagev1.DiskState_DISK_STATE_ERROR, "error_backing-up": storagev1.DiskState_DISK_STATE_ERROR,
		"frozen": storagev1.DiskState_DISK_STATE_UNSPECIFIED,
	} {
		if got := toProtoDiskState(status); got != want {
			t.Errorf("toProtoDiskState(%q) = %v, want %v", status, got, want)
		}
	}
}

func TestIsDeletable(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{"available": true, "error": true, "error_extending": true, "error_deleting": false, "error_backing-up": false, "in-use": false} {
		if got := isDeletable(status); got != want {
			t.Errorf("isDeletable(%q) = %v", status, got)
		}
	}
}

func TestToProtoDiskRole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bootable string
		devices  []string
		want     storagev1.DiskRole
	}{
		"root":                 {"true", []string{"/dev/vda"}, storagev1.DiskRole_DISK_ROLE_SYSTEM},
		"root of a SCSI VM":    {"true", []string{"sda"}, storagev1.DiskRole_DISK_ROLE_SYSTEM},
		"bootable, not first":  {"true", []string{"/dev/vdb"}, storagev1.DiskRole_DISK_ROLE_DATA},
		"bootable, free":       {"true", nil, storagev1.DiskRole_DISK_ROLE_DATA},
		"first, not bootable":  {"false", []string{"/dev/vda"}, storagev1.DiskRole_DISK_ROLE_DATA},
		"an unattached volume": {"false", nil, storagev1.DiskRole_DISK_ROLE_DATA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &volumes.Volume{Bootable: tc.bootable}
			for _, device := range tc.devices {
				v.Attachments = append(v.Attachments, volumes.Attachment{Device: device})
			}
			if got := toProtoDiskRole(v); got != tc.want {
				t.Errorf("toProtoDiskRole = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestFromProtoCreateDisk(t *testing.T) {
	t.Parallel()
	got, err := fromProtoCreateDisk(&storagev1.CreateDiskRequest{
		Name: "n", Description: "d", SizeGib: 5, ZoneId: "nova", DiskTypeId: "fast", SourceSnapshotId: "s1",
	})
	want := volumes.CreateOpts{Name: "n", Description: "d", Size: 5, AvailabilityZone: "nova", VolumeType: "fast", SnapshotID: "s1"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("fromProtoCreateDisk: %v (-want +got):\n%s", err, diff)
	}
	for feature, req := range map[string]*storagev1.CreateDiskRequest{
		"storage.disk.encrypt":      {Encrypted: true},
		"storage.disk.multi_attach": {MultiAttach: true},
		"storage.disk.performance":  {Iops: 100},
	} {
		_, err := fromProtoCreateDisk(req)
		if got := sdk.InfoOf(err)["feature"]; sdk.ReasonOf(err) != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || got != feature {
			t.Errorf("%v: %v, want %s", req, err, feature)
		}
	}
}

func TestDetachedFrom(t *testing.T) {
	t.Parallel()
	one, two := volumes.Attachment{ServerID: "v1"}, volumes.Attachment{ServerID: "v2"}
	for name, tc := range map[string]struct {
		attachments []volumes.Attachment
		asked       string
		want        string
		reason      apiv1.Reason
	}{
		"the only one":     {[]volumes.Attachment{one}, "", "v1", 0},
		"the named one":    {[]volumes.Attachment{one, two}, "v2", "v2", 0},
		"not of the named": {[]volumes.Attachment{one}, "v2", "", 0},
		"free":             {nil, "", "", 0},
		"one of several":   {[]volumes.Attachment{one, two}, "", "", apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := detachedFrom(&volumes.Volume{Attachments: tc.attachments}, tc.asked)
			if got != tc.want || sdk.ReasonOf(err) != tc.reason {
				t.Errorf("detachedFrom(%q) = %q, %v; want %q, %v", tc.asked, got, err, tc.want, tc.reason)
			}
		})
	}
}

// A refusal by Cinder says nothing; the state of the volume does.
func TestExplainState(t *testing.T) {
	t.Parallel()
	attached := []volumes.Attachment{{ServerID: "v1"}}
	for name, tc := range map[string]struct {
		v        volumes.Volume
		reason   apiv1.Reason
		blockers string
	}{
		"changing":          {volumes.Volume{Status: "extending"}, apiv1.Reason_REASON_RESOURCE_BUSY, ""},
		"attached":          {volumes.Volume{Status: "in-use", Attachments: attached}, apiv1.Reason_REASON_IN_USE, "compute.vm/v1"},
		"failed":            {volumes.Volume{Status: "error"}, apiv1.Reason_REASON_INVALID_STATE, ""},
		"detaching, though": {volumes.Volume{Status: "detaching", Attachments: attached}, apiv1.Reason_REASON_RESOURCE_BUSY, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := explainState(&tc.v, nil, storagev1.DiskState_DISK_STATE_AVAILABLE)
			if got := sdk.ReasonOf(err); got != tc.reason || sdk.InfoOf(err)["blockers"] != tc.blockers {
				t.Errorf("explainState = %v, want %v with blockers %q", err, tc.reason, tc.blockers)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	present := map[string]string{"yunqiao-request": "x", "old": "1"}
	if diff := cmp.Diff(map[string]string{"old": "1"}, toProtoMetadata(present)); diff != "" {
		t.Errorf("toProtoMetadata (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"yunqiao-request": "x", "new": "2"}, fromProtoMetadata(map[string]string{"new": "2"}, present)); diff != "" {
		t.Errorf("fromProtoMetadata (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"yunqiao-request": "t", "k": "v"}, marked(map[string]string{"k": "v"}, "request", "t")); diff != "" {
		t.Errorf("marked (-want +got):\n%s", diff)
	}
	if got := marked(nil, "", "t"); got == nil || len(got) != 0 {
		t.Errorf("without a request: %v", got)
	}
}

func TestToProtoQuota(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		usage quotasets.QuotaUsage
		want  *apiv1.Quota
	}{
		"limited":   {quotasets.QuotaUsage{Limit: 10, InUse: 3, Reserved: 1}, &apiv1.Quota{Name: "n", Unit: "u", Limit: ptr[int32](10), Used: ptr[int32](4)}},
		"unlimited": {quotasets.QuotaUsage{Limit: -1}, &apiv1.Quota{Name: "n", Unit: "u", Used: ptr[int32](0)}},
		"none":      {quotasets.QuotaUsage{Limit: 0}, &apiv1.Quota{Name: "n", Unit: "u", Limit: ptr[int32](0), Used: ptr[int32](0)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, toProtoQuota("n", "u", tc.usage), protocmp.Transform()); diff != "" {
				t.Errorf("toProtoQuota (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToProtoDiskType(t *testing.T) {
	t.Parallel()
	v := &volumetypes.VolumeType{ID: "t1", Name: "fast", Description: "d", ExtraSpecs: map[string]string{
		"provisioning:min_vol_size": "10", "provisioning:max_vol_size": "x", "RESKEY:availability_zones": "z1, z2",
	}}
	want := &storagev1.DiskType{
		Id: "fast", Name: "fast", Description: "d", RegionId: "R", ProviderAttributes: map[string]string{"volume_type_id": "t1"},
		MinSizeGib: 10, ZoneIds: []string{"z1", "z2"}, InStock: true,
	}
	if diff := cmp.Diff(want, toProtoDiskType(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoDiskType (-want +got):\n%s", diff)
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	id := func(s *string) string { return *s }
	got := pick([]string{"a", "b", "c", "b"}, []string{"b", "x", "a"}, id)
	if diff := cmp.Diff([]string{"a", "b"}, got.items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"x"}, got.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
