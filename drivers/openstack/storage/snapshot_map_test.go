package storage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"google.golang.org/protobuf/testing/protocmp"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

func TestToProtoSnapshot(t *testing.T) {
	t.Parallel()
	v := decode[snapshots.Snapshot](t, `{"id":"s1","name":"snap","description":null,"volume_id":"d1","status":"error","size":2,"metadata":{"k":"v"},
		"os-extended-snapshot-attributes:progress":"40%","created_at":null,"updated_at":null}`)
	want := &storagev1.Snapshot{
		Id: "s1", Name: "snap", Tags: map[string]string{"k": "v"}, State: storagev1.SnapshotState_SNAPSHOT_STATE_ERROR, ProviderState: "error", StateReason: "RESOURCE_FAILED",
		RegionId: "R", DiskId: "d1", SizeGib: 2, ProgressPercent: ptr[int32](40), Kind: storagev1.SnapshotKind_SNAPSHOT_KIND_MANUAL,
	}
	got := toProtoSnapshot(v, "R")
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("toProtoSnapshot (-want +got):\n%s", diff)
	}
	fromVolume(got, &volumes.Volume{Bootable: "true", Encrypted: true})
	if got.GetDiskRole() != storagev1.DiskRole_DISK_ROLE_SYSTEM || !got.GetEncrypted() {
		t.Errorf("with its volume: %v", got)
	}
}

func TestToProtoSnapshotState(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]storagev1.SnapshotState{
		"creating": storagev1.SnapshotState_SNAPSHOT_STATE_CREATING, "available": storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE,
		"updating": storagev1.SnapshotState_SNAPSHOT_STATE_BUSY, "backing-up": storagev1.SnapshotState_SNAPSHOT_STATE_BUSY, "restoring": storagev1.SnapshotState_SNAPSHOT_STATE_BUSY,
		"deleting": storagev1.SnapshotState_SNAPSHOT_STATE_DELETING, "unmanaging": storagev1.SnapshotState_SNAPSHOT_STATE_DELETING,
		"deleted": storagev1.SnapshotState_SNAPSHOT_STATE_DELETED,
		"error":   storagev1.SnapshotState_SNAPSHOT_STATE_ERROR, "error_deleting": storagev1.SnapshotState_SNAPSHOT_STATE_ERROR,
		"frozen": storagev1.SnapshotState_SNAPSHOT_STATE_UNSPECIFIED,
	} {
		if got := toProtoSnapshotState(status); got != want {
			t.Errorf("toProtoSnapshotState(%q) = %v, want %v", status, got, want)
		}
	}
}

func TestToProtoProgress(t *testing.T) {
	t.Parallel()
	for progress, want := range map[string]*int32{"100%": ptr[int32](100), "0%": ptr[int32](0), "": nil, "101%": nil, "-1%": nil, "half": nil} {
		if diff := cmp.Diff(want, toProtoProgress(progress)); diff != "" {
			t.Errorf("toProtoProgress(%q) (-want +got):\n%s", progress, diff)
		}
	}
}
