package network

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// toProtoNetwork maps a Neutron network of the account's region.
func toProtoNetwork(v *network, region string) *networkv1.Network {
	return &networkv1.Network{
		Id:                  v.ID,
		Name:                v.Name,
		Description:         rest.Unmarked(v.Description),
		Tags:                tags.ToProto(v.Tags),
		State:               toProtoNetworkState(v.Status, v.AdminStateUp),
		ProviderState:       v.Status,
		CreatedAt:           rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:           rest.ToProtoTime(v.UpdatedAt),
		RegionId:            region,
		SubnetIds:           v.Subnets,
		Mtu:                 v.MTU,
		PortSecurityEnabled: v.PortSecurityEnabled,
		ZoneIds:             v.AvailabilityZones,
		External:            v.External,
		Shared:              v.Shared,
	}
}

// toProtoNetworkState maps the status of a network. A network that is switched
// off is INACTIVE, whatever its status. Source: Networking API v2.0, networks.
func toProtoNetworkState(status string, adminStateUp bool) networkv1.NetworkState {
	switch strings.ToUpper(status) {
	case "ERROR":
		return networkv1.NetworkState_NETWORK_STATE_ERROR
	case "BUILD":
		return networkv1.NetworkState_NETWORK_STATE_PENDING
	case "DOWN":
		return networkv1.NetworkState_NETWORK_STATE_INACTIVE
	case "ACTIVE":
		if adminStateUp {
			return networkv1.NetworkState_NETWORK_STATE_AVAILABLE
		}
		return networkv1.NetworkState_NETWORK_STATE_INACTIVE
	default:
		return networkv1.NetworkState_NETWORK_STATE_UNSPECIFIED
	}
}

// fromProtoCreateNetwork maps what a request says of a new network, but for
// description and tags.
func fromProtoCreateNetwork(req *networkv1.CreateNetworkRequest) map[string]any {
	attributes := map[string]any{"name": req.GetName()}
	if req.GetMtu() != 0 {
		attributes["mtu"] = req.GetMtu()
	}
	if req.PortSecurityEnabled != nil {
		attributes["port_security_enabled"] = req.GetPortSecurityEnabled()
	}
	if len(req.GetZoneIds()) > 0 {
		attributes["availability_zone_hints"] = req.GetZoneIds()
	}
	return attributes
}

// fromProtoUpdateNetwork maps what a request changes of a network, but for name,
// description and tags.
func fromProtoUpdateNetwork(req *networkv1.UpdateNetworkRequest) map[string]any {
	attributes := map[string]any{}
	if req.Mtu != nil {
		attributes["mtu"] = req.GetMtu()
	}
	if req.PortSecurityEnabled != nil {
		attributes["port_security_enabled"] = req.GetPortSecurityEnabled()
	}
	return attributes
}

// keepsNetwork tells whether a network fits the filters of a request.
func keepsNetwork(req *networkv1.ListNetworksRequest, v *networkv1.Network) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.External == nil || req.GetExternal() == v.GetExternal())
}
