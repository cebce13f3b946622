package storage

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// explainCreateDisk tells what a refused create is about. Cinder's 404 names no
// field, and its 400 may be the state of the source.
func explainCreateDisk(ctx context.Context, s *session.Session, req *storagev1.CreateDiskRequest, err error) error {
	switch {
	case !session.IsNotFound(err) && !session.IsWrongState(err):
		return session.Error(err, typeDisk, "")
	case req.GetSourceSnapshotId() != "":
		if cause := explainSnapshotSource(ctx, s, req, err); cause != nil {
			return cause
		}
	case req.GetSourceImageId() != "" && s.Image != nil:
		if _, readErr := getImage(ctx, s, req.GetSourceImageId()); sdk.ReasonOf(readErr) == apiv1.Reason_REASON_NOT_FOUND {
			return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeImage, req.GetSourceImageId(), sdk.Field("source_image_id"))
		}
	}
	if session.IsNotFound(err) && req.GetDiskTypeId() != "" {
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeDiskType, req.GetDiskTypeId(), sdk.Field("disk_type_id"))
	}
	return session.Error(err, typeDisk, "")
}

// explainSnapshotSource is nil if the snapshot is not what Cinder minds.
func explainSnapshotSource(ctx context.Context, s *session.Session, req *storagev1.CreateDiskRequest, err error) error {
	field := sdk.Field("source_snapshot_id")
	snapshot, readErr := getSnapshot(ctx, s.Volume, req.GetSourceSnapshotId())
	switch {
	case sdk.ReasonOf(readErr) == apiv1.Reason_REASON_NOT_FOUND:
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeSnapshot, req.GetSourceSnapshotId(), field)
	case readErr != nil || session.IsNotFound(err):
		return nil
	case toProtoSnapshotState(snapshot.Status) != storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE:
		return session.WrongState(err, typeSnapshot, snapshot.ID, isSnapshotChanging(snapshot.Status))
	case req.GetSizeGib() > 0 && int(req.GetSizeGib()) < snapshot.Size:
		return session.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeDisk, "", sdk.Field("size_gib"),
			sdk.Violation("size_gib", "must be at least the size of the snapshot"))
	}
	return nil
}

// explainDeleteDisk reads the volume of a refused delete: a VM or snapshots hold
// it, it is changing, or only an administrator can delete it.
func explainDeleteDisk(ctx context.Context, client *gophercloud.ServiceClient, req *storagev1.DeleteDiskRequest, err error) (*storagev1.DeleteDiskResponse, error) {
	id := req.GetId()
	if !session.IsWrongState(err) {
		return nil, session.Error(err, typeDisk, id)
	}
	v, readErr := getVolume(ctx, client, id)
	if sdk.ReasonOf(readErr) == apiv1.Reason_REASON_NOT_FOUND {
		return &storagev1.DeleteDiskResponse{Id: id, State: storagev1.DiskState_DISK_STATE_DELETED}, nil
	}
	if readErr != nil {
		return nil, readErr
	}
	switch state := toProtoDiskState(v.Status); {
	case state == storagev1.DiskState_DISK_STATE_DELETING:
		return &storagev1.DeleteDiskResponse{Id: id, State: state}, nil
	case len(v.Attachments) > 0:
		return nil, sdk.InUse(typeDisk, id, err, vmBlockers(v)...)
	case isChanging(state):
		return nil, session.WrongState(err, typeDisk, id, true)
	case !isDeletable(v.Status):
		return nil, session.WrongState(err, typeDisk, id, false)
	}
	held, readErr := snapshotsOf(ctx, client, id)
	if readErr != nil {
		return nil, readErr
	}
	if len(held) > 0 && !req.GetDeleteSnapshots() {
		return nil, sdk.InUse(typeDisk, id, err, snapshotBlockers(held)...)
	}
	return nil, session.WrongState(err, typeDisk, id, false)
}

// explainResizeDisk reads the volume of a refused resize.
func explainResizeDisk(ctx context.Context, client *gophercloud.ServiceClient, req *storagev1.ResizeDiskRequest, err error) (*storagev1.ResizeDiskResponse, error) {
	id := req.GetId()
	if !session.IsWrongState(err) {
		return nil, session.Error(err, typeDisk, id)
	}
	v, readErr := getVolume(ctx, client, id)
	if readErr != nil {
		return nil, readErr
	}
	state := toProtoDiskState(v.Status)
	resizing := state == storagev1.DiskState_DISK_STATE_RESIZING
	switch {
	case resizing && sdk.CallFrom(ctx).Repeated(), !isChanging(state) && v.Size == int(req.GetSizeGib()):
		return &storagev1.ResizeDiskResponse{Id: id, State: state}, nil
	case isChanging(state):
		return nil, session.WrongState(err, typeDisk, id, true)
	case v.Size > int(req.GetSizeGib()):
		return nil, session.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeDisk, id, sdk.Field("size_gib"),
			sdk.Violation("size_gib", "must not be smaller than the disk"))
	case state == storagev1.DiskState_DISK_STATE_AVAILABLE:
		return nil, session.Error(err, typeDisk, id)
	case len(v.Attachments) > 0:
		return nil, sdk.InUse(typeDisk, id, err, vmBlockers(v)...)
	default:
		return nil, session.WrongState(err, typeDisk, id, false)
	}
}

// snapshotsOf reads the snapshots of a volume.
func snapshotsOf(ctx context.Context, client *gophercloud.ServiceClient, volumeID string) ([]snapshots.Snapshot, error) {
	return allPages(ctx, snapshots.List(client, snapshots.ListOpts{VolumeID: volumeID, Limit: wholePage}), typeSnapshot, snapshots.ExtractSnapshots)
}

// refuseImagedSnapshots is IN_USE if images refer to a snapshot of the volume:
// Cinder does not know, and would delete it under them.
func refuseImagedSnapshots(ctx context.Context, s *session.Session, volumeID string) error {
	held, err := snapshotsOf(ctx, s.Volume, volumeID)
	if err != nil || len(held) == 0 {
		return err
	}
	ids := make([]string, 0, len(held))
	for i := range held {
		ids = append(ids, held[i].ID)
	}
	blockers, err := imageBlockers(ctx, s, ids...)
	if err != nil || len(blockers) == 0 {
		return err
	}
	return sdk.InUse(typeDisk, volumeID, nil, blockers...)
}

// refused reads the volume of a refused action that wants one of the states
// given, and tells what the refusal means.
func refused(ctx context.Context, client *gophercloud.ServiceClient, id string, err error, wants ...storagev1.DiskState) error {
	if !session.IsWrongState(err) {
		return session.Error(err, typeDisk, id)
	}
	v, readErr := getVolume(ctx, client, id)
	if readErr != nil {
		return readErr
	}
	return explainState(v, err, wants...)
}

func explainState(v *volumes.Volume, err error, wants ...storagev1.DiskState) error {
	state := toProtoDiskState(v.Status)
	for _, wanted := range wants {
		if state == wanted {
			return session.Error(err, typeDisk, v.ID)
		}
	}
	switch {
	case isChanging(state):
		return session.WrongState(err, typeDisk, v.ID, true)
	case len(v.Attachments) > 0:
		return sdk.InUse(typeDisk, v.ID, err, vmBlockers(v)...)
	default:
		return session.WrongState(err, typeDisk, v.ID, false)
	}
}
