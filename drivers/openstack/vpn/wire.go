package vpn

import "github.com/yunqiao/yunqiao/drivers/openstack/rest"

type vpnService struct {
	rest.Common
	RouterID     string `json:"router_id"`
	SubnetID     string `json:"subnet_id"` // legacy; else connections have endpoint groups
	AdminStateUp bool   `json:"admin_state_up"`
	ExternalIPv4 string `json:"external_v4_ip"`
	ExternalIPv6 string `json:"external_v6_ip"`
}

type lifetime struct {
	Units string `json:"units"`
	Value int32  `json:"value"`
}

type ikePolicy struct {
	rest.Common
	Auth       string   `json:"auth_algorithm"`
	Encryption string   `json:"encryption_algorithm"`
	Mode       string   `json:"phase1_negotiation_mode"`
	Version    string   `json:"ike_version"`
	PFS        string   `json:"pfs"`
	Lifetime   lifetime `json:"lifetime"`
}

type ipsecPolicy struct {
	rest.Common
	Transform     string   `json:"transform_protocol"`
	Encapsulation string   `json:"encapsulation_mode"`
	Auth          string   `json:"auth_algorithm"`
	Encryption    string   `json:"encryption_algorithm"`
	PFS           string   `json:"pfs"`
	Lifetime      lifetime `json:"lifetime"`
}

// connection leaves the pre-shared key out, which the cloud sends on every read.
type connection struct {
	rest.Common
	ServiceID    string   `json:"vpnservice_id"`
	IKEPolicyID  string   `json:"ikepolicy_id"`
	IPsecID      string   `json:"ipsecpolicy_id"`
	PeerAddress  string   `json:"peer_address"`
	PeerID       string   `json:"peer_id"`
	LocalID      string   `json:"local_id"`
	PeerCIDRs    []string `json:"peer_cidrs"` // legacy
	LocalGroupID string   `json:"local_ep_group_id"`
	PeerGroupID  string   `json:"peer_ep_group_id"`
	Initiator    string   `json:"initiator"`
	DPD          dpd      `json:"dpd"`
	MTU          int32    `json:"mtu"`
	AdminStateUp bool     `json:"admin_state_up"`
}

type dpd struct {
	Action   string `json:"action"`
	Interval int32  `json:"interval"`
	Timeout  int32  `json:"timeout"`
}

type endpointGroup struct {
	rest.Common
	Type      string   `json:"type"`
	Endpoints []string `json:"endpoints"`
}

// router, port and subnet are what a service and a connection need of those.
type router struct {
	rest.Common
	Gateway *struct {
		NetworkID string `json:"network_id"`
	} `json:"external_gateway_info"`
}

type port struct {
	rest.Common
	NetworkID string `json:"network_id"`
	DeviceID  string `json:"device_id"`
}

type subnet struct {
	rest.Common
	NetworkID string `json:"network_id"`
	CIDR      string `json:"cidr"`
}

// The collections. They are constants in all but name.
var (
	services = rest.Collection[vpnService]{
		Path: "vpn/vpnservices", One: "vpnservice", Many: "vpnservices", Type: "security.vpn_service",
		Common: func(v *vpnService) *rest.Common { return &v.Common },
	}
	ikePolicies = rest.Collection[ikePolicy]{
		Path: "vpn/ikepolicies", One: "ikepolicy", Many: "ikepolicies", Type: "security.ike_policy",
		Common: func(v *ikePolicy) *rest.Common { return &v.Common },
	}
	ipsecPolicies = rest.Collection[ipsecPolicy]{
		Path: "vpn/ipsecpolicies", One: "ipsecpolicy", Many: "ipsecpolicies", Type: "security.ipsec_policy",
		Common: func(v *ipsecPolicy) *rest.Common { return &v.Common },
	}
	connections = rest.Collection[connection]{
		Path: "vpn/ipsec-site-connections", One: "ipsec_site_connection", Many: "ipsec_site_connections", Type: "security.ipsec_connection",
		Common: func(v *connection) *rest.Common { return &v.Common },
	}
	endpointGroups = rest.Collection[endpointGroup]{
		Path: "vpn/endpoint-groups", One: "endpoint_group", Many: "endpoint_groups", Type: "security.ipsec_connection",
		Common: func(v *endpointGroup) *rest.Common { return &v.Common },
	}
	routers = rest.Collection[router]{
		Path: "routers", One: "router", Many: "routers", Type: "network.router",
		Common: func(v *router) *rest.Common { return &v.Common },
	}
	nics = rest.Collection[port]{
		Path: "ports", One: "port", Many: "ports", Type: "network.nic",
		Common: func(v *port) *rest.Common { return &v.Common },
		Others: rest.InOwnNetworks(func(v *port) string { return v.NetworkID }),
	}
	subnets = rest.Collection[subnet]{
		Path: "subnets", One: "subnet", Many: "subnets", Type: "network.subnet",
		Common: func(v *subnet) *rest.Common { return &v.Common },
		Others: rest.InSharedNetworks(func(v *subnet) string { return v.NetworkID }),
	}
)

const typeNetwork = "network.network"
