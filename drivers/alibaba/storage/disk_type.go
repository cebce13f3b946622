package storage

import (
	"context"
	"slices"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/disktype"
	"github.com/yunqiao/yunqiao/drivers/alibaba/offer"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// DiskTypes serves cloud.storage.v1.DiskTypeService with the categories of data disks
// that the region sells, from a list that is read at most every ten minutes: one call.
type DiskTypes struct {
	storagev1.UnimplementedDiskTypeServiceServer
	base
}

var _ storagev1.DiskTypeServiceServer = (*DiskTypes)(nil)

// GetDiskType finds one type.
func (d *DiskTypes) GetDiskType(ctx context.Context, req *storagev1.GetDiskTypeRequest) (*storagev1.GetDiskTypeResponse, error) {
	all, err := d.all(ctx)
	if err != nil {
		return nil, err
	}
	found, _ := sdk.PickIDs(all, diskTypeKey, []string{req.GetId()})
	if len(found) == 0 {
		return nil, sdk.NotFound(typeDiskType, req.GetId(), nil)
	}
	return &storagev1.GetDiskTypeResponse{DiskType: found[0]}, nil
}

// ListDiskTypes reads a page of types.
func (d *DiskTypes) ListDiskTypes(ctx context.Context, req *storagev1.ListDiskTypesRequest) (*storagev1.ListDiskTypesResponse, error) {
	all, err := d.all(ctx)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListDiskTypesResponse{}
	if len(req.GetIds()) > 0 {
		resp.DiskTypes, resp.MissingIds = sdk.PickIDs(all, diskTypeKey, req.GetIds())
		return resp, nil
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(v *storagev1.DiskType) bool {
		return req.GetName() != "" && req.GetName() != v.GetName() ||
			req.GetZoneId() != "" && !slices.Contains(v.GetZoneIds(), req.GetZoneId())
	})
	resp.DiskTypes, resp.NextPageToken = sdk.CutPage(wanted, diskTypeKey, req)
	return resp, nil
}

func diskTypeKey(v *storagev1.DiskType) string { return v.GetId() }

func (d *DiskTypes) all(ctx context.Context) ([]*storagev1.DiskType, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.DiskTypes.Get(ctx, "", func(ctx context.Context) ([]*storagev1.DiskType, error) { return readDiskTypes(ctx, s) })
}

func readDiskTypes(ctx context.Context, s *session.Session) ([]*storagev1.DiskType, error) {
	onSale, err := offer.Read(ctx, s, api.Params{}.Set("DestinationResource", "DataDisk").Set("ResourceType", "disk"))
	if err != nil {
		return nil, err
	}
	return toProtoDiskTypes(onSale, s.Region), nil
}

// toProtoDiskTypes maps what is on sale. A category with performance levels is one
// type for each; the category alone, which a disk may show too, is the default.
func toProtoDiskTypes(onSale offer.List, region string) []*storagev1.DiskType {
	byID := map[string]*storagev1.DiskType{}
	var all []*storagev1.DiskType
	for _, o := range onSale {
		ids := []string{o.Value}
		if o.Value == disktype.Levelled {
			for _, level := range disktype.Levels() {
				ids = append(ids, disktype.ToProto(o.Value, level))
			}
		}
		for _, id := range ids {
			if byID[id] == nil {
				byID[id] = &storagev1.DiskType{
					Id: id, Name: id, RegionId: region, MinSizeGib: o.Min, MaxSizeGib: o.Max,
					ZoneIds: onSale.Zones(o.Value), InStock: len(onSale.Zones(o.Value)) > 0, IsDefault: id == defaultCategory,
				}
				all = append(all, byID[id])
			}
		}
	}
	return all
}
