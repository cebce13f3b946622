package e2e

import (
	"slices"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// useRoutes joins the subnet with a router of its own and sends a range to the NIC.
func (s *publicScenario) useRoutes() {
	s.done("network/router/add-interface", object{"id": s.router, "subnet_id": s.subnet})
	s.expectBlocked("network/router/delete", s.router, s.subnet)
	s.done("network/router/add-route", object{"id": s.router, "destination_cidr": "10.99.0.0/16", "nic_id": s.nic})
	routes := slices.DeleteFunc(s.get("network/router/get", "router", s.router).List("routes"), func(r object) bool { return r.Bool("system") })
	if len(routes) != 1 || routes[0].Text("nic_id") != s.nic {
		s.Errorf("routes of the router are %v", routes)
	}
	s.done("network/router/remove-route", object{"id": s.router, "destination_cidr": "10.99.0.0/16"})
	s.done("network/router/remove-interface", object{"id": s.router, "subnet_id": s.subnet})
}

// useFirewall filters the subnet, whose rules come with the firewall.
func (s *publicScenario) useFirewall() {
	firewall := s.done("security/firewall/create", object{
		"account_id": s.account, "name": s.prefix + "fw", "network_id": s.network, "subnet_ids": []string{s.subnet},
	})
	got := s.expectState("security/firewall/get", "firewall", firewall, "FIREWALL_STATE_ACTIVE")
	s.expect("subnets of the firewall", len(got.Texts("subnet_ids")), 1)
	rule := s.done("security/firewall-rule/create", object{
		"name": s.prefix + "rule", "firewall_policy_id": got.Text("ingress_policy_id"), "position": 1, "action": "FIREWALL_ACTION_DENY",
		"protocol": "FIREWALL_PROTOCOL_TCP", "source_ip_address": "198.51.100.0/24", "destination_port": object{"first": 22, "last": 22},
	})
	s.done("security/firewall-rule/update", object{"id": rule, "destination_port": object{"first": 22, "last": 23}})
	read := s.get("security/firewall-rule/get", "firewall_rule", rule)
	s.expect("place of the rule", read.Int("position"), 1)
	s.expect("last port of the rule", read.Object("destination_port").Int("last"), 23)
	if ids := harness.Texts(s.get("security/firewall/get", "firewall", firewall).List("effective_ingress_rules"), "firewall_rule_id"); !slices.Contains(ids, rule) {
		s.Errorf("rules in force are %v, without %s", ids, rule)
	}
	s.gateway.Refused(s, "UNSUPPORTED_METHOD", "security/firewall-policy/create", object{"account_id": s.account, "name": s.prefix + "policy"})
	s.done("security/firewall-rule/delete", object{"id": rule})
	s.done("security/firewall/delete", object{"id": firewall})
}

// useBorder guards the border to the Internet: a rule, an address, intrusion prevention.
func (s *publicScenario) useBorder() {
	borders := s.list("security/firewall/list", "firewalls", object{"scope": "FIREWALL_SCOPE_INTERNET"})
	if len(borders) != 1 {
		s.Fatalf("borders to the Internet are %v", borders)
	}
	border := borders[0].Text("id")
	rule := s.done("security/firewall-rule/create", object{
		"name": s.prefix + "border", "firewall_policy_id": borders[0].Text("ingress_policy_id"), "action": "FIREWALL_ACTION_LOG",
		"protocol": "FIREWALL_PROTOCOL_ANY", "source_ip_address": "203.0.113.0/24", "destination_ip_address": "198.51.100.1",
	})
	s.expect("rule", s.get("security/firewall-rule/get", "firewall_rule", rule).Text("name"), s.prefix+"border")
	s.done("security/firewall/update", object{"id": border, "public_ip_ids": object{"values": []string{s.publicIP}}})
	if ids := s.get("security/firewall/get", "firewall", border).Texts("public_ip_ids"); !slices.Contains(ids, s.publicIP) {
		s.Errorf("the border protects %v, without %s", ids, s.publicIP)
	}
	s.done("security/firewall/update", object{"id": border, "public_ip_ids": object{"values": []string{}}})
	ips := s.done("security/ips/create", object{"name": s.prefix + "ips", "firewall_id": border, "mode": "IPS_MODE_BLOCK", "virtual_patches": true})
	s.expect("patches", s.get("security/ips/get", "ips", ips).Bool("virtual_patches"), true)
	s.done("security/ips/delete", object{"id": ips})
	s.done("security/firewall-rule/delete", object{"id": rule})
}

// useVPNService joins the network with that of a peer, and ends that again.
func (s *publicScenario) useVPNService() {
	service := s.done("security/vpn-service/create", object{
		"account_id": s.account, "name": s.prefix + "vpn", "network_id": s.network, "subnet_ids": []string{s.subnet}, "bandwidth_mbps": 10,
		"description": "to the office", "tags": object{"purpose": "e2e"},
	})
	s.expect("tags of the service", s.get("security/vpn-service/get", "vpn_service", service).Object("tags").Text("purpose"), "e2e")
	ike := s.done("security/ike-policy/create", object{"account_id": s.account, "name": s.prefix + "ike", "lifetime_seconds": 7200})
	s.expect("lifetime", s.get("security/ike-policy/get", "ike_policy", ike).Int("lifetime_seconds"), 7200)
	ipsec := s.done("security/ipsec-policy/create", object{"account_id": s.account, "name": s.prefix + "ipsec"})
	connection := s.done("security/ipsec-connection/create", object{
		"name": s.prefix + "connection", "vpn_service_id": service, "ike_policy_id": ike, "ipsec_policy_id": ipsec,
		"peer_address": "203.0.113.200", "local_subnet_ids": []string{s.subnet}, "peer_cidrs": []string{"192.168.77.0/24"},
		"psk": "a-key-that-nobody-knows-0123",
	})
	got := s.expectState("security/ipsec-connection/get", "ipsec_connection", connection, "IPSEC_CONNECTION_STATE_ACTIVE")
	s.expect("peer of the connection", got.Text("peer_address"), "203.0.113.200")
	s.expect("key of the connection", got.Text("psk"), "")
	s.expectBlocked("security/ike-policy/delete", ike, connection)
	s.expectBlocked("security/vpn-service/delete", service, connection)
	s.done("security/ipsec-connection/update", object{"id": connection, "peer_cidrs": object{"values": []string{"192.168.77.0/24", "192.168.78.0/24"}}})
	s.expect("ranges of the peer", len(s.get("security/ipsec-connection/get", "ipsec_connection", connection).Texts("peer_cidrs")), 2)
	s.done("security/ipsec-connection/delete", object{"id": connection})
	s.done("security/vpn-service/delete", object{"id": service})
	s.done("security/ipsec-policy/delete", object{"id": ipsec})
	s.done("security/ike-policy/delete", object{"id": ike})
}

// useWAF puts a site behind the web application firewall.
func (s *publicScenario) useWAF() {
	site := s.done("security/waf/create", object{
		"account_id": s.account, "name": s.prefix + "waf", "domain": "www.e2e.example.com", "http_ports": []int{80, 8080}, "origin_addresses": []string{"203.0.113.20"},
		"load_balance": "WAF_LOAD_BALANCE_ROUND_ROBIN",
	})
	got := s.expectState("security/waf/get", "waf", site, "WAF_STATE_ACTIVE")
	if got.Text("cname") == "" {
		s.Error("the site tells no name to point at")
	}
	s.done("security/waf/delete", object{"id": site})
}

// useAntivirus protects the VM.
func (s *publicScenario) useAntivirus() {
	protection := s.done("security/antivirus/create", object{"name": s.prefix + "av", "vm_id": s.vm, "scan_now": true})
	s.expect("edition", s.get("security/antivirus/get", "antivirus", protection).Text("edition"), "ANTIVIRUS_EDITION_ANTIVIRUS")
	s.done("security/antivirus/delete", object{"id": protection})
}
