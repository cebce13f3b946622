package memcloud

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// How long a snapshot's moves take at scale 1.
const (
	snapshotCreateDelay = 2 * time.Second
	snapshotDeleteDelay = time.Second / 2
)

type snapshotService struct {
	storagev1.UnimplementedSnapshotServiceServer
	c *Cloud
}

var _ storagev1.SnapshotServiceServer = (*snapshotService)(nil)

// CreateSnapshot keeps the present content of a disk, attached or not.
func (s *snapshotService) CreateSnapshot(ctx context.Context, req *storagev1.CreateSnapshotRequest) (*storagev1.CreateSnapshotResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.CreateSnapshotResponse, error) {
		dr, disk, err := disks.ref(v, "disk_id", req.GetDiskId())
		if err == nil {
			err = refInState("disk_id", dr, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_IN_USE)
		}
		if err == nil {
			err = v.within(use{"storage.snapshot.count", 1})
		}
		if err != nil {
			return nil, err
		}
		snapshot := &storagev1.Snapshot{
			SizeGib:         disk.GetSizeGib(),
			DiskRole:        disk.GetRole(),
			Kind:            storagev1.SnapshotKind_SNAPSHOT_KIND_MANUAL,
			Encrypted:       disk.GetEncrypted(),
			ProgressPercent: proto.Int32(0),
		}
		fill(snapshot, req)
		setState(snapshot, storagev1.SnapshotState_SNAPSHOT_STATE_CREATING)
		r, snapshot := snapshots.add(v, snapshot)
		v.after(r, snapshotCreateDelay)
		return &storagev1.CreateSnapshotResponse{Id: r.id, State: snapshot.GetState()}, nil
	})
}

// UpdateSnapshot changes name, description, tags and retention.
func (s *snapshotService) UpdateSnapshot(ctx context.Context, req *storagev1.UpdateSnapshotRequest) (*storagev1.UpdateSnapshotResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.UpdateSnapshotResponse, error) {
		r, snapshot, err := snapshots.get(v, req.GetId())
		if err == nil {
			err = inState(r, snapshot.GetState(), storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE, storagev1.SnapshotState_SNAPSHOT_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, snapshot = snapshots.edit(v, r)
		fill(snapshot, req)
		return &storagev1.UpdateSnapshotResponse{Id: r.id, State: snapshot.GetState()}, nil
	})
}

// DeleteSnapshot removes a snapshot that no image refers to.
func (s *snapshotService) DeleteSnapshot(ctx context.Context, req *storagev1.DeleteSnapshotRequest) (*storagev1.DeleteSnapshotResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.DeleteSnapshotResponse, error) {
		r, snapshot, ok := snapshots.find(v, req.GetId())
		if !ok {
			return &storagev1.DeleteSnapshotResponse{Id: req.GetId(), State: storagev1.SnapshotState_SNAPSHOT_STATE_DELETED}, nil
		}
		if snapshot.GetState() != storagev1.SnapshotState_SNAPSHOT_STATE_DELETING {
			if used := imagesOf(v, r.id); len(used) > 0 {
				return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
			}
			err := inState(r, snapshot.GetState(), storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE, storagev1.SnapshotState_SNAPSHOT_STATE_ERROR)
			if err != nil {
				return nil, err
			}
			deleteSnapshot(v, r)
		}
		return &storagev1.DeleteSnapshotResponse{Id: r.id, State: storagev1.SnapshotState_SNAPSHOT_STATE_DELETING}, nil
	})
}

// RestoreSnapshot puts a detached disk back to its latest snapshot.
func (s *snapshotService) RestoreSnapshot(ctx context.Context, req *storagev1.RestoreSnapshotRequest) (*storagev1.RestoreSnapshotResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.RestoreSnapshotResponse, error) {
		r, snapshot, err := snapshots.get(v, req.GetId())
		if err == nil {
			err = inState(r, snapshot.GetState(), storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE)
		}
		if err != nil {
			return nil, err
		}
		if req.GetDiskId() != "" && req.GetDiskId() != snapshot.GetDiskId() {
			return nil, mismatch("disk_id")
		}
		dr, disk, err := disks.ref(v, "disk_id", snapshot.GetDiskId())
		if err != nil {
			return nil, err
		}
		if err := inState(dr, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE); err != nil {
			return nil, err
		}
		all := snapshotsOf(v, dr.id)
		if all[len(all)-1] != r.id || snapshot.GetSizeGib() != disk.GetSizeGib() {
			return nil, sdk.InvalidState(string(r.kind), r.id, nil)
		}
		dr, disk = disks.edit(v, dr)
		setState(disk, storagev1.DiskState_DISK_STATE_RESTORING)
		v.after(dr, diskRestoreDelay)
		return &storagev1.RestoreSnapshotResponse{Id: dr.id, State: disk.GetState()}, nil
	})
}

// GetSnapshot reads one snapshot.
func (s *snapshotService) GetSnapshot(ctx context.Context, req *storagev1.GetSnapshotRequest) (*storagev1.GetSnapshotResponse, error) {
	return read(s.c, ctx, func(v *view) (*storagev1.GetSnapshotResponse, error) {
		_, snapshot, err := snapshots.get(v, req.GetId())
		return &storagev1.GetSnapshotResponse{Snapshot: snapshot}, err
	})
}

// ListSnapshots reads a page of snapshots.
func (s *snapshotService) ListSnapshots(ctx context.Context, req *storagev1.ListSnapshotsRequest) (*storagev1.ListSnapshotsResponse, error) {
	p, err := list(s.c, ctx, snapshots, req, nil)
	return &storagev1.ListSnapshotsResponse{Snapshots: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleSnapshot ends a snapshot's move.
func settleSnapshot(v *view, r *record) {
	_, snapshot := snapshots.edit(v, r)
	switch snapshot.GetState() {
	case storagev1.SnapshotState_SNAPSHOT_STATE_CREATING:
		settleTo(r, storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE, storagev1.SnapshotState_SNAPSHOT_STATE_ERROR)
		if snapshot.GetState() == storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE {
			snapshot.ProgressPercent = proto.Int32(100)
		}
	case storagev1.SnapshotState_SNAPSHOT_STATE_DELETING:
		v.remove(r.key)
	}
}

func deleteSnapshot(v *view, r *record) {
	r, snapshot := snapshots.edit(v, r)
	setState(snapshot, storagev1.SnapshotState_SNAPSHOT_STATE_DELETING)
	v.after(r, snapshotDeleteDelay)
}

// snapshotsOf finds the snapshots of a disk that are not being removed, the oldest first.
func snapshotsOf(v *view, diskID string) []string {
	var ids []string
	for r, snapshot := range snapshots.mine(v) {
		if snapshot.GetDiskId() == diskID && snapshot.GetState() != storagev1.SnapshotState_SNAPSHOT_STATE_DELETING {
			ids = append(ids, r.id)
		}
	}
	return ids
}
