package memcloud

import (
	"context"
	"net/netip"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type subnetService struct {
	networkv1.UnimplementedSubnetServiceServer
	c *Cloud
}

var _ networkv1.SubnetServiceServer = (*subnetService)(nil)

// CreateSubnet makes a subnet; ranges of one network never overlap.
func (s *subnetService) CreateSubnet(ctx context.Context, req *networkv1.CreateSubnetRequest) (*networkv1.CreateSubnetResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateSubnetResponse, error) {
		nr, network, err := networks.ref(v, "network_id", req.GetNetworkId())
		if err == nil && nr.project != v.project {
			err = mismatch("network_id")
		}
		if err == nil {
			err = refInState("network_id", nr, network.GetState(), networkv1.NetworkState_NETWORK_STATE_AVAILABLE)
		}
		if err != nil {
			return nil, err
		}
		cidr, err := netip.ParsePrefix(req.GetCidr())
		if err != nil || cidr != cidr.Masked() {
			return nil, rejected("cidr")
		}
		if err := cidrFree(v, nr.id, cidr); err != nil {
			return nil, err
		}
		if err := v.within(use{"network.subnet.count", 1}); err != nil {
			return nil, err
		}
		subnet := &networkv1.Subnet{DhcpEnabled: true}
		fill(subnet, req)
		subnet.Charge = chargeOrPostpaid(nil)
		if err := completeSubnet(subnet, cidr); err != nil {
			return nil, err
		}
		if subnet.GetIpVersion() == apiv1.IpVersion_IP_VERSION_DUAL {
			subnet.Ipv6Cidr = v.cloud.newIPv6Range()
		}
		setState(subnet, networkv1.SubnetState_SUBNET_STATE_PENDING)
		r, subnet := subnets.add(v, subnet)
		v.after(r, networkDelay)
		listSubnet(v, nr.id, r.id, true)
		return &networkv1.CreateSubnetResponse{Id: r.id, State: subnet.GetState()}, nil
	})
}

func cidrFree(v *view, networkID string, cidr netip.Prefix) error {
	for r, other := range subnets.mine(v) {
		if other.GetNetworkId() != networkID {
			continue
		}
		if used, err := netip.ParsePrefix(other.GetCidr()); err == nil && used.Overlaps(cidr) {
			return sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field("cidr"), sdk.Resource(string(subnets.kind), r.id))
		}
	}
	return nil
}

// completeSubnet fills what the request left to the cloud: the gateway is the
// first address, the pool all others.
func completeSubnet(subnet *networkv1.Subnet, cidr netip.Prefix) error {
	if subnet.IpVersion == apiv1.IpVersion_IP_VERSION_UNSPECIFIED {
		subnet.IpVersion = apiv1.IpVersion_IP_VERSION_IPV4
	}
	if subnet.GetGatewayIp() == "" {
		subnet.GatewayIp = cidr.Addr().Next().String()
	}
	gateway, err := netip.ParseAddr(subnet.GetGatewayIp())
	if err != nil || !cidr.Contains(gateway) {
		return rejected("gateway_ip")
	}
	for _, pool := range subnet.GetAllocationPools() {
		first, errFirst := netip.ParseAddr(pool.GetFirst())
		last, errLast := netip.ParseAddr(pool.GetLast())
		if errFirst != nil || errLast != nil || !cidr.Contains(first) || !cidr.Contains(last) || last.Less(first) {
			return rejected("allocation_pools")
		}
	}
	if len(subnet.GetAllocationPools()) == 0 {
		first := cidr.Addr().Next()
		if first == gateway {
			first = first.Next()
		}
		subnet.AllocationPools = []*networkv1.IpRange{{First: first.String(), Last: lastUsable(cidr).String()}}
	}
	return nil
}

// DeleteSubnet removes a subnet in which nothing has an address.
func (s *subnetService) DeleteSubnet(ctx context.Context, req *networkv1.DeleteSubnetRequest) (*networkv1.DeleteSubnetResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteSubnetResponse, error) {
		if _, _, ok := subnets.find(v, req.GetId()); !ok {
			return &networkv1.DeleteSubnetResponse{Id: req.GetId(), State: networkv1.SubnetState_SUBNET_STATE_DELETED}, nil
		}
		r, subnet, err := subnets.own(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if subnet.GetState() != networkv1.SubnetState_SUBNET_STATE_DELETING {
			used := nics.blockers(v, func(nic *networkv1.Nic) bool { return nic.GetSubnetId() == r.id })
			if len(used) > 0 {
				return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
			}
			err = inState(r, subnet.GetState(), networkv1.SubnetState_SUBNET_STATE_AVAILABLE,
				networkv1.SubnetState_SUBNET_STATE_INACTIVE, networkv1.SubnetState_SUBNET_STATE_ERROR)
			if err != nil {
				return nil, err
			}
			r, subnet = subnets.edit(v, r)
			setState(subnet, networkv1.SubnetState_SUBNET_STATE_DELETING)
			v.after(r, networkDelay)
		}
		return &networkv1.DeleteSubnetResponse{Id: r.id, State: subnet.GetState()}, nil
	})
}

// UpdateSubnet changes name, description, tags, DNS servers and pools.
func (s *subnetService) UpdateSubnet(ctx context.Context, req *networkv1.UpdateSubnetRequest) (*networkv1.UpdateSubnetResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateSubnetResponse, error) {
		r, subnet, err := subnets.own(v, req.GetId())
		if err == nil {
			err = inState(r, subnet.GetState(), networkv1.SubnetState_SUBNET_STATE_AVAILABLE,
				networkv1.SubnetState_SUBNET_STATE_INACTIVE, networkv1.SubnetState_SUBNET_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, subnet = subnets.edit(v, r)
		fill(subnet, req)
		cidr, err := netip.ParsePrefix(subnet.GetCidr())
		if err != nil {
			return nil, err
		}
		if err := completeSubnet(subnet, cidr); err != nil {
			return nil, err
		}
		return &networkv1.UpdateSubnetResponse{Id: r.id, State: subnet.GetState()}, nil
	})
}

// GetSubnet reads one subnet with its free addresses and routers.
func (s *subnetService) GetSubnet(ctx context.Context, req *networkv1.GetSubnetRequest) (*networkv1.GetSubnetResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetSubnetResponse, error) {
		r, subnet, err := subnets.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		shown := proto.CloneOf(subnet)
		shown.AvailableIpCount = proto.Int32(freeCount(v, subnet))
		for _, nic := range nics.mine(v) {
			if nic.GetSubnetId() == r.id && nic.GetDeviceKind() == networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER &&
				!slices.Contains(shown.RouterIds, nic.GetDeviceId()) {
				shown.RouterIds = append(shown.RouterIds, nic.GetDeviceId())
			}
		}
		return &networkv1.GetSubnetResponse{Subnet: shown}, nil
	})
}

// ListSubnets reads a page of subnets.
func (s *subnetService) ListSubnets(ctx context.Context, req *networkv1.ListSubnetsRequest) (*networkv1.ListSubnetsResponse, error) {
	p, err := list(s.c, ctx, subnets, req, nil)
	return &networkv1.ListSubnetsResponse{Subnets: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleSubnet ends a subnet's move.
func settleSubnet(v *view, r *record) {
	_, subnet := subnets.edit(v, r)
	switch subnet.GetState() {
	case networkv1.SubnetState_SUBNET_STATE_PENDING:
		settleTo(r, networkv1.SubnetState_SUBNET_STATE_AVAILABLE, networkv1.SubnetState_SUBNET_STATE_ERROR)
	case networkv1.SubnetState_SUBNET_STATE_DELETING:
		listSubnet(v, subnet.GetNetworkId(), r.id, false)
		leaveFirewalls(v, r.id)
		v.remove(r.key)
	}
}
