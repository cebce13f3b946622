package compute

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Flavors serves cloud.compute.v1.FlavorService from a list that is read at most
// every ten minutes.
type Flavors struct {
	computev1.UnimplementedFlavorServiceServer
	base
}

var _ computev1.FlavorServiceServer = (*Flavors)(nil)

// GetFlavor finds one flavor.
func (f *Flavors) GetFlavor(ctx context.Context, req *computev1.GetFlavorRequest) (*computev1.GetFlavorResponse, error) {
	s, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	flavor, err := flavorByID(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if flavor == nil {
		return nil, sdk.NotFound(typeFlavor, req.GetId(), nil)
	}
	return &computev1.GetFlavorResponse{Flavor: toFlavor(flavor, s.Region)}, nil
}

// ListFlavors reads a page of the flavors that the project may use.
func (f *Flavors) ListFlavors(ctx context.Context, req *computev1.ListFlavorsRequest) (*computev1.ListFlavorsResponse, error) {
	s, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := allFlavors(ctx, s)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListFlavorsResponse{}
	if len(req.GetIds()) > 0 {
		list, resp.MissingIds = sdk.PickIDs(list, flavorKey, req.GetIds())
	} else {
		list, resp.NextPageToken = sdk.CutPage(matchingFlavors(list, req), flavorKey, req)
	}
	for i := range list {
		resp.Flavors = append(resp.Flavors, toFlavor(&list[i], s.Region))
	}
	return resp, nil
}

func flavorKey(f flavors.Flavor) string { return f.ID }

// matchingFlavors applies the filters. Nova sells every flavor in every zone.
func matchingFlavors(list []flavors.Flavor, req *computev1.ListFlavorsRequest) []flavors.Flavor {
	return slices.DeleteFunc(slices.Clone(list), func(f flavors.Flavor) bool {
		wanted := req.GetArchitecture()
		return req.GetName() != "" && f.Name != req.GetName() ||
			req.GetVcpus() != 0 && f.VCPUs != int(req.GetVcpus()) ||
			req.GetMemoryMib() != 0 && f.RAM != int(req.GetMemoryMib()) ||
			wanted != apiv1.Architecture_ARCHITECTURE_UNSPECIFIED && architectureOf(f.ExtraSpecs) != wanted
	})
}
