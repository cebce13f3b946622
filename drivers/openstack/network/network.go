package network

import (
	"context"
	"net/url"
	"strconv"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type networkServer struct {
	networkv1.UnimplementedNetworkServiceServer
	base
}

var _ networkv1.NetworkServiceServer = (*networkServer)(nil)

// CreateNetwork makes a network. Inline subnets are made by the gateway.
func (n *networkServer) CreateNetwork(ctx context.Context, req *networkv1.CreateNetworkRequest) (*networkv1.CreateNetworkResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetCidr() != "" {
		return nil, sdk.Unsupported("network.network.cidr")
	}
	v, err := networks.CreateMarked(ctx, client, fromProtoCreateNetwork(req), req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, session.Error(err, networks.Type, "")
	}
	return &networkv1.CreateNetworkResponse{Id: v.ID, State: toProtoNetworkState(v.Status, v.AdminStateUp)}, nil
}

// DeleteNetwork removes a network with its subnets and DHCP ports.
func (n *networkServer) DeleteNetwork(ctx context.Context, req *networkv1.DeleteNetworkRequest) (*networkv1.DeleteNetworkResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if err := networks.Delete(ctx, client, id); err != nil {
		if rest.FaultCode(err) == "NetworkInUse" {
			return nil, portsInUse(ctx, client, networks.Type, id, url.Values{"network_id": {id}}, err)
		}
		return nil, session.Error(err, networks.Type, id)
	}
	s.NetworkSubnets.Forget(id)
	return &networkv1.DeleteNetworkResponse{Id: id, State: networkv1.NetworkState_NETWORK_STATE_DELETED}, nil
}

// UpdateNetwork changes what is present.
func (n *networkServer) UpdateNetwork(ctx context.Context, req *networkv1.UpdateNetworkRequest) (*networkv1.UpdateNetworkResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := networks.Apply(ctx, client, req.GetId(), rest.Edit{
		Name: req.Name, Description: req.Description, Tags: req.GetTags(),
		Attributes: fromProtoUpdateNetwork(req),
	})
	if err != nil {
		return nil, session.Error(err, networks.Type, req.GetId())
	}
	return &networkv1.UpdateNetworkResponse{Id: v.ID, State: toProtoNetworkState(v.Status, v.AdminStateUp)}, nil
}

// GetNetwork reads one network.
func (n *networkServer) GetNetwork(ctx context.Context, req *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := networks.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetNetworkResponse{Network: toProtoNetwork(v, s.Region)}, nil
}

// ListNetworks reads a page of networks.
func (n *networkServer) ListNetworks(ctx context.Context, req *networkv1.ListNetworksRequest) (*networkv1.ListNetworksResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	if req.External != nil {
		query.Set("router:external", strconv.FormatBool(req.GetExternal()))
	}
	p, err := networks.Find(ctx, client, req, query)
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

// isInternal tells whether a network exists and is not external, which Neutron
// answers with a 400 that does not say so.
func isInternal(ctx context.Context, client *rest.Client, id string) bool {
	v, err := networks.Get(ctx, client, id)
	return err == nil && !v.External
}
