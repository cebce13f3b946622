package memcloud

import (
	"context"
	"slices"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// What the cloud offers and nobody changes: flavors, zones, regions, disk types.

type flavorService struct {
	computev1.UnimplementedFlavorServiceServer
	c *Cloud
}

var _ computev1.FlavorServiceServer = (*flavorService)(nil)

// ListFlavors reads a page of flavors.
func (s *flavorService) ListFlavors(ctx context.Context, req *computev1.ListFlavorsRequest) (*computev1.ListFlavorsResponse, error) {
	p, err := list(s.c, ctx, flavors, req, nil)
	return &computev1.ListFlavorsResponse{Flavors: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetFlavor reads one flavor.
func (s *flavorService) GetFlavor(ctx context.Context, req *computev1.GetFlavorRequest) (*computev1.GetFlavorResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetFlavorResponse, error) {
		_, flavor, err := flavors.get(v, req.GetId())
		return &computev1.GetFlavorResponse{Flavor: flavor}, err
	})
}

type zoneService struct {
	computev1.UnimplementedZoneServiceServer
	c *Cloud
}

var _ computev1.ZoneServiceServer = (*zoneService)(nil)

// ListZones reads the zones; every zone has every service.
func (s *zoneService) ListZones(ctx context.Context, req *computev1.ListZonesRequest) (*computev1.ListZonesResponse, error) {
	p, err := list(s.c, ctx, zones, req, func(_ *view, z *computev1.Zone) bool {
		return req.GetService() == "" || slices.Contains(z.GetServices(), req.GetService())
	})
	return &computev1.ListZonesResponse{Zones: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

type regionService struct {
	computev1.UnimplementedRegionServiceServer
	c *Cloud
}

var _ computev1.RegionServiceServer = (*regionService)(nil)

// ListRegions reads the one region.
func (s *regionService) ListRegions(ctx context.Context, req *computev1.ListRegionsRequest) (*computev1.ListRegionsResponse, error) {
	p, err := list(s.c, ctx, regions, req, nil)
	return &computev1.ListRegionsResponse{Regions: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

type diskTypeService struct {
	storagev1.UnimplementedDiskTypeServiceServer
	c *Cloud
}

var _ storagev1.DiskTypeServiceServer = (*diskTypeService)(nil)

// ListDiskTypes reads a page of disk types.
func (s *diskTypeService) ListDiskTypes(ctx context.Context, req *storagev1.ListDiskTypesRequest) (*storagev1.ListDiskTypesResponse, error) {
	p, err := list(s.c, ctx, diskTypes, req, func(_ *view, t *storagev1.DiskType) bool {
		return req.GetZoneId() == "" || slices.Contains(t.GetZoneIds(), req.GetZoneId())
	})
	return &storagev1.ListDiskTypesResponse{DiskTypes: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetDiskType reads one disk type.
func (s *diskTypeService) GetDiskType(ctx context.Context, req *storagev1.GetDiskTypeRequest) (*storagev1.GetDiskTypeResponse, error) {
	return read(s.c, ctx, func(v *view) (*storagev1.GetDiskTypeResponse, error) {
		_, diskType, err := diskTypes.get(v, req.GetId())
		return &storagev1.GetDiskTypeResponse{DiskType: diskType}, err
	})
}
