package memcloud

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// networkDelay is how long networks, subnets and routers take to come and go at scale 1.
const networkDelay = time.Second / 2

type networkService struct {
	networkv1.UnimplementedNetworkServiceServer
	c *Cloud
}

var _ networkv1.NetworkServiceServer = (*networkService)(nil)

// CreateNetwork makes a private network without subnets.
func (s *networkService) CreateNetwork(ctx context.Context, req *networkv1.CreateNetworkRequest) (*networkv1.CreateNetworkResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateNetworkResponse, error) {
		if err := v.within(use{"network.network.count", 1}); err != nil {
			return nil, err
		}
		for _, zone := range req.GetZoneIds() {
			if _, _, ok := zones.find(v, zone); !ok {
				return nil, rejected("zone_ids")
			}
		}
		network := &networkv1.Network{Mtu: defaultMTU, PortSecurityEnabled: true, ZoneIds: []string{defaultZone}}
		fill(network, req)
		network.Charge = chargeOrPostpaid(nil)
		setState(network, networkv1.NetworkState_NETWORK_STATE_PENDING)
		r, network := networks.add(v, network)
		v.after(r, networkDelay)
		return &networkv1.CreateNetworkResponse{Id: r.id, State: network.GetState()}, nil
	})
}

// DeleteNetwork removes a network with its subnets; any NIC in it blocks.
func (s *networkService) DeleteNetwork(ctx context.Context, req *networkv1.DeleteNetworkRequest) (*networkv1.DeleteNetworkResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteNetworkResponse, error) {
		if _, _, ok := networks.find(v, req.GetId()); !ok {
			return &networkv1.DeleteNetworkResponse{Id: req.GetId(), State: networkv1.NetworkState_NETWORK_STATE_DELETED}, nil
		}
		r, network, err := networks.own(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if network.GetState() == networkv1.NetworkState_NETWORK_STATE_DELETING {
			return &networkv1.DeleteNetworkResponse{Id: r.id, State: network.GetState()}, nil
		}
		if used := networkUsers(v, r.id); len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		err = inState(r, network.GetState(), networkv1.NetworkState_NETWORK_STATE_AVAILABLE,
			networkv1.NetworkState_NETWORK_STATE_INACTIVE, networkv1.NetworkState_NETWORK_STATE_ERROR)
		if err != nil {
			return nil, err
		}
		r, network = networks.edit(v, r)
		setState(network, networkv1.NetworkState_NETWORK_STATE_DELETING)
		v.after(r, networkDelay)
		return &networkv1.DeleteNetworkResponse{Id: r.id, State: network.GetState()}, nil
	})
}

// networkUsers names what keeps a network from being deleted: its NICs, those
// of routers among them, and its firewalls.
func networkUsers(v *view, id string) []string {
	used := nics.blockers(v, func(nic *networkv1.Nic) bool { return nic.GetNetworkId() == id })
	return append(used, firewallsOf(v, id)...)
}

// UpdateNetwork changes name, description, tags, MTU and port security.
func (s *networkService) UpdateNetwork(ctx context.Context, req *networkv1.UpdateNetworkRequest) (*networkv1.UpdateNetworkResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateNetworkResponse, error) {
		r, network, err := networks.own(v, req.GetId())
		if err == nil {
			err = inState(r, network.GetState(), networkv1.NetworkState_NETWORK_STATE_AVAILABLE,
				networkv1.NetworkState_NETWORK_STATE_INACTIVE, networkv1.NetworkState_NETWORK_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, network = networks.edit(v, r)
		fill(network, req)
		return &networkv1.UpdateNetworkResponse{Id: r.id, State: network.GetState()}, nil
	})
}

// GetNetwork reads one network.
func (s *networkService) GetNetwork(ctx context.Context, req *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetNetworkResponse, error) {
		_, network, err := networks.get(v, req.GetId())
		return &networkv1.GetNetworkResponse{Network: network}, err
	})
}

// ListNetworks reads a page of networks, the external one first.
func (s *networkService) ListNetworks(ctx context.Context, req *networkv1.ListNetworksRequest) (*networkv1.ListNetworksResponse, error) {
	p, err := list(s.c, ctx, networks, req, nil)
	return &networkv1.ListNetworksResponse{Networks: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetNetworkQuota tells limits and use.
func (s *networkService) GetNetworkQuota(ctx context.Context, _ *networkv1.GetNetworkQuotaRequest) (*networkv1.GetNetworkQuotaResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetNetworkQuotaResponse, error) {
		return &networkv1.GetNetworkQuotaResponse{Quotas: v.quotas("network.")}, nil
	})
}

// settleNetwork ends a network's move.
func settleNetwork(v *view, r *record) {
	_, network := networks.edit(v, r)
	switch network.GetState() {
	case networkv1.NetworkState_NETWORK_STATE_PENDING:
		settleTo(r, networkv1.NetworkState_NETWORK_STATE_AVAILABLE, networkv1.NetworkState_NETWORK_STATE_ERROR)
	case networkv1.NetworkState_NETWORK_STATE_DELETING:
		for _, id := range network.GetSubnetIds() {
			if sr, _, ok := subnets.find(v, id); ok {
				v.remove(sr.key)
			}
		}
		v.remove(r.key)
	}
}

// listSubnet puts a subnet on, or takes it off, its network's list.
func listSubnet(v *view, networkID, subnetID string, on bool) {
	r, old, ok := networks.find(v, networkID)
	if !ok {
		return
	}
	kept := []string{}
	for _, id := range old.GetSubnetIds() {
		if id != subnetID {
			kept = append(kept, id)
		}
	}
	if on {
		kept = append(kept, subnetID)
	}
	_, network := networks.edit(v, r)
	network.SubnetIds = kept
}
