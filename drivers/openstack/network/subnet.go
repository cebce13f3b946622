package network

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type subnetServer struct {
	networkv1.UnimplementedSubnetServiceServer
	base
}

var _ networkv1.SubnetServiceServer = (*subnetServer)(nil)

// CreateSubnet makes a subnet.
func (n *subnetServer) CreateSubnet(ctx context.Context, req *networkv1.CreateSubnetRequest) (*networkv1.CreateSubnetResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateSubnet(req)
	if err != nil {
		return nil, err
	}
	v, err := subnets.CreateMarked(ctx, client, attributes, req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, explainCreateSubnet(ctx, client, req, err)
	}
	s.NetworkSubnets.Forget(v.NetworkID)
	return &networkv1.CreateSubnetResponse{Id: v.ID, State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE}, nil
}

// explainCreateSubnet tells what a refusal means. Neutron answers an overlap and
// any other wrong value with the same 400.
func explainCreateSubnet(ctx context.Context, client *rest.Client, req *networkv1.CreateSubnetRequest, err error) error {
	switch {
	case rest.FaultCode(err) == "NetworkNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, networks.Type, req.GetNetworkId(), sdk.Field("network_id"))
	case gophercloud.ResponseCodeIs(err, http.StatusBadRequest):
		siblings, readErr := subnets.List(ctx, client, url.Values{"network_id": {req.GetNetworkId()}})
		for i := range siblings {
			if readErr == nil && overlaps(siblings[i].CIDR, req.GetCidr()) {
				return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, subnets.Type, siblings[i].ID, sdk.Field("cidr"))
			}
		}
	}
	return session.Error(err, subnets.Type, "")
}

// DeleteSubnet removes a subnet in which nothing but DHCP has an address.
func (n *subnetServer) DeleteSubnet(ctx context.Context, req *networkv1.DeleteSubnetRequest) (*networkv1.DeleteSubnetResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if err := subnets.Delete(ctx, client, id); err != nil {
		if rest.FaultCode(err) == "SubnetInUse" {
			return nil, portsInUse(ctx, client, subnets.Type, id, inSubnet(id), err)
		}
		return nil, session.Error(err, subnets.Type, id)
	}
	s.Subnets.Forget(id)
	return &networkv1.DeleteSubnetResponse{Id: id, State: networkv1.SubnetState_SUBNET_STATE_DELETED}, nil
}

// UpdateSubnet changes what is present.
func (n *subnetServer) UpdateSubnet(ctx context.Context, req *networkv1.UpdateSubnetRequest) (*networkv1.UpdateSubnetResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes := map[string]any{}
	if req.GetDnsServers() != nil {
		attributes["dns_nameservers"] = append([]string{}, req.GetDnsServers().GetValues()...)
	}
	if req.GetAllocationPools() != nil {
		if attributes["allocation_pools"], err = poolsOf(ctx, client, req); err != nil {
			return nil, err
		}
	}
	v, err := subnets.Apply(ctx, client, req.GetId(), rest.Edit{
		Name: req.Name, Description: req.Description, Tags: req.GetTags(), Attributes: attributes,
	})
	if err != nil {
		return nil, session.Error(err, subnets.Type, req.GetId())
	}
	s.Subnets.Forget(v.ID)
	s.NetworkSubnets.Forget(v.NetworkID)
	return &networkv1.UpdateSubnetResponse{Id: v.ID, State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE}, nil
}

// poolsOf are the pools that a request wants. No ranges means all addresses,
// which Neutron must be told in full: to it, none means none.
func poolsOf(ctx context.Context, client *rest.Client, req *networkv1.UpdateSubnetRequest) ([]pool, error) {
	if ranges := req.GetAllocationPools().GetValues(); len(ranges) > 0 {
		return fromProtoPools(ranges), nil
	}
	v, err := subnets.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	pools, err := wholePools(v.CIDR, v.GatewayIP)
	if err != nil {
		return nil, subnets.Unreadable(err)
	}
	return pools, nil
}

// GetSubnet reads one subnet and the routers that it is joined to.
func (n *subnetServer) GetSubnet(ctx context.Context, req *networkv1.GetSubnetRequest) (*networkv1.GetSubnetResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := subnets.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	query := inSubnet(v.ID)
	query["device_owner"] = routerInterfaceOwners()
	ports, err := nics.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	out := toProtoSubnet(v, s.Region)
	out.RouterIds = routerIDs(ports)
	return &networkv1.GetSubnetResponse{Subnet: out}, nil
}

// ListSubnets reads a page of subnets, without their routers.
func (n *subnetServer) ListSubnets(ctx context.Context, req *networkv1.ListSubnetsRequest) (*networkv1.ListSubnetsResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "network_id", req.GetNetworkId())
	p, err := subnets.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListSubnetsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoSubnet(&p.Items[i], s.Region); keepsSubnet(req, v) {
			resp.Subnets = append(resp.Subnets, v)
		}
	}
	return resp, nil
}

// inSubnet finds the ports that have an address in a subnet.
func inSubnet(id string) url.Values { return url.Values{"fixed_ips": {"subnet_id=" + id}} }
