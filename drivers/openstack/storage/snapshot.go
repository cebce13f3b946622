package storage

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/pagination"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Volume microversions: from the first, snapshots are found by metadata; from the
// second, a volume in use needs no force.
const (
	filtersSnapshotMetadata = 22
	snapshotsInUse          = 66
)

// maxBlockers bounds how many blockers one error names: it travels in headers.
const maxBlockers = 20

type snapshotServer struct {
	storagev1.UnimplementedSnapshotServiceServer
	base
}

var _ storagev1.SnapshotServiceServer = (*snapshotServer)(nil)

// CreateSnapshot makes a snapshot of a volume, attached or not.
func (n *snapshotServer) CreateSnapshot(ctx context.Context, req *storagev1.CreateSnapshotRequest) (*storagev1.CreateSnapshotResponse, error) {
	_, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetRetentionDays() != 0 {
		return nil, sdk.Unsupported("storage.snapshot.retention")
	}
	v, err := sdk.Marked[snapshots.Snapshot]{
		Find:   func(ctx context.Context) ([]snapshots.Snapshot, error) { return findMarkedSnapshots(ctx, client) },
		Create: func(ctx context.Context) (snapshots.Snapshot, error) { return makeSnapshot(ctx, client, req) },
		Compare: func(a, b snapshots.Snapshot) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
		},
		Remove: func(ctx context.Context, twin snapshots.Snapshot) error {
			_, err := removeSnapshot(ctx, client, twin.ID)
			return err
		},
	}.FindOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	return &storagev1.CreateSnapshotResponse{Id: v.ID, State: toProtoSnapshotState(v.Status)}, nil
}

// findMarkedSnapshots finds what earlier attempts of the request made. Older volume
// services ignore the filter and are not asked.
func findMarkedSnapshots(ctx context.Context, client *gophercloud.ServiceClient) ([]snapshots.Snapshot, error) {
	if !session.AtLeast(client, filtersSnapshotMetadata) {
		return nil, nil
	}
	pager := snapshots.ListDetail(client, byMetadata(sdk.CallFrom(ctx).Token("")))
	found, err := allPages(ctx, pager, typeSnapshot, snapshots.ExtractSnapshots)
	return slices.DeleteFunc(found, func(v snapshots.Snapshot) bool {
		return toProtoSnapshotState(v.Status) == storagev1.SnapshotState_SNAPSHOT_STATE_DELETING
	}), err
}

func makeSnapshot(ctx context.Context, client *gophercloud.ServiceClient, req *storagev1.CreateSnapshotRequest) (snapshots.Snapshot, error) {
	call := sdk.CallFrom(ctx)
	v, err := snapshots.Create(ctx, client, snapshots.CreateOpts{
		VolumeID:    req.GetDiskId(),
		Name:        req.GetName(),
		Description: req.GetDescription(),
		Metadata:    marked(req.GetTags(), call.RequestID, call.Token("")),
		Force:       !session.AtLeast(client, snapshotsInUse),
	}).Extract()
	switch {
	case err == nil:
		return *v, nil
	case session.IsNotFound(err):
		return snapshots.Snapshot{}, session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeDisk, req.GetDiskId(), sdk.Field("disk_id"))
	default:
		return snapshots.Snapshot{}, refused(ctx, client, req.GetDiskId(), err,
			storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_IN_USE)
	}
}

// byMetadata finds snapshots by the mark of a request, a filter that
// gophercloud's options lack.
type byMetadata string

// ToSnapshotListQuery implements snapshots.ListOptsBuilder.
func (token byMetadata) ToSnapshotListQuery() (string, error) {
	query := url.Values{"metadata": {"{'" + session.MetadataKey + "':'" + string(token) + "'}"}}
	return "?" + query.Encode(), nil
}

// UpdateSnapshot changes what is present.
func (n *snapshotServer) UpdateSnapshot(ctx context.Context, req *storagev1.UpdateSnapshotRequest) (*storagev1.UpdateSnapshotResponse, error) {
	_, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	if req.RetentionDays != nil {
		return nil, sdk.Unsupported("storage.snapshot.retention")
	}
	v, err := getSnapshot(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.Name != nil || req.Description != nil {
		opts := snapshots.UpdateOpts{Name: req.Name, Description: req.Description}
		if _, err := snapshots.Update(ctx, client, v.ID, opts).Extract(); err != nil {
			return nil, session.Error(err, typeSnapshot, v.ID)
		}
	}
	if req.GetTags() != nil {
		if err := setMetadata(ctx, client, "snapshots", v.ID, fromProtoMetadata(req.GetTags().GetEntries(), v.Metadata)); err != nil {
			return nil, session.Error(err, typeSnapshot, v.ID)
		}
	}
	return &storagev1.UpdateSnapshotResponse{Id: v.ID, State: toProtoSnapshotState(v.Status)}, nil
}

// DeleteSnapshot removes a snapshot. The images that refer to it are read first,
// because Cinder does not know of them and they could not start any more.
func (n *snapshotServer) DeleteSnapshot(ctx context.Context, req *storagev1.DeleteSnapshotRequest) (*storagev1.DeleteSnapshotResponse, error) {
	s, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if !session.IsUUID(id) {
		return &storagev1.DeleteSnapshotResponse{Id: id, State: storagev1.SnapshotState_SNAPSHOT_STATE_DELETED}, nil
	}
	blockers, err := imageBlockers(ctx, s, id)
	if err != nil {
		return nil, err
	}
	if len(blockers) > 0 {
		return nil, sdk.InUse(typeSnapshot, id, nil, blockers...)
	}
	state, err := removeSnapshot(ctx, client, id)
	if err != nil {
		return nil, err
	}
	return &storagev1.DeleteSnapshotResponse{Id: id, State: state}, nil
}

// removeSnapshot removes a snapshot; absent is success.
func removeSnapshot(ctx context.Context, client *gophercloud.ServiceClient, id string) (storagev1.SnapshotState, error) {
	err := snapshots.Delete(ctx, client, id).ExtractErr()
	switch {
	case err == nil:
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETING, nil
	case session.IsNotFound(err):
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETED, nil
	case !session.IsWrongState(err):
		return 0, session.Error(err, typeSnapshot, id)
	}
	v, readErr := getSnapshot(ctx, client, id)
	switch {
	case sdk.ReasonOf(readErr) == apiv1.Reason_REASON_NOT_FOUND:
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETED, nil
	case readErr != nil:
		return 0, readErr
	case toProtoSnapshotState(v.Status) == storagev1.SnapshotState_SNAPSHOT_STATE_DELETING:
		return storagev1.SnapshotState_SNAPSHOT_STATE_DELETING, nil
	default:
		return 0, session.WrongState(err, typeSnapshot, id, isSnapshotChanging(v.Status))
	}
}

// GetSnapshot reads one snapshot and its volume.
func (n *snapshotServer) GetSnapshot(ctx context.Context, req *storagev1.GetSnapshotRequest) (*storagev1.GetSnapshotResponse, error) {
	s, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	v, err := getSnapshot(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	out := toProtoSnapshot(v, s.Region)
	if err := addVolume(ctx, client, out); err != nil {
		return nil, err
	}
	return &storagev1.GetSnapshotResponse{Snapshot: out}, nil
}

// addVolume reads the volume of snapshots of one volume and adds what it tells.
func addVolume(ctx context.Context, client *gophercloud.ServiceClient, list ...*storagev1.Snapshot) error {
	if len(list) == 0 {
		return nil
	}
	v, err := getVolume(ctx, client, list[0].GetDiskId())
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil
	}
	if err != nil {
		return err
	}
	for _, out := range list {
		fromVolume(out, v)
	}
	return nil
}

// ListSnapshots reads a page of snapshots. What only their volumes tell is added
// if the list is of one volume: others would cost a call for each.
func (n *snapshotServer) ListSnapshots(ctx context.Context, req *storagev1.ListSnapshotsRequest) (*storagev1.ListSnapshotsResponse, error) {
	s, client, err := n.cinder(ctx)
	if err != nil {
		return nil, err
	}
	p, err := findSnapshots(ctx, client, req)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListSnapshotsResponse{NextPageToken: p.next, MissingIds: p.missing}
	for i := range p.items {
		if v := toProtoSnapshot(&p.items[i], s.Region); keepsSnapshot(req, v) {
			resp.Snapshots = append(resp.Snapshots, v)
		}
	}
	if req.GetDiskId() != "" {
		if err := addVolume(ctx, client, resp.GetSnapshots()...); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

func findSnapshots(ctx context.Context, client *gophercloud.ServiceClient, req *storagev1.ListSnapshotsRequest) (page[snapshots.Snapshot], error) {
	id := func(v *snapshots.Snapshot) string { return v.ID }
	switch ids := req.GetIds(); {
	case len(ids) == 1:
		v, err := getSnapshot(ctx, client, ids[0])
		return fromOne(v, err, ids[0])
	case len(ids) > 1:
		pager := snapshots.ListDetail(client, snapshots.ListOpts{VolumeID: req.GetDiskId(), Limit: wholePage})
		all, err := allPages(ctx, pager, typeSnapshot, snapshots.ExtractSnapshots)
		return pick(all, ids, id), err
	}
	list := func(marker string) pagination.Pager {
		return snapshots.ListDetail(client, snapshots.ListOpts{
			Name: req.GetName(), VolumeID: req.GetDiskId(), Limit: sdk.PageSize(req), Marker: marker,
		})
	}
	return onePage(ctx, list, req.GetPageToken(), typeSnapshot, snapshots.ExtractSnapshots, id)
}

// getSnapshot reads one snapshot. Errors: NOT_FOUND.
func getSnapshot(ctx context.Context, client *gophercloud.ServiceClient, id string) (*snapshots.Snapshot, error) {
	if err := session.UUID(typeSnapshot, id); err != nil {
		return nil, err
	}
	v, err := snapshots.Get(ctx, client, id).Extract()
	return v, session.Error(err, typeSnapshot, id)
}
