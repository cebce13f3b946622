package network

import (
	"context"
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
)

type network struct {
	rest.Common
	AdminStateUp        bool     `json:"admin_state_up"`
	Subnets             []string `json:"subnets"`
	MTU                 int32    `json:"mtu"`
	PortSecurityEnabled bool     `json:"port_security_enabled"`
	AvailabilityZones   []string `json:"availability_zones"`
	External            bool     `json:"router:external"`
	Shared              bool     `json:"shared"`
}

type subnet struct {
	rest.Common
	NetworkID       string   `json:"network_id"`
	CIDR            string   `json:"cidr"`
	IPVersion       int      `json:"ip_version"`
	GatewayIP       string   `json:"gateway_ip"`
	EnableDHCP      bool     `json:"enable_dhcp"`
	DNSNameservers  []string `json:"dns_nameservers"`
	AllocationPools []pool   `json:"allocation_pools"`
}

type pool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type router struct {
	rest.Common
	Gateway *gateway `json:"external_gateway_info"`
	Routes  []route  `json:"routes"`
}

type gateway struct {
	NetworkID  string    `json:"network_id"`
	EnableSNAT *bool     `json:"enable_snat"`
	FixedIPs   []fixedIP `json:"external_fixed_ips"`
}

type route struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

type fixedIP struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type port struct {
	rest.Common
	NetworkID           string    `json:"network_id"`
	MACAddress          string    `json:"mac_address"`
	DeviceID            string    `json:"device_id"`
	DeviceOwner         string    `json:"device_owner"`
	FixedIPs            []fixedIP `json:"fixed_ips"`
	SecurityGroups      []string  `json:"security_groups"`
	PortSecurityEnabled *bool     `json:"port_security_enabled"`
}

type securityGroup struct {
	rest.Common
	Shared bool   `json:"shared"`
	Rules  []rule `json:"security_group_rules"`
}

type rule struct {
	rest.Common
	SecurityGroupID      string  `json:"security_group_id"`
	Direction            string  `json:"direction"`
	EtherType            string  `json:"ethertype"`
	Protocol             *string `json:"protocol"`
	PortRangeMin         *int32  `json:"port_range_min"`
	PortRangeMax         *int32  `json:"port_range_max"`
	RemoteIPPrefix       *string `json:"remote_ip_prefix"`
	RemoteGroupID        *string `json:"remote_group_id"`
	RemoteAddressGroupID *string `json:"remote_address_group_id"`
}

type floatingIP struct {
	rest.Common
	IPAddress      string `json:"floating_ip_address"`
	NetworkID      string `json:"floating_network_id"`
	RouterID       string `json:"router_id"`
	PortID         string `json:"port_id"`
	FixedIPAddress string `json:"fixed_ip_address"`
}

// The collections. They are constants in all but name.
var (
	networks = rest.Collection[network]{
		Path: "networks", One: "network", Many: "networks", Type: "network.network",
		Common:   func(v *network) *rest.Common { return &v.Common },
		Others:   rest.Where(func(v *network) bool { return v.Shared || v.External }),
		OthersBy: []string{"shared", "router:external"},
	}
	subnets = rest.Collection[subnet]{
		Path: "subnets", One: "subnet", Many: "subnets", Type: "network.subnet",
		Common:   func(v *subnet) *rest.Common { return &v.Common },
		Others:   rest.InSharedNetworks(func(v *subnet) string { return v.NetworkID }),
		OthersBy: []string{"network_id"},
	}
	routers = rest.Collection[router]{
		Path: "routers", One: "router", Many: "routers", Type: "network.router",
		Common: func(v *router) *rest.Common { return &v.Common },
	}
	nics = rest.Collection[port]{
		Path: "ports", One: "port", Many: "ports", Type: "network.nic",
		Common:   func(v *port) *rest.Common { return &v.Common },
		Others:   rest.InOwnNetworks(func(v *port) string { return v.NetworkID }),
		OthersBy: []string{"network_id"}, OthersToo: true,
	}
	securityGroups = rest.Collection[securityGroup]{
		Path: "security-groups", One: "security_group", Many: "security_groups", Type: "network.security_group",
		Common:   func(v *securityGroup) *rest.Common { return &v.Common },
		Others:   rest.Where(func(v *securityGroup) bool { return v.Shared }),
		OthersBy: []string{"shared"},
	}
	rules = rest.Collection[rule]{
		Path: "security-group-rules", One: "security_group_rule", Many: "security_group_rules", Type: "network.security_group_rule",
		Common:   func(v *rule) *rest.Common { return &v.Common },
		Others:   inOwnGroups,
		OthersBy: []string{"security_group_id"},
	}
	ownGroups = rest.Collection[securityGroup]{ // without those that are shared
		Path: securityGroups.Path, One: securityGroups.One, Many: securityGroups.Many, Type: securityGroups.Type,
		Common: securityGroups.Common,
	}
	publicIPs = rest.Collection[floatingIP]{
		Path: "floatingips", One: "floatingip", Many: "floatingips", Type: "network.public_ip",
		Common: func(v *floatingIP) *rest.Common { return &v.Common },
	}
)

// inOwnGroups shows the rules that others have put into the project's groups.
func inOwnGroups(ctx context.Context, client *rest.Client) (func(*rule) bool, error) {
	list, err := ownGroups.List(ctx, client, url.Values{"fields": {"id"}})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(list))
	for i := range list {
		ids[list[i].ID] = true
	}
	return func(v *rule) bool { return ids[v.SecurityGroupID] }, nil
}
