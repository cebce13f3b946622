package network

import (
	"net/netip"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoSubnet maps a Neutron subnet, which has no status: one that exists is
// AVAILABLE.
func toProtoSubnet(v *subnet, region string) *networkv1.Subnet {
	out := &networkv1.Subnet{
		Id:          v.ID,
		Name:        v.Name,
		Description: rest.Unmarked(v.Description),
		Tags:        tags.ToProto(v.Tags),
		State:       networkv1.SubnetState_SUBNET_STATE_AVAILABLE,
		CreatedAt:   rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:   rest.ToProtoTime(v.UpdatedAt),
		RegionId:    region,
		NetworkId:   v.NetworkID,
		Cidr:        v.CIDR,
		IpVersion:   apiv1.IpVersion_IP_VERSION_IPV4,
		GatewayIp:   v.GatewayIP,
		DhcpEnabled: v.EnableDHCP,
		DnsServers:  v.DNSNameservers,
	}
	if v.IPVersion == 6 {
		out.IpVersion = apiv1.IpVersion_IP_VERSION_IPV6
	}
	for _, p := range v.AllocationPools {
		out.AllocationPools = append(out.AllocationPools, &networkv1.IpRange{First: p.Start, Last: p.End})
	}
	return out
}

// fromProtoCreateSubnet maps what a request says of a new subnet, but for
// description and tags. Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateSubnet(req *networkv1.CreateSubnetRequest) (map[string]any, error) {
	if req.GetZoneId() != "" {
		return nil, sdk.Unsupported("network.subnet.zonal")
	}
	version := 4
	switch req.GetIpVersion() {
	case apiv1.IpVersion_IP_VERSION_IPV6:
		version = 6
	case apiv1.IpVersion_IP_VERSION_DUAL:
		return nil, sdk.Unsupported("network.subnet.dual")
	}
	attributes := map[string]any{
		"name":       req.GetName(),
		"network_id": req.GetNetworkId(),
		"cidr":       req.GetCidr(),
		"ip_version": version,
	}
	if req.GetGatewayIp() != "" {
		attributes["gateway_ip"] = req.GetGatewayIp()
	}
	if req.DhcpEnabled != nil {
		attributes["enable_dhcp"] = req.GetDhcpEnabled()
	}
	if len(req.GetDnsServers()) > 0 {
		attributes["dns_nameservers"] = req.GetDnsServers()
	}
	if len(req.GetAllocationPools()) > 0 {
		attributes["allocation_pools"] = fromProtoPools(req.GetAllocationPools())
	}
	return attributes, nil
}

func fromProtoPools(ranges []*networkv1.IpRange) []pool {
	pools := make([]pool, 0, len(ranges))
	for _, r := range ranges {
		pools = append(pools, pool{Start: r.GetFirst(), End: r.GetLast()})
	}
	return pools
}

// wholePools are the addresses of a subnet that may be given out when nobody
// says otherwise: all but the first, the last (IPv4) and the gateway's.
func wholePools(cidr, gatewayIP string) ([]pool, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, err
	}
	first := prefix.Masked().Addr().Next()
	last := lastAddress(prefix)
	if prefix.Addr().Is4() {
		last = last.Prev()
	}
	gateway, err := netip.ParseAddr(gatewayIP)
	if err != nil || gateway.Less(first) || last.Less(gateway) {
		return []pool{{first.String(), last.String()}}, nil
	}
	var pools []pool
	if first.Less(gateway) {
		pools = append(pools, pool{first.String(), gateway.Prev().String()})
	}
	if gateway.Less(last) {
		pools = append(pools, pool{gateway.Next().String(), last.String()})
	}
	return pools, nil
}

func lastAddress(prefix netip.Prefix) netip.Addr {
	raw := prefix.Masked().Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(raw)
	return last
}

// overlaps tells whether two ranges of addresses have one in common. What is no
// range overlaps with nothing.
func overlaps(a, b string) bool {
	x, errX := netip.ParsePrefix(a)
	y, errY := netip.ParsePrefix(b)
	return errX == nil && errY == nil && x.Overlaps(y)
}

// keepsSubnet tells whether a subnet fits the filters of a request.
func keepsSubnet(req *networkv1.ListSubnetsRequest, v *networkv1.Subnet) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId()) &&
		req.GetZoneId() == ""
}

// routerIDs are the routers that ports of kind router interface belong to.
func routerIDs(ports []port) []string {
	var ids []string
	for i := range ports {
		if isRouterInterface(ports[i].DeviceOwner) && !slices.Contains(ids, ports[i].DeviceID) {
			ids = append(ids, ports[i].DeviceID)
		}
	}
	return ids
}
