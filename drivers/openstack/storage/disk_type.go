package storage

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type diskTypeServer struct {
	storagev1.UnimplementedDiskTypeServiceServer
	base
}

var _ storagev1.DiskTypeServiceServer = (*diskTypeServer)(nil)

// ListDiskTypes reads the volume types, of which a cloud has few, and cuts a page
// out of them.
func (d *diskTypeServer) ListDiskTypes(ctx context.Context, req *storagev1.ListDiskTypesRequest) (*storagev1.ListDiskTypesResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	all, err := diskTypes(ctx, client, s.Region)
	if err != nil {
		return nil, err
	}
	if ids := req.GetIds(); len(ids) > 0 {
		p := pick(all, ids, func(t **storagev1.DiskType) string { return (*t).GetId() })
		return &storagev1.ListDiskTypesResponse{DiskTypes: p.items, MissingIds: p.missing}, nil
	}
	resp := &storagev1.ListDiskTypesResponse{}
	for _, t := range all {
		switch {
		case !keepsDiskType(req, t):
		case len(resp.DiskTypes) == sdk.PageSize(req):
			resp.NextPageToken = resp.DiskTypes[len(resp.DiskTypes)-1].GetId()
			return resp, nil
		default:
			resp.DiskTypes = append(resp.DiskTypes, t)
		}
	}
	return resp, nil
}

// GetDiskType reads one volume type, by its name.
func (d *diskTypeServer) GetDiskType(ctx context.Context, req *storagev1.GetDiskTypeRequest) (*storagev1.GetDiskTypeResponse, error) {
	s, client, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	all, err := diskTypes(ctx, client, s.Region)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(t *storagev1.DiskType) bool { return t.GetId() == req.GetId() })
	if at < 0 {
		return nil, sdk.NotFound(typeDiskType, req.GetId(), nil)
	}
	return &storagev1.GetDiskTypeResponse{DiskType: all[at]}, nil
}

// diskTypes reads all volume types and which is the default, sorted by name.
func diskTypes(ctx context.Context, client *gophercloud.ServiceClient, region string) ([]*storagev1.DiskType, error) {
	types, err := allPages(ctx, volumetypes.List(client, volumetypes.ListOpts{}), typeDiskType, volumetypes.ExtractVolumeTypes)
	if err != nil {
		return nil, err
	}
	standard, err := volumetypes.Get(ctx, client, "default").Extract()
	if err != nil && !session.IsNotFound(err) {
		return nil, session.Error(err, typeDiskType, "")
	}
	all := make([]*storagev1.DiskType, 0, len(types))
	for i := range types {
		t := toProtoDiskType(&types[i], region)
		t.IsDefault = err == nil && types[i].ID == standard.ID
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *storagev1.DiskType) int { return strings.Compare(a.GetId(), b.GetId()) })
	return all, nil
}

// Extra specs that Cinder shows to users. Source: Block Storage administration
// guide, "User visible extra specs"; cinder/volume/volume_types.py, MIN_SIZE_KEY.
const (
	specMinSize = "provisioning:min_vol_size"
	specMaxSize = "provisioning:max_vol_size"
	specZones   = "RESKEY:availability_zones"
)

// nativeTypeID is the provider attribute with the id of a volume type.
const nativeTypeID = "volume_type_id"

// toProtoDiskType maps a volume type.
func toProtoDiskType(v *volumetypes.VolumeType, region string) *storagev1.DiskType {
	t := &storagev1.DiskType{
		Id:                 v.Name,
		Name:               v.Name,
		Description:        v.Description,
		RegionId:           region,
		ProviderAttributes: map[string]string{nativeTypeID: v.ID},
		MinSizeGib:         toProtoSize(v.ExtraSpecs[specMinSize]),
		MaxSizeGib:         toProtoSize(v.ExtraSpecs[specMaxSize]),
		InStock:            true,
	}
	for zone := range strings.SplitSeq(v.ExtraSpecs[specZones], ",") {
		if zone = strings.TrimSpace(zone); zone != "" {
			t.ZoneIds = append(t.ZoneIds, zone)
		}
	}
	return t
}

// toProtoSize is 0 for what is no number.
func toProtoSize(spec string) int32 {
	size, err := strconv.ParseInt(spec, 10, 32)
	if err != nil {
		return 0
	}
	return int32(size)
}

// keepsDiskType tells whether a type fits the filters of a request and stands
// after its page token, the last type of the page before.
func keepsDiskType(req *storagev1.ListDiskTypesRequest, t *storagev1.DiskType) bool {
	return t.GetId() > req.GetPageToken() &&
		(req.GetName() == "" || req.GetName() == t.GetName()) &&
		(req.GetZoneId() == "" || len(t.GetZoneIds()) == 0 || slices.Contains(t.GetZoneIds(), req.GetZoneId()))
}
