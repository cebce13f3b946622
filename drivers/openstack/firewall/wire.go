package firewall

import "github.com/yunqiao/yunqiao/drivers/openstack/rest"

type group struct {
	rest.Common
	Shared          bool     `json:"shared"`
	IngressPolicyID string   `json:"ingress_firewall_policy_id"`
	EgressPolicyID  string   `json:"egress_firewall_policy_id"`
	AdminStateUp    bool     `json:"admin_state_up"`
	Ports           []string `json:"ports"`
}

type policy struct {
	rest.Common
	Shared  bool     `json:"shared"`
	RuleIDs []string `json:"firewall_rules"` // in the order in which they are tried
	Audited bool     `json:"audited"`
}

type rule struct {
	rest.Common
	Shared          bool    `json:"shared"`
	Protocol        *string `json:"protocol"` // nil: any
	Action          string  `json:"action"`
	IPVersion       int     `json:"ip_version"`
	SourceIP        *string `json:"source_ip_address"`
	DestinationIP   *string `json:"destination_ip_address"`
	SourcePort      *string `json:"source_port"` // "80" or "80:90"
	DestinationPort *string `json:"destination_port"`
	Enabled         bool    `json:"enabled"`
}

// port is what a firewall needs of the network service's ports.
type port struct {
	rest.Common
	NetworkID   string `json:"network_id"`
	DeviceID    string `json:"device_id"`
	DeviceOwner string `json:"device_owner"`
}

// The collections. They are constants in all but name.
var (
	groups = rest.Collection[group]{
		Path: "fwaas/firewall_groups", One: "firewall_group", Many: "firewall_groups", Type: "security.firewall",
		Common:   func(v *group) *rest.Common { return &v.Common },
		Others:   rest.Where(func(v *group) bool { return v.Shared }),
		OthersBy: []string{"shared"},
	}
	policies = rest.Collection[policy]{
		Path: "fwaas/firewall_policies", One: "firewall_policy", Many: "firewall_policies", Type: "security.firewall_policy",
		Common:   func(v *policy) *rest.Common { return &v.Common },
		Others:   rest.Where(func(v *policy) bool { return v.Shared }),
		OthersBy: []string{"shared"},
	}
	rules = rest.Collection[rule]{
		Path: "fwaas/firewall_rules", One: "firewall_rule", Many: "firewall_rules", Type: "security.firewall_rule",
		Common:   func(v *rule) *rest.Common { return &v.Common },
		Others:   rest.Where(func(v *rule) bool { return v.Shared }),
		OthersBy: []string{"shared"},
	}
	ports = rest.Collection[port]{
		Path: "ports", One: "port", Many: "ports", Type: "network.nic",
		Common:   func(v *port) *rest.Common { return &v.Common },
		Others:   rest.InOwnNetworks(func(v *port) string { return v.NetworkID }),
		OthersBy: []string{"network_id"},
	}
)

const typeRouter = "network.router"
