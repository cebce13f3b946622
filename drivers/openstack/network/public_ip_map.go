package network

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// toProtoPublicIP maps a Neutron floating IP, which has no name.
func toProtoPublicIP(v *floatingIP, region string) *networkv1.PublicIp {
	return &networkv1.PublicIp{
		Id:                v.ID,
		Description:       rest.Unmarked(v.Description),
		Tags:              tags.ToProto(v.Tags),
		State:             toProtoPublicIPState(v.Status, v.PortID),
		ProviderState:     v.Status,
		CreatedAt:         rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:         rest.ToProtoTime(v.UpdatedAt),
		RegionId:          region,
		IpAddress:         v.IPAddress,
		ExternalNetworkId: v.NetworkID,
		NicId:             v.PortID,
		PrivateIpAddress:  v.FixedIPAddress,
	}
}

// toProtoPublicIPState tells a bound address from a free one by its port: the
// status of a bound one is DOWN while its target is off. Source: Networking API
// v2.0, floating IPs.
func toProtoPublicIPState(status, portID string) networkv1.PublicIpState {
	switch strings.ToUpper(status) {
	case "ERROR":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_ERROR
	case "ACTIVE", "DOWN":
		if portID == "" {
			return networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE
		}
		return networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE
	default:
		return networkv1.PublicIpState_PUBLIC_IP_STATE_UNSPECIFIED
	}
}

// keepsPublicIP tells whether an address fits the filters of a request.
func keepsPublicIP(req *networkv1.ListPublicIpsRequest, v *networkv1.PublicIp) bool {
	return tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNicId() == "" || req.GetNicId() == v.GetNicId()) &&
		(req.GetIpAddress() == "" || req.GetIpAddress() == v.GetIpAddress())
}
