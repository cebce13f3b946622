package loadbalancer

import "github.com/yunqiao/yunqiao/drivers/openstack/rest"

// status is what all objects of Octavia are doing.
type status struct {
	Provisioning string `json:"provisioning_status"`
	Operating    string `json:"operating_status"`
	AdminStateUp bool   `json:"admin_state_up"`
}

type reference struct {
	ID string `json:"id"`
}

type vip struct {
	rest.Common
	status
	NetworkID string       `json:"vip_network_id"`
	SubnetID  string       `json:"vip_subnet_id"`
	Address   string       `json:"vip_address"`
	PortID    string       `json:"vip_port_id"`
	More      []furtherVIP `json:"additional_vips"`
	FlavorID  string       `json:"flavor_id"`
	Provider  string       `json:"provider"`
}

// furtherVIP is an address beside the first; such have no port of their own.
type furtherVIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

type pool struct {
	rest.Common
	status
	LoadBalancers []reference  `json:"loadbalancers"`
	Listeners     []reference  `json:"listeners"`
	Protocol      string       `json:"protocol"`
	Algorithm     string       `json:"lb_algorithm"`
	Persistence   *persistence `json:"session_persistence"`
	MonitorID     string       `json:"healthmonitor_id"`
	TLSEnabled    bool         `json:"tls_enabled"`
}

type persistence struct {
	Type       string `json:"type"`
	CookieName string `json:"cookie_name"`
	Timeout    int32  `json:"persistence_timeout"`
}

type monitor struct {
	rest.Common
	status
	Pools          []reference `json:"pools"`
	Type           string      `json:"type"`
	Delay          int32       `json:"delay"`
	Timeout        int32       `json:"timeout"`
	MaxRetries     int32       `json:"max_retries"`
	MaxRetriesDown int32       `json:"max_retries_down"`
	HTTPMethod     string      `json:"http_method"`
	URLPath        string      `json:"url_path"`
	DomainName     string      `json:"domain_name"`
	ExpectedCodes  string      `json:"expected_codes"`
}

type member struct {
	rest.Common
	status
	Address  string `json:"address"`
	Port     int32  `json:"protocol_port"`
	SubnetID string `json:"subnet_id"`
	Weight   int32  `json:"weight"`
	Backup   bool   `json:"backup"`
}

type listener struct {
	rest.Common
	status
	LoadBalancers   []reference `json:"loadbalancers"`
	Protocol        string      `json:"protocol"`
	Port            int32       `json:"protocol_port"`
	DefaultPoolID   string      `json:"default_pool_id"`
	Certificate     string      `json:"default_tls_container_ref"`
	SNI             []string    `json:"sni_container_refs"`
	AllowedCIDRs    []string    `json:"allowed_cidrs"`
	ConnectionLimit int32       `json:"connection_limit"`
}

// floatingIP is what a VIP needs of the network service's floating IPs.
type floatingIP struct {
	rest.Common
	PortID    string `json:"port_id"`
	IPAddress string `json:"floating_ip_address"`
}

// port is what a member needs of the network service's ports.
type port struct {
	rest.Common
	NetworkID string    `json:"network_id"`
	FixedIPs  []fixedIP `json:"fixed_ips"`
}

type fixedIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

// The collections. They are constants in all but name.
var (
	vips = rest.Collection[vip]{
		Path: "lbaas/loadbalancers", One: "loadbalancer", Many: "loadbalancers", Type: "network.vip",
		Common: func(v *vip) *rest.Common { return &v.Common }, OneID: true,
	}
	pools = rest.Collection[pool]{
		Path: "lbaas/pools", One: "pool", Many: "pools", Type: "network.pool",
		Common: func(v *pool) *rest.Common { return &v.Common }, OneID: true,
	}
	monitors = rest.Collection[monitor]{
		Path: "lbaas/healthmonitors", One: "healthmonitor", Many: "healthmonitors", Type: "network.pool",
		Common: func(v *monitor) *rest.Common { return &v.Common }, OneID: true,
	}
	listeners = rest.Collection[listener]{
		Path: "lbaas/listeners", One: "listener", Many: "listeners", Type: "network.listener",
		Common: func(v *listener) *rest.Common { return &v.Common }, OneID: true,
	}
	floatingIPs = rest.Collection[floatingIP]{
		Path: "floatingips", One: "floatingip", Many: "floatingips", Type: "network.public_ip",
		Common: func(v *floatingIP) *rest.Common { return &v.Common },
	}
	nics = rest.Collection[port]{
		Path: "ports", One: "port", Many: "ports", Type: "network.nic",
		Common: func(v *port) *rest.Common { return &v.Common },
		Others: rest.InOwnNetworks(func(v *port) string { return v.NetworkID }), OthersBy: []string{"network_id"},
	}
)

const typeMember = "network.member"

// membersOf is the collection of a pool's members. poolID is a UUID.
func membersOf(poolID string) rest.Collection[member] {
	return rest.Collection[member]{
		Path: "lbaas/pools/" + poolID + "/members", One: "member", Many: "members", Type: typeMember,
		Common: func(v *member) *rest.Common { return &v.Common }, OneID: true,
	}
}
