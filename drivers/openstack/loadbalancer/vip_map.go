package loadbalancer

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

const (
	attributeProvider = "provider"
	kindPrefix        = "VIP_KIND_"
)

// toProtoVIP maps a load balancer. public are the public addresses by port.
func toProtoVIP(v *vip, region string, public map[string]string) *networkv1.Vip {
	out := &networkv1.Vip{
		Id:                 v.ID,
		Name:               v.Name,
		Description:        v.Description,
		Tags:               tags.ToProto(v.Tags),
		State:              toProtoState(v.status),
		ProviderState:      v.Provisioning,
		StateReason:        stateReason(v.status),
		CreatedAt:          rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:          rest.ToProtoTime(v.UpdatedAt),
		RegionId:           region,
		ProviderAttributes: map[string]string{attributeProvider: v.Provider},
		NetworkId:          v.NetworkID,
		Subnets:            []*networkv1.VipSubnet{{SubnetId: v.SubnetID, IpAddress: v.Address}},
		Scheme:             networkv1.VipScheme_VIP_SCHEME_INTERNAL,
		Addresses: []*networkv1.VipAddress{{
			IpAddress: v.Address, SubnetId: v.SubnetID, NicId: v.PortID, PublicIpAddress: public[v.PortID],
		}},
		Kind:    toProtoKind(v.Tags),
		Enabled: v.AdminStateUp,
		Edition: v.FlavorID,
	}
	for _, further := range v.More {
		out.Subnets = append(out.Subnets, &networkv1.VipSubnet{SubnetId: further.SubnetID, IpAddress: further.Address})
		out.Addresses = append(out.Addresses, &networkv1.VipAddress{
			IpAddress: further.Address, SubnetId: further.SubnetID, NicId: v.PortID,
		})
	}
	return out
}

// toProtoKind is the kind that a VIP was made with. One that was made elsewhere is
// of both kinds, as every load balancer of Octavia.
func toProtoKind(present []string) networkv1.VipKind {
	if kind := networkv1.VipKind_value[kindPrefix+fact(present, factKind)]; kind != 0 {
		return networkv1.VipKind(kind)
	}
	return networkv1.VipKind_VIP_KIND_L4_L7
}

// fits tells whether a VIP of a kind takes a protocol.
func fits(kind networkv1.VipKind, protocol networkv1.LoadBalancerProtocol) bool {
	switch protocol {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return kind != networkv1.VipKind_VIP_KIND_L4
	default:
		return kind != networkv1.VipKind_VIP_KIND_L7
	}
}

// fromProtoCreateVIP maps what a request says of a new VIP, but for its tags.
func fromProtoCreateVIP(req *networkv1.CreateVipRequest) map[string]any {
	attributes := map[string]any{
		"name": req.GetName(), "description": req.GetDescription(), "vip_subnet_id": req.GetSubnets()[0].GetSubnetId(),
	}
	if address := req.GetSubnets()[0].GetIpAddress(); address != "" {
		attributes["vip_address"] = address
	}
	if req.Enabled != nil {
		attributes["admin_state_up"] = req.GetEnabled()
	}
	if req.GetEdition() != "" {
		attributes["flavor_id"] = req.GetEdition()
	}
	return attributes
}

func vipFacts(req *networkv1.CreateVipRequest) map[string]string {
	return map[string]string{factKind: strings.TrimPrefix(req.GetKind().String(), kindPrefix)}
}

// keepsVIP tells whether a VIP fits those filters of a request that Octavia does
// not know.
func keepsVIP(req *networkv1.ListVipsRequest, v *networkv1.Vip) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}
