package network

import (
	"cmp"
	"net/netip"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// defaultCIDR is the range of a network that is asked for without one.
const defaultCIDR = "10.0.0.0/8"

// vpcMTU is what VPC documents for its networks; no action tells or sets it.
const vpcMTU = 1500

// toProtoNetwork maps a VPC of the account's region.
func toProtoNetwork(v *vpc, region string) *networkv1.Network {
	return &networkv1.Network{
		Id:                  v.VpcID,
		Name:                v.VpcName,
		Description:         noWords(v.Description),
		Tags:                v.Tags.ToProto(),
		State:               toProtoNetworkState(v.Status),
		ProviderState:       v.Status,
		CreatedAt:           kind.ToProtoTime(v.CreationTime),
		RegionId:            region,
		SubnetIds:           v.VSwitchIDs.VSwitchID,
		Cidr:                v.CidrBlock,
		Mtu:                 vpcMTU,
		PortSecurityEnabled: true,
		System:              v.IsDefault,
	}
}

// toProtoNetworkState maps the status of a VPC. Source: DescribeVpcs, Status.
func toProtoNetworkState(status string) networkv1.NetworkState {
	switch strings.ToLower(status) {
	case "pending", "modifying", "created":
		return networkv1.NetworkState_NETWORK_STATE_PENDING
	case "available":
		return networkv1.NetworkState_NETWORK_STATE_AVAILABLE
	case "deleting":
		return networkv1.NetworkState_NETWORK_STATE_DELETING
	case "deleted":
		return networkv1.NetworkState_NETWORK_STATE_DELETED
	default:
		return networkv1.NetworkState_NETWORK_STATE_UNSPECIFIED
	}
}

// networkCIDR is the range of a new network: the one asked for, else the block of
// RFC 1918 that holds the first of its subnets, else defaultCIDR.
func networkCIDR(req *networkv1.CreateNetworkRequest) string {
	if req.GetCidr() != "" || len(req.GetSubnets()) == 0 {
		return cmp.Or(req.GetCidr(), defaultCIDR)
	}
	first, err := netip.ParsePrefix(req.GetSubnets()[0].GetCidr())
	if err != nil {
		return defaultCIDR
	}
	for _, block := range []string{"172.16.0.0/12", "192.168.0.0/16"} {
		if netip.MustParsePrefix(block).Contains(first.Addr()) {
			return block
		}
	}
	return defaultCIDR
}

// keepsNetwork tells whether a network fits the filters of a request.
func keepsNetwork(req *networkv1.ListNetworksRequest, v *networkv1.Network) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.External == nil || req.GetExternal() == v.GetExternal())
}
