package storage

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoSnapshot maps a Cinder snapshot. Role and encryption are the volume's:
// see fromVolume.
func toProtoSnapshot(v *snapshots.Snapshot, region string) *storagev1.Snapshot {
	out := &storagev1.Snapshot{
		Id:              v.ID,
		Name:            v.Name,
		Description:     v.Description,
		Tags:            toProtoMetadata(v.Metadata),
		State:           toProtoSnapshotState(v.Status),
		ProviderState:   v.Status,
		CreatedAt:       toProtoTime(v.CreatedAt),
		UpdatedAt:       toProtoTime(v.UpdatedAt),
		RegionId:        region,
		DiskId:          v.VolumeID,
		SizeGib:         int32(v.Size),
		ProgressPercent: toProtoProgress(v.Progress),
		Kind:            storagev1.SnapshotKind_SNAPSHOT_KIND_MANUAL,
	}
	if out.GetState() == storagev1.SnapshotState_SNAPSHOT_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	return out
}

// fromVolume adds what only the snapshot's volume tells. An image can be made of
// a snapshot of any bootable volume, attached or not.
func fromVolume(out *storagev1.Snapshot, v *volumes.Volume) {
	out.Encrypted = v.Encrypted
	out.DiskRole = storagev1.DiskRole_DISK_ROLE_DATA
	if isBootable(v) {
		out.DiskRole = storagev1.DiskRole_DISK_ROLE_SYSTEM
	}
}

// toProtoSnapshotState maps the status of a snapshot. Source: Block Storage API
// v3; cinder/objects/fields.py, SnapshotStatus.
func toProtoSnapshotState(status string) storagev1.SnapshotState {
	switch status {
	case "creating":
		return storagev1.SnapshotState_SNAPSHOT_STATE_CREATING
	case "available":
		return storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE
	case "updating", "backing-up", "restoring":
		return storagev1.SnapshotState_SNAPSHOT_STATE_BUSY
	case "deleting", "unmanaging":
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETING
	case "deleted":
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETED
	case "error", "error_deleting":
		return storagev1.SnapshotState_SNAPSHOT_STATE_ERROR
	default:
		return storagev1.SnapshotState_SNAPSHOT_STATE_UNSPECIFIED
	}
}

// isSnapshotChanging tells whether a snapshot's status passes by itself.
func isSnapshotChanging(status string) bool {
	return !slices.Contains([]string{"available", "error", "error_deleting", "deleted"}, status)
}

// toProtoProgress reads "42%"; nil for anything else.
func toProtoProgress(progress string) *int32 {
	percent, err := strconv.ParseInt(strings.TrimSuffix(progress, "%"), 10, 32)
	if err != nil || percent < 0 || percent > 100 {
		return nil
	}
	out := int32(percent)
	return &out
}

// keepsSnapshot tells whether a snapshot fits the filters of a request.
func keepsSnapshot(req *storagev1.ListSnapshotsRequest, v *storagev1.Snapshot) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetDiskId() == "" || req.GetDiskId() == v.GetDiskId())
}

// snapshotBlockers names snapshots that are in the way.
func snapshotBlockers(held []snapshots.Snapshot) []string {
	var blockers []string
	for i := range held {
		if len(blockers) < maxBlockers {
			blockers = append(blockers, typeSnapshot+"/"+held[i].ID)
		}
	}
	return blockers
}
