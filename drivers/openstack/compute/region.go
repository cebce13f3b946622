package compute

import (
	"context"
	"slices"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Regions serves cloud.compute.v1.RegionService from the catalog.
type Regions struct {
	computev1.UnimplementedRegionServiceServer
	base
}

var _ computev1.RegionServiceServer = (*Regions)(nil)

// ListRegions lists the regions that the catalog of the account's token has.
func (r *Regions) ListRegions(ctx context.Context, req *computev1.ListRegionsRequest) (*computev1.ListRegionsResponse, error) {
	s, err := r.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	names := s.Regions
	resp := &computev1.ListRegionsResponse{}
	if len(req.GetIds()) > 0 {
		names, resp.MissingIds = sdk.PickIDs(names, regionKey, req.GetIds())
	} else {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return req.GetName() != "" && name != req.GetName() })
		names, resp.NextPageToken = sdk.CutPage(names, regionKey, req)
	}
	for _, name := range names {
		resp.Regions = append(resp.Regions, &computev1.Region{Id: name, Name: name, IsCurrent: name == s.Region})
	}
	return resp, nil
}

func regionKey(name string) string { return name }
