package network

import (
	"fmt"
	"strings"
	"time"
)

// common is what all Neutron resources have.
type common struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Description    string    `json:"description"`
	Status         string    `json:"status"`
	ProjectID      string    `json:"project_id"`
	Tags           []string  `json:"tags"`
	RevisionNumber int       `json:"revision_number"`
	CreatedAt      timestamp `json:"created_at"`
	UpdatedAt      timestamp `json:"updated_at"`
}

// timestamp is a time as Neutron writes it: RFC 3339, in old releases without zone (UTC).
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler. null and "" are the zero time.
func (t *timestamp) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			t.Time = at
			return nil
		}
	}
	return fmt.Errorf("no time: %q", text)
}

type network struct {
	common
	AdminStateUp        bool     `json:"admin_state_up"`
	Subnets             []string `json:"subnets"`
	MTU                 int32    `json:"mtu"`
	PortSecurityEnabled bool     `json:"port_security_enabled"`
	AvailabilityZones   []string `json:"availability_zones"`
	External            bool     `json:"router:external"`
	Shared              bool     `json:"shared"`
}

type subnet struct {
	common
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
	common
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
	common
	NetworkID           string    `json:"network_id"`
	MACAddress          string    `json:"mac_address"`
	DeviceID            string    `json:"device_id"`
	DeviceOwner         string    `json:"device_owner"`
	FixedIPs            []fixedIP `json:"fixed_ips"`
	SecurityGroups      []string  `json:"security_groups"`
	PortSecurityEnabled *bool     `json:"port_security_enabled"`
}

type securityGroup struct {
	common
	Rules []rule `json:"security_group_rules"`
}

type rule struct {
	common
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
	common
	IPAddress      string `json:"floating_ip_address"`
	NetworkID      string `json:"floating_network_id"`
	RouterID       string `json:"router_id"`
	PortID         string `json:"port_id"`
	FixedIPAddress string `json:"fixed_ip_address"`
}

// The collections. They are constants in all but name.
var (
	networks = collection[network]{
		path: "networks", one: "network", many: "networks", resourceType: "network.network",
		common: func(v *network) *common { return &v.common },
	}
	subnets = collection[subnet]{
		path: "subnets", one: "subnet", many: "subnets", resourceType: "network.subnet",
		common: func(v *subnet) *common { return &v.common },
	}
	routers = collection[router]{
		path: "routers", one: "router", many: "routers", resourceType: "network.router",
		common: func(v *router) *common { return &v.common },
	}
	nics = collection[port]{
		path: "ports", one: "port", many: "ports", resourceType: "network.nic",
		common: func(v *port) *common { return &v.common },
	}
	securityGroups = collection[securityGroup]{
		path: "security-groups", one: "security_group", many: "security_groups", resourceType: "network.security_group",
		common: func(v *securityGroup) *common { return &v.common },
	}
	rules = collection[rule]{
		path: "security-group-rules", one: "security_group_rule", many: "security_group_rules", resourceType: "network.security_group_rule",
		common: func(v *rule) *common { return &v.common },
	}
	publicIPs = collection[floatingIP]{
		path: "floatingips", one: "floatingip", many: "floatingips", resourceType: "network.public_ip",
		common: func(v *floatingIP) *common { return &v.common },
	}
)
