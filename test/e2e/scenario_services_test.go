package e2e

import (
	"slices"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// offers tells whether the scenario's account declares an rpc.
func (s *scenario) offers(method string) bool {
	s.Helper()
	return slices.Contains(s.get("account/account/get", "account", s.account).Texts("methods"), method)
}

// useLoadBalancer spreads what comes to an address over the VM, changes that while it
// runs, and removes it part by part.
func (s *scenario) useLoadBalancer() {
	if !s.offers("cloud.network.v1.LoadBalancerService/CreateVip") {
		s.Logf("the account has no load balancers")
		return
	}
	const name = "network/load-balancer/"
	vip := s.done(name+"create-vip", object{
		"account_id": s.account, "name": s.prefix + "vip", "kind": "VIP_KIND_L4", "subnets": []object{{"subnet_id": s.subnet}},
	})
	v := s.expectState(name+"get-vip", "vip", vip, "LOAD_BALANCER_STATE_ACTIVE")
	s.expect("addresses of the VIP", len(v.List("addresses")), 1)
	pool := s.done(name+"create-pool", object{
		"name": s.prefix + "pool", "vip_id": vip, "protocol": "LOAD_BALANCER_PROTOCOL_TCP", "algorithm": "POOL_ALGORITHM_ROUND_ROBIN",
	})
	member := s.done(name+"create-member", object{"name": s.prefix + "member", "pool_id": pool, "nic_id": s.nic, "port": 8080, "weight": 10})
	listener := s.done(name+"create-listener", object{
		"name": s.prefix + "listener", "vip_id": vip, "protocol": "LOAD_BALANCER_PROTOCOL_TCP", "port": 80, "default_pool_id": pool,
	})
	s.expect("pool of the listener", s.expectState(name+"get-listener", "listener", listener, "LOAD_BALANCER_STATE_ACTIVE").Text("default_pool_id"), pool)
	s.done(name+"update-member", object{"id": member, "weight": 50})
	s.expect("weight of the member", s.get(name+"get-member", "member", member).Int("weight"), 50)
	if listed := harness.Texts(s.list(name+"list-vips", "vips", nil), "id"); !slices.Contains(listed, vip) {
		s.Errorf("VIPs are %v, without %s", listed, vip)
	}
	s.done(name+"delete-listener", object{"id": listener})
	s.done(name+"delete-member", object{"id": member})
	s.done(name+"delete-pool", object{"id": pool})
	s.done(name+"delete-vip", object{"id": vip})
}

// useVPN joins the network with that of a peer, and ends that again.
func (s *scenario) useVPN() {
	if !s.offers("cloud.security.v1.IpsecConnectionService/CreateIpsecConnection") {
		s.Logf("the account has no VPN")
		return
	}
	service := s.done("security/vpn-service/create", object{"account_id": s.account, "name": s.prefix + "vpn", "router_id": s.router})
	ike := s.done("security/ike-policy/create", object{"account_id": s.account, "name": s.prefix + "ike"})
	ipsec := s.done("security/ipsec-policy/create", object{"account_id": s.account, "name": s.prefix + "ipsec"})
	connection := s.done("security/ipsec-connection/create", object{
		"name": s.prefix + "connection", "vpn_service_id": service, "ike_policy_id": ike, "ipsec_policy_id": ipsec,
		"peer_address": "203.0.113.200", "local_subnet_ids": []string{s.subnet}, "peer_cidrs": []string{"192.168.77.0/24"},
		"psk": "a-key-that-nobody-knows-0123",
	})
	got := s.get("security/ipsec-connection/get", "ipsec_connection", connection)
	s.expect("VPN service of the connection", got.Text("vpn_service_id"), service)
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
