package storage

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// revertsToSnapshot is the volume microversion of the action revert.
const revertsToSnapshot = 40

const notLatest = "must be the latest snapshot of the disk"

// RestoreSnapshot puts a volume back to its latest snapshot.
func (n *snapshotServer) RestoreSnapshot(ctx context.Context, req *storagev1.RestoreSnapshotRequest) (*storagev1.RestoreSnapshotResponse, error) {
	_, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	if !session.AtLeast(client, revertsToSnapshot) {
		return nil, sdk.Unsupported(featureRestore)
	}
	snapshot, err := getSnapshot(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if snapshot.VolumeID != req.GetDiskId() {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeDisk, req.GetDiskId()), sdk.Field("disk_id"))
	}
	if err := refuseOlder(ctx, client, snapshot); err != nil {
		return nil, err
	}
	// gophercloud has no call for this action.
	_, err = client.Post(ctx, client.ServiceURL("volumes", snapshot.VolumeID, "action"),
		map[string]any{"revert": map[string]any{"snapshot_id": snapshot.ID}}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{202}})
	if err != nil {
		return explainRestore(ctx, client, snapshot, err)
	}
	return &storagev1.RestoreSnapshotResponse{Id: snapshot.VolumeID, State: storagev1.DiskState_DISK_STATE_RESTORING}, nil
}

// refuseOlder refuses a snapshot if another of its volume is as young or younger.
// Cinder refuses too, but of several of one second it takes any for the latest.
func refuseOlder(ctx context.Context, client *gophercloud.ServiceClient, snapshot *snapshots.Snapshot) error {
	all, err := snapshotsOf(ctx, client, snapshot.VolumeID)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != snapshot.ID && !other.CreatedAt.Before(snapshot.CreatedAt.Truncate(time.Second)) {
			return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Resource(typeDisk, snapshot.VolumeID), sdk.Field("id"), sdk.Violation("id", notLatest))
		}
	}
	return nil
}

// explainRestore reads the volume of a refused restore and names the condition
// that is not met.
func explainRestore(ctx context.Context, client *gophercloud.ServiceClient, snapshot *snapshots.Snapshot, err error) (*storagev1.RestoreSnapshotResponse, error) {
	if !session.IsWrongState(err) {
		return nil, session.Error(err, typeDisk, snapshot.VolumeID)
	}
	v, readErr := getVolume(ctx, client, snapshot.VolumeID)
	if readErr != nil {
		return nil, readErr
	}
	state := toProtoDiskState(v.Status)
	unmet := func(field, condition string) error {
		return session.As(apiv1.Reason_REASON_INVALID_STATE, err, typeDisk, v.ID, sdk.Field(field), sdk.Violation(field, condition))
	}
	switch {
	case state == storagev1.DiskState_DISK_STATE_RESTORING && sdk.CallFrom(ctx).Repeated():
		return &storagev1.RestoreSnapshotResponse{Id: v.ID, State: state}, nil
	case len(v.Attachments) > 0:
		return nil, unmet("disk_id", "the disk must not be attached")
	case isChanging(state):
		return nil, session.WrongState(err, typeDisk, v.ID, true)
	case state != storagev1.DiskState_DISK_STATE_AVAILABLE:
		return nil, session.WrongState(err, typeDisk, v.ID, false)
	case isSnapshotChanging(snapshot.Status):
		return nil, session.WrongState(err, typeSnapshot, snapshot.ID, true)
	case v.Size != snapshot.Size:
		return nil, unmet("disk_id", "the disk must have the size of the snapshot")
	default:
		return nil, unmet("id", notLatest)
	}
}
