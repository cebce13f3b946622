package network

import (
	"context"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type networkServer struct {
	networkv1.UnimplementedNetworkServiceServer
	base
}

var _ networkv1.NetworkServiceServer = (*networkServer)(nil)

// CreateNetwork makes a VPC. Inline subnets are made by the gateway.
func (n *networkServer) CreateNetwork(ctx context.Context, req *networkv1.CreateNetworkRequest) (*networkv1.CreateNetworkResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseNetwork(req); err != nil {
		return nil, err
	}
	var made struct{ VpcID string }
	params := api.Params{}.Set("CidrBlock", networkCIDR(req)).Set("VpcName", req.GetName()).
		Set("Description", req.GetDescription()).Set("ResourceGroupId", s.ResourceGroup).
		Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "CreateVpc", params, &made); err != nil {
		return nil, api.Error(err, typeNetwork, "")
	}
	return &networkv1.CreateNetworkResponse{Id: made.VpcID, State: networkv1.NetworkState_NETWORK_STATE_PENDING}, nil
}

// refuseNetwork refuses what VPC has no parameter for.
func refuseNetwork(req *networkv1.CreateNetworkRequest) error {
	switch {
	case req.GetMtu() != 0:
		return sdk.Unsupported("network.network.mtu")
	case req.PortSecurityEnabled != nil:
		return sdk.Unsupported("network.network.port_security")
	case len(req.GetZoneIds()) > 0:
		return sdk.Unsupported("network.network.zone_hints")
	}
	return nil
}

// UpdateNetwork changes what is present.
func (n *networkServer) UpdateNetwork(ctx context.Context, req *networkv1.UpdateNetworkRequest) (*networkv1.UpdateNetworkResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.Mtu != nil:
		return nil, sdk.Unsupported("network.network.mtu")
	case req.PortSecurityEnabled != nil:
		return nil, sdk.Unsupported("network.network.port_security")
	}
	v, err := networks().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	words(params, "VpcName", req.Name, req.Description)
	if len(params) > 0 {
		if err := s.Call(ctx, api.VPC, "ModifyVpcAttribute", params.Set("VpcId", v.VpcID), nil); err != nil {
			return nil, networks().Refusal(ctx, s, err, v.VpcID, changingNetwork)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(api.VPC, "VPC", v.VpcID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeNetwork, v.VpcID)
		}
	}
	return &networkv1.UpdateNetworkResponse{Id: v.VpcID, State: toProtoNetworkState(v.Status)}, nil
}

func changingNetwork(v *vpc) bool { return !strings.EqualFold(v.Status, "Available") }

// GetNetwork reads one VPC.
func (n *networkServer) GetNetwork(ctx context.Context, req *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := networks().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetNetworkResponse{Network: toProtoNetwork(v, s.Region)}, nil
}

// ListNetworks reads a page of VPCs.
func (n *networkServer) ListNetworks(ctx context.Context, req *networkv1.ListNetworksRequest) (*networkv1.ListNetworksResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := networks().Find(ctx, s, req, api.Params{}.Set("VpcName", req.GetName()).Set("ResourceGroupId", s.ResourceGroup))
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListNetworksResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoNetwork(&p.Items[i], s.Region); keepsNetwork(req, v) {
			resp.Networks = append(resp.Networks, v)
		}
	}
	return resp, nil
}
