package storage

import (
	"cmp"
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/pagination"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type diskServer struct {
	storagev1.UnimplementedDiskServiceServer
	base
}

var _ storagev1.DiskServiceServer = (*diskServer)(nil)

// CreateDisk makes a volume. Attaching it is the gateway's second step.
func (d *diskServer) CreateDisk(ctx context.Context, req *storagev1.CreateDiskRequest) (*storagev1.CreateDiskResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	opts, err := fromProtoCreateDisk(req)
	if err != nil {
		return nil, err
	}
	call := sdk.CallFrom(ctx)
	opts.Metadata = marked(req.GetTags(), call.RequestID, call.Token(""))
	v, err := sdk.Marked[volumes.Volume]{
		Find: func(ctx context.Context) ([]volumes.Volume, error) {
			pager := volumes.List(client, volumes.ListOpts{Metadata: map[string]string{session.MetadataKey: call.Token("")}})
			return allPages(ctx, pager, typeDisk, volumes.ExtractVolumes)
		},
		Create: func(ctx context.Context) (volumes.Volume, error) {
			made, err := volumes.Create(ctx, client, opts, nil).Extract()
			if err != nil {
				return volumes.Volume{}, explainCreateDisk(ctx, s, req, err)
			}
			return *made, nil
		},
		Compare: func(a, b volumes.Volume) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
		},
		Remove: func(ctx context.Context, twin volumes.Volume) error {
			err := volumes.Delete(ctx, client, twin.ID, volumes.DeleteOpts{}).ExtractErr()
			if session.IsNotFound(err) {
				return nil
			}
			return session.Error(err, typeDisk, twin.ID)
		},
	}.FindOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	return &storagev1.CreateDiskResponse{Id: v.ID, State: toProtoDiskState(v.Status)}, nil
}

// DeleteDisk removes a volume that no VM has.
func (d *diskServer) DeleteDisk(ctx context.Context, req *storagev1.DeleteDiskRequest) (*storagev1.DeleteDiskResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if !session.IsUUID(id) {
		return &storagev1.DeleteDiskResponse{Id: id, State: storagev1.DiskState_DISK_STATE_DELETED}, nil
	}
	if req.GetDeleteSnapshots() {
		if err := refuseImagedSnapshots(ctx, s, id); err != nil {
			return nil, err
		}
	}
	err = volumes.Delete(ctx, client, id, volumes.DeleteOpts{Cascade: req.GetDeleteSnapshots()}).ExtractErr()
	switch {
	case err == nil:
		return &storagev1.DeleteDiskResponse{Id: id, State: storagev1.DiskState_DISK_STATE_DELETING}, nil
	case session.IsNotFound(err):
		return &storagev1.DeleteDiskResponse{Id: id, State: storagev1.DiskState_DISK_STATE_DELETED}, nil
	default:
		return explainDeleteDisk(ctx, client, req, err)
	}
}

// UpdateDisk changes what is present.
func (d *diskServer) UpdateDisk(ctx context.Context, req *storagev1.UpdateDiskRequest) (*storagev1.UpdateDiskResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	v, err := getVolume(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.Name != nil || req.Description != nil {
		opts := volumes.UpdateOpts{Name: req.Name, Description: req.Description}
		if _, err := volumes.Update(ctx, client, v.ID, opts).Extract(); err != nil {
			return nil, session.Error(err, typeDisk, v.ID)
		}
	}
	if req.GetTags() != nil {
		if err := setMetadata(ctx, client, "volumes", v.ID, fromProtoMetadata(req.GetTags().GetEntries(), v.Metadata)); err != nil {
			return nil, session.Error(err, typeDisk, v.ID)
		}
	}
	if req.DeleteWithVm != nil {
		if err := setDeleteWithVM(ctx, s, v, req.GetDeleteWithVm()); err != nil {
			return nil, err
		}
	}
	return &storagev1.UpdateDiskResponse{Id: v.ID, State: toProtoDiskState(v.Status)}, nil
}

// GetDisk reads one volume, and of its VM whether it goes with it.
func (d *diskServer) GetDisk(ctx context.Context, req *storagev1.GetDiskRequest) (*storagev1.GetDiskResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	v, err := getVolume(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	out := toProtoDisk(v, s.Region)
	if out.DeleteWithVm, err = deletedWithVM(ctx, s, out.GetVmId(), v.ID); err != nil {
		return nil, err
	}
	return &storagev1.GetDiskResponse{Disk: out}, nil
}

// ListDisks reads a page of volumes. Those of one VM come on one page, as Cinder
// cannot look for them.
func (d *diskServer) ListDisks(ctx context.Context, req *storagev1.ListDisksRequest) (*storagev1.ListDisksResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	p, err := findVolumes(ctx, client, req)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListDisksResponse{NextPageToken: p.next, MissingIds: p.missing}
	for i := range p.items {
		if v := toProtoDisk(&p.items[i], s.Region); keepsDisk(req, v) {
			resp.Disks = append(resp.Disks, v)
		}
	}
	return resp, nil
}

func findVolumes(ctx context.Context, client *gophercloud.ServiceClient, req *storagev1.ListDisksRequest) (page[volumes.Volume], error) {
	id := func(v *volumes.Volume) string { return v.ID }
	switch ids := req.GetIds(); {
	case len(ids) == 1:
		v, err := getVolume(ctx, client, ids[0])
		return fromOne(v, err, ids[0])
	case len(ids) > 1:
		all, err := allPages(ctx, volumes.List(client, volumes.ListOpts{Limit: wholePage}), typeDisk, volumes.ExtractVolumes)
		return pick(all, ids, id), err
	case req.GetVmId() != "" && req.GetPageToken() == "":
		all, err := allPages(ctx, volumes.List(client, volumes.ListOpts{Name: req.GetName(), Limit: wholePage}), typeDisk, volumes.ExtractVolumes)
		return page[volumes.Volume]{items: all}, err
	}
	list := func(marker string) pagination.Pager {
		return volumes.List(client, volumes.ListOpts{Name: req.GetName(), Limit: sdk.PageSize(req), Marker: marker})
	}
	return onePage(ctx, list, req.GetPageToken(), typeDisk, volumes.ExtractVolumes, id)
}

// ResizeDisk makes a volume bigger.
func (d *diskServer) ResizeDisk(ctx context.Context, req *storagev1.ResizeDiskRequest) (*storagev1.ResizeDiskResponse, error) {
	_, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(typeDisk, req.GetId()); err != nil {
		return nil, err
	}
	err = volumes.ExtendSize(ctx, client, req.GetId(), volumes.ExtendSizeOpts{NewSize: int(req.GetSizeGib())}).ExtractErr()
	if err != nil {
		return explainResizeDisk(ctx, client, req, err)
	}
	return &storagev1.ResizeDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_RESIZING}, nil
}

// getVolume reads one volume. Errors: NOT_FOUND.
func getVolume(ctx context.Context, client *gophercloud.ServiceClient, id string) (*volumes.Volume, error) {
	if err := session.UUID(typeDisk, id); err != nil {
		return nil, err
	}
	v, err := volumes.Get(ctx, client, id).Extract()
	return v, session.Error(err, typeDisk, id)
}

// setMetadata replaces the metadata of a volume or snapshot, also by none, which
// gophercloud's own calls cannot.
func setMetadata(ctx context.Context, client *gophercloud.ServiceClient, collection, id string, metadata map[string]string) error {
	_, err := client.Put(ctx, client.ServiceURL(collection, id, "metadata"), map[string]any{"metadata": metadata}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{200}})
	return err
}
