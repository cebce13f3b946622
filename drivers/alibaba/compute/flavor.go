package compute

import (
	"context"
	"slices"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/offer"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Flavors serves cloud.compute.v1.FlavorService with ECS instance types, from a list
// that is read at most every ten minutes: two calls, more where there are over 1,600
// types.
type Flavors struct {
	computev1.UnimplementedFlavorServiceServer
	base
}

var _ computev1.FlavorServiceServer = (*Flavors)(nil)

// GetFlavor finds one instance type.
func (f *Flavors) GetFlavor(ctx context.Context, req *computev1.GetFlavorRequest) (*computev1.GetFlavorResponse, error) {
	all, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	found, _ := sdk.PickIDs(all, flavorKey, []string{req.GetId()})
	if len(found) == 0 {
		return nil, sdk.NotFound(typeFlavor, req.GetId(), nil)
	}
	return &computev1.GetFlavorResponse{Flavor: found[0]}, nil
}

// ListFlavors reads a page of instance types.
func (f *Flavors) ListFlavors(ctx context.Context, req *computev1.ListFlavorsRequest) (*computev1.ListFlavorsResponse, error) {
	all, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListFlavorsResponse{}
	if len(req.GetIds()) > 0 {
		resp.Flavors, resp.MissingIds = sdk.PickIDs(all, flavorKey, req.GetIds())
		return resp, nil
	}
	wanted := slices.DeleteFunc(slices.Clone(all), func(v *computev1.Flavor) bool { return !keepsFlavor(req, v) })
	resp.Flavors, resp.NextPageToken = sdk.CutPage(wanted, flavorKey, req)
	return resp, nil
}

func (f *Flavors) all(ctx context.Context) ([]*computev1.Flavor, error) {
	s, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.Flavors.Get(ctx, "", func(ctx context.Context) ([]*computev1.Flavor, error) { return readFlavors(ctx, s) })
}

func flavorKey(v *computev1.Flavor) string { return v.GetId() }

func readFlavors(ctx context.Context, s *session.Session) ([]*computev1.Flavor, error) {
	types := kind.Kind[instanceType]{
		Type: typeFlavor, Product: api.ECS, Action: "DescribeInstanceTypes", Items: "InstanceTypes.InstanceType",
		Paging: kind.Tokens, MaxPage: 1600, ID: func(v *instanceType) string { return v.InstanceTypeID },
	}
	all, err := types.All(ctx, s, api.Params{})
	if err != nil {
		return nil, err
	}
	onSale, err := offer.Read(ctx, s, api.Params{}.Set("DestinationResource", "InstanceType").Set("IoOptimized", "optimized"))
	if err != nil {
		return nil, err
	}
	flavors := make([]*computev1.Flavor, 0, len(all))
	for i := range all {
		flavors = append(flavors, toProtoFlavor(&all[i], onSale.Zones(all[i].InstanceTypeID), s.Region))
	}
	return flavors, nil
}
