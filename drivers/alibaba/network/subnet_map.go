package network

import (
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// toProtoSubnet maps a vSwitch of the account's region.
func toProtoSubnet(v *vSwitch, region string) *networkv1.Subnet {
	out := &networkv1.Subnet{
		Id:               v.VSwitchID,
		Name:             v.VSwitchName,
		Description:      noWords(v.Description),
		Tags:             v.Tags.ToProto(),
		State:            toProtoSubnetState(v.Status),
		ProviderState:    v.Status,
		CreatedAt:        kind.ToProtoTime(v.CreationTime),
		RegionId:         region,
		ZoneId:           v.ZoneID,
		NetworkId:        v.VpcID,
		Cidr:             v.CidrBlock,
		Ipv6Cidr:         v.Ipv6CidrBlock,
		IpVersion:        apiv1.IpVersion_IP_VERSION_IPV4,
		DhcpEnabled:      true,
		AvailableIpCount: &v.AvailableIPAddressCount,
	}
	if v.Ipv6CidrBlock != "" {
		out.IpVersion = apiv1.IpVersion_IP_VERSION_DUAL
	}
	if v.RouteTable.RouteTableID != "" {
		out.RouterIds = []string{v.RouteTable.RouteTableID}
	}
	return out
}

// toProtoSubnetState maps the status of a vSwitch. Source: DescribeVSwitches, Status.
func toProtoSubnetState(status string) networkv1.SubnetState {
	switch strings.ToLower(status) {
	case "pending":
		return networkv1.SubnetState_SUBNET_STATE_PENDING
	case "available":
		return networkv1.SubnetState_SUBNET_STATE_AVAILABLE
	case "deleting":
		return networkv1.SubnetState_SUBNET_STATE_DELETING
	case "deleted":
		return networkv1.SubnetState_SUBNET_STATE_DELETED
	default:
		return networkv1.SubnetState_SUBNET_STATE_UNSPECIFIED
	}
}

// keepsSubnet tells whether a subnet fits the filters of a request.
func keepsSubnet(req *networkv1.ListSubnetsRequest, v *networkv1.Subnet) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId()) &&
		(req.GetZoneId() == "" || req.GetZoneId() == v.GetZoneId())
}
