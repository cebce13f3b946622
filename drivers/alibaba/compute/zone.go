package compute

import (
	"context"
	"slices"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Zones serves cloud.compute.v1.ZoneService from a list that is read at most every
// hour: one call.
type Zones struct {
	computev1.UnimplementedZoneServiceServer
	base
}

// Regions serves cloud.compute.v1.RegionService: one call.
type Regions struct {
	computev1.UnimplementedRegionServiceServer
	base
}

var (
	_ computev1.ZoneServiceServer   = (*Zones)(nil)
	_ computev1.RegionServiceServer = (*Regions)(nil)
)

type zone struct {
	ZoneID                    string `json:"ZoneId"`
	LocalName                 string
	AvailableResourceCreation struct{ ResourceTypes []string }
}

type region struct {
	RegionID  string `json:"RegionId"`
	LocalName string
}

// ListZones reads a page of the region's zones.
func (z *Zones) ListZones(ctx context.Context, req *computev1.ListZonesRequest) (*computev1.ListZonesResponse, error) {
	s, err := z.open(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.Zones.Get(ctx, "", func(ctx context.Context) ([]*computev1.Zone, error) { return readZones(ctx, s) })
	if err != nil {
		return nil, err
	}
	key := func(v *computev1.Zone) string { return v.GetId() }
	resp := &computev1.ListZonesResponse{}
	if len(req.GetIds()) > 0 {
		resp.Zones, resp.MissingIds = sdk.PickIDs(all, key, req.GetIds())
		return resp, nil
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(v *computev1.Zone) bool {
		return req.GetName() != "" && req.GetName() != v.GetName() ||
			req.GetService() != "" && !slices.Contains(v.GetServices(), req.GetService())
	})
	resp.Zones, resp.NextPageToken = sdk.CutPage(wanted, key, req)
	return resp, nil
}

func readZones(ctx context.Context, s *session.Session) ([]*computev1.Zone, error) {
	var out struct{ Zones struct{ Zone []zone } }
	if err := s.Call(ctx, api.ECS, "DescribeZones", api.Params{}.Bool("Verbose", true), &out); err != nil {
		return nil, api.Error(err, typeZone, "")
	}
	zones := make([]*computev1.Zone, 0, len(out.Zones.Zone))
	for i := range out.Zones.Zone {
		zones = append(zones, toProtoZone(&out.Zones.Zone[i], s.Region))
	}
	return zones, nil
}

// toProtoZone maps a zone; the services are those that may make something there.
func toProtoZone(v *zone, region string) *computev1.Zone {
	creatable := v.AvailableResourceCreation.ResourceTypes
	var services []string
	for _, s := range []struct{ service, resourceType string }{
		{"compute", "Instance"}, {"network", "VSwitch"}, {"storage", "Disk"},
	} {
		if slices.Contains(creatable, s.resourceType) {
			services = append(services, s.service)
		}
	}
	return &computev1.Zone{
		Id: v.ZoneID, Name: v.ZoneID, RegionId: region, DisplayName: v.LocalName,
		Available: slices.Contains(creatable, "Instance"), Services: services,
	}
}

// ListRegions reads a page of the cloud's regions.
func (r *Regions) ListRegions(ctx context.Context, req *computev1.ListRegionsRequest) (*computev1.ListRegionsResponse, error) {
	s, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	var out struct{ Regions struct{ Region []region } }
	if err := s.Call(ctx, api.ECS, "DescribeRegions", api.Params{}, &out); err != nil {
		return nil, api.Error(err, typeRegion, "")
	}
	var all []*computev1.Region
	for _, v := range out.Regions.Region {
		if req.GetName() == "" || req.GetName() == v.RegionID {
			all = append(all, &computev1.Region{Id: v.RegionID, Name: v.RegionID, DisplayName: v.LocalName, IsCurrent: v.RegionID == s.Region})
		}
	}
	key := func(v *computev1.Region) string { return v.GetId() }
	resp := &computev1.ListRegionsResponse{}
	if len(req.GetIds()) > 0 {
		resp.Regions, resp.MissingIds = sdk.PickIDs(all, key, req.GetIds())
		return resp, nil
	}
	resp.Regions, resp.NextPageToken = sdk.CutPage(all, key, req)
	return resp, nil
}
