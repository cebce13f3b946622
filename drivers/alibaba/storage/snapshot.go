package storage

import (
	"context"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Snapshots serves cloud.storage.v1.SnapshotService with ECS snapshots.
type Snapshots struct {
	storagev1.UnimplementedSnapshotServiceServer
	base
}

var _ storagev1.SnapshotServiceServer = (*Snapshots)(nil)

// CreateSnapshot makes a snapshot: one call.
func (n *Snapshots) CreateSnapshot(ctx context.Context, req *storagev1.CreateSnapshotRequest) (*storagev1.CreateSnapshotResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("DiskId", req.GetDiskId()).Set("SnapshotName", req.GetName()).Set("Description", req.GetDescription()).
		Int("RetentionDays", req.GetRetentionDays()).Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags())
	var made struct {
		SnapshotID string `json:"SnapshotId"`
	}
	if err := s.Call(ctx, api.ECS, "CreateSnapshot", params.Once(ctx, ""), &made); err != nil {
		if api.IsWrongState(err) {
			return nil, disks().Refusal(ctx, s, err, req.GetDiskId(), changing)
		}
		return nil, api.Error(err, typeSnapshot, "")
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &storagev1.CreateSnapshotResponse{Id: made.SnapshotID, State: storagev1.SnapshotState_SNAPSHOT_STATE_CREATING}, nil
}

// ListSnapshots reads a page of snapshots: one call.
func (n *Snapshots) ListSnapshots(ctx context.Context, req *storagev1.ListSnapshotsRequest) (*storagev1.ListSnapshotsResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("SnapshotName", req.GetName()).Set("DiskId", req.GetDiskId()).Set("ResourceGroupId", s.ResourceGroup)
	page, err := snapshots().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListSnapshotsResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := toProtoSnapshot(&page.Items[i], s.Region); keepsSnapshot(req, v) {
			resp.Snapshots = append(resp.Snapshots, v)
		}
	}
	return resp, nil
}

// GetSnapshot reads one snapshot: one call.
func (n *Snapshots) GetSnapshot(ctx context.Context, req *storagev1.GetSnapshotRequest) (*storagev1.GetSnapshotResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := snapshots().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &storagev1.GetSnapshotResponse{Snapshot: toProtoSnapshot(found, s.Region)}, nil
}

// UpdateSnapshot changes what is present: a call that reads, and one each for
// attributes, new tags and tags that go.
func (n *Snapshots) UpdateSnapshot(ctx context.Context, req *storagev1.UpdateSnapshotRequest) (*storagev1.UpdateSnapshotResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := snapshots().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	if req.Name != nil {
		params.Set("SnapshotName", req.GetName())
	}
	if req.Description != nil {
		params["Description"] = req.GetDescription()
	}
	if req.RetentionDays != nil {
		params.Int("RetentionDays", req.GetRetentionDays())
	}
	if len(params) > 0 {
		if err := s.Call(ctx, api.ECS, "ModifySnapshotAttribute", params.Set("SnapshotId", req.GetId()), nil); err != nil {
			return nil, snapshots().Refusal(ctx, s, err, req.GetId(), beingMade)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged("snapshot", req.GetId()), found.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeSnapshot, req.GetId())
		}
	}
	return &storagev1.UpdateSnapshotResponse{Id: req.GetId(), State: toProtoSnapshotState(found)}, nil
}

// DeleteSnapshot removes a snapshot: one call, and one more where disks were made of
// it, which do not block it on other clouds either.
func (n *Snapshots) DeleteSnapshot(ctx context.Context, req *storagev1.DeleteSnapshotRequest) (*storagev1.DeleteSnapshotResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := deleteSnapshot(ctx, s, req.GetId()); err != nil {
		return nil, err
	}
	return &storagev1.DeleteSnapshotResponse{Id: req.GetId(), State: storagev1.SnapshotState_SNAPSHOT_STATE_DELETING}, nil
}

func deleteSnapshot(ctx context.Context, s *session.Session, id string) error {
	params := api.Params{}.Set("SnapshotId", id)
	err := s.Call(ctx, api.ECS, "DeleteSnapshot", params, nil)
	if api.HasCode(err, "SnapshotCreatedDisk") {
		err = s.Call(ctx, api.ECS, "DeleteSnapshot", params.Bool("Force", true), nil)
	}
	if err == nil || api.IsGone(err, typeSnapshot) {
		return nil
	}
	return snapshots().Refusal(ctx, s, err, id, beingMade)
}

// deleteSnapshotsOf removes the manual snapshots of a disk.
func deleteSnapshotsOf(ctx context.Context, s *session.Session, diskID string) error {
	all, err := snapshots().All(ctx, s, api.Params{}.Set("DiskId", diskID))
	if err != nil {
		return err
	}
	for i := range all {
		if err := deleteSnapshot(ctx, s, all[i].SnapshotID); err != nil {
			return err
		}
	}
	return nil
}

// RestoreSnapshot puts a disk back to a snapshot of it: one call, and one that finds
// the disk where the request does not name it. The VM must be stopped.
func (n *Snapshots) RestoreSnapshot(ctx context.Context, req *storagev1.RestoreSnapshotRequest) (*storagev1.RestoreSnapshotResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	diskID := req.GetDiskId()
	if diskID == "" {
		found, err := snapshots().Get(ctx, s, req.GetId())
		if err != nil {
			return nil, err
		}
		diskID = found.SourceDiskID
	}
	params := api.Params{}.Set("DiskId", diskID).Set("SnapshotId", req.GetId())
	if err := s.Call(ctx, api.ECS, "ResetDisk", params, nil); err != nil {
		if api.IsWrongState(err) {
			return nil, disks().Refusal(ctx, s, err, diskID, changing)
		}
		return nil, api.Error(err, typeSnapshot, req.GetId())
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &storagev1.RestoreSnapshotResponse{Id: diskID, State: storagev1.DiskState_DISK_STATE_RESTORING}, nil
}
