package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// onMemcloud tells whether the scenario runs on a simulated cloud, which has
// everything.
func (s *scenario) onMemcloud() bool {
	switch s.cloud.(type) {
	case embeddedCloud, remoteCloud:
		return true
	default:
		return false
	}
}

// listed needs a list to show a resource.
func (s *scenario) listed(name, member, id string, parameters object) {
	s.Helper()
	if ids := harness.Texts(s.list(name, member, parameters), "id"); !slices.Contains(ids, id) {
		s.Errorf("%s shows %v, without %s", name, ids, id)
	}
}

// useContainers runs a container, changes it and reads its log.
func (s *scenario) useContainers() {
	if !s.onMemcloud() {
		return
	}
	const name = "compute/container/"
	id := s.done(name+"create", object{
		"account_id": s.account, "name": strings.ToLower(s.prefix) + "box", "image": "registry.example.cn/news/render:1.4",
		"cpu_millicores": 500, "memory_mib": 1024, "subnet_id": s.subnet, "security_group_ids": []string{s.group},
		"environment": []object{{"name": "MODE", "value": "fast"}, {"name": "KEY", "secret_value": "hidden-in-the-box"}},
	})
	box := s.expectState(name+"get", "container", id, "CONTAINER_STATE_RUNNING")
	if strings.Contains(box.String(), "hidden-in-the-box") {
		s.Errorf("the container tells its secret: %v", box)
	}
	s.listed(name+"list", "containers", id, object{"account_id": s.account})
	s.gateway.Get(s.T, name+"get-log", object{"id": id, "lines": 10})
	for _, step := range []struct{ action, state string }{
		{"stop", "CONTAINER_STATE_STOPPED"}, {"start", "CONTAINER_STATE_RUNNING"}, {"restart", "CONTAINER_STATE_RUNNING"},
	} {
		s.done(name+step.action, object{"id": id})
		s.expectState(name+"get", "container", id, step.state)
	}
	s.done(name+"update", object{"id": id, "cpu_millicores": 1000, "memory_mib": 2048})
	s.expect("memory of the container", s.get(name+"get", "container", id).Int("memory_mib"), 2048)
	s.done(name+"delete", object{"id": id})
}

// changeLoadBalancer changes what useLoadBalancer leaves as it is, and reads every list.
func (s *scenario) changeLoadBalancer() {
	if !s.offers("cloud.network.v1.LoadBalancerService/CreateVip") {
		return
	}
	const name = "network/load-balancer/"
	vip := s.done(name+"create-vip", object{"account_id": s.account, "name": s.prefix + "vip-2", "kind": "VIP_KIND_L4_L7", "subnets": []object{{"subnet_id": s.subnet}}})
	pool := s.done(name+"create-pool", object{
		"name": s.prefix + "pool-2", "vip_id": vip, "protocol": "LOAD_BALANCER_PROTOCOL_HTTP", "algorithm": "POOL_ALGORITHM_ROUND_ROBIN",
		"health_monitor": object{"type": "HEALTH_MONITOR_TYPE_HTTP", "interval_seconds": 5, "timeout_seconds": 3, "healthy_threshold": 2, "unhealthy_threshold": 2},
	})
	member := s.done(name+"create-member", object{"name": s.prefix + "member-2", "pool_id": pool, "nic_id": s.nic, "port": 8080})
	listener := s.done(name+"create-listener", object{"name": s.prefix + "listener-2", "vip_id": vip, "protocol": "LOAD_BALANCER_PROTOCOL_HTTP", "port": 80, "default_pool_id": pool})
	s.done(name+"update-pool", object{"id": pool, "algorithm": "POOL_ALGORITHM_LEAST_CONNECTIONS"})
	s.expect("algorithm of the pool", s.get(name+"get-pool", "pool", pool).Text("algorithm"), "POOL_ALGORITHM_LEAST_CONNECTIONS")
	s.done(name+"update-listener", object{"id": listener, "connection_limit": 100})
	s.done(name+"update-vip", object{"id": vip, "description": "of the evening news"})
	s.expect("description of the VIP", s.get(name+"get-vip", "vip", vip).Text("description"), "of the evening news")
	s.listed(name+"list-pools", "pools", pool, object{"account_id": s.account})
	s.listed(name+"list-members", "members", member, object{"pool_id": pool})
	s.listed(name+"list-listeners", "listeners", listener, object{"account_id": s.account})
	for _, part := range []struct{ kind, id string }{{"listener", listener}, {"member", member}, {"pool", pool}, {"vip", vip}} {
		s.done(name+"delete-"+part.kind, object{"id": part.id})
	}
}

// useFirewalls guards the router by a policy with rules, and its guest's work by
// intrusion prevention, anti-virus and a web application firewall.
func (s *scenario) useFirewalls() {
	if !s.onMemcloud() {
		return
	}
	policy := s.done("security/firewall-policy/create", object{"account_id": s.account, "name": s.prefix + "policy", "audited": true})
	rule := s.done("security/firewall-rule/create", object{
		"name": s.prefix + "rule", "firewall_policy_id": policy, "action": "FIREWALL_ACTION_ALLOW", "protocol": "FIREWALL_PROTOCOL_TCP",
		"source_ip_address": "10.0.0.0/8", "destination_port": object{"first": 80, "last": 443},
	})
	firewall := s.done("security/firewall/create", object{"account_id": s.account, "name": s.prefix + "firewall", "router_ids": []string{s.router}, "ingress_policy_id": policy})
	s.expectState("security/firewall/get", "firewall", firewall, "FIREWALL_STATE_ACTIVE")
	s.expectBlocked("security/firewall-policy/delete", policy, firewall)
	s.done("security/firewall-rule/update", object{"id": rule, "source_ip_address": "10.1.0.0/16"})
	s.expect("source of the rule", s.get("security/firewall-rule/get", "firewall_rule", rule).Text("source_ip_address"), "10.1.0.0/16")
	s.done("security/firewall-policy/update", object{"id": policy, "description": "for the newsroom"})
	s.expect("description of the policy", s.get("security/firewall-policy/get", "firewall_policy", policy).Text("description"), "for the newsroom")
	s.done("security/firewall/update", object{"id": firewall, "enabled": false})
	s.expectState("security/firewall/get", "firewall", firewall, "FIREWALL_STATE_INACTIVE")
	s.done("security/firewall/update", object{"id": firewall, "enabled": true})
	s.listed("security/firewall/list", "firewalls", firewall, object{"account_id": s.account})
	s.listed("security/firewall-policy/list", "firewall_policies", policy, object{"account_id": s.account})
	s.listed("security/firewall-rule/list", "firewall_rules", rule, object{"account_id": s.account})

	ips := s.done("security/ips/create", object{"name": s.prefix + "ips", "firewall_id": firewall})
	s.expectState("security/ips/get", "ips", ips, "IPS_STATE_ACTIVE")
	s.listed("security/ips/list", "ips_settings", ips, object{"account_id": s.account})
	antivirus := s.done("security/antivirus/create", object{"name": s.prefix + "av", "vm_id": s.vm, "scan_now": true})
	s.expectState("security/antivirus/get", "antivirus", antivirus, "ANTIVIRUS_STATE_ACTIVE")
	s.listed("security/antivirus/list", "antiviruses", antivirus, object{"account_id": s.account})
	waf := s.done("security/waf/create", object{
		"account_id": s.account, "name": s.prefix + "waf", "domain": "www." + strings.TrimSuffix(s.prefix, "-") + ".example.com",
		"http_ports": []int{80}, "origin_addresses": []string{"203.0.113.20"},
	})
	s.expectState("security/waf/get", "waf", waf, "WAF_STATE_ACTIVE")
	s.listed("security/waf/list", "wafs", waf, object{"account_id": s.account})
	for _, part := range []struct{ kind, id string }{
		{"waf", waf}, {"antivirus", antivirus}, {"ips", ips}, {"firewall", firewall}, {"firewall-rule", rule}, {"firewall-policy", policy},
	} {
		s.done("security/"+part.kind+"/delete", object{"id": part.id})
	}
}

// listVPN reads the lists of what useVPN makes one by one.
func (s *scenario) listVPN() {
	if !s.offers("cloud.security.v1.VpnServiceService/CreateVpnService") {
		return
	}
	service := s.done("security/vpn-service/create", object{"account_id": s.account, "name": s.prefix + "vpn-2", "router_id": s.router})
	ike := s.done("security/ike-policy/create", object{"account_id": s.account, "name": s.prefix + "ike-2"})
	ipsec := s.done("security/ipsec-policy/create", object{"account_id": s.account, "name": s.prefix + "ipsec-2"})
	s.listed("security/vpn-service/list", "vpn_services", service, object{"account_id": s.account})
	s.listed("security/ike-policy/list", "ike_policies", ike, object{"account_id": s.account})
	s.listed("security/ipsec-policy/list", "ipsec_policies", ipsec, object{"account_id": s.account})
	s.list("security/ipsec-connection/list", "ipsec_connections", object{"account_id": s.account})
	s.get("security/vpn-service/get", "vpn_service", service)
	s.get("security/ike-policy/get", "ike_policy", ike)
	s.get("security/ipsec-policy/get", "ipsec_policy", ipsec)
	s.done("security/vpn-service/delete", object{"id": service})
	s.done("security/ike-policy/delete", object{"id": ike})
	s.done("security/ipsec-policy/delete", object{"id": ipsec})
}

// useDatabases runs a database, changes it and gives it another password.
func (s *scenario) useDatabases() {
	if !s.offers("cloud.database.v1.InstanceService/CreateInstance") {
		s.Logf("the account has no databases")
		return
	}
	const name = "database/instance/"
	engines := s.list("database/engine/list", "engines", object{"engine": "ENGINE_TYPE_MYSQL"})
	at := slices.IndexFunc(engines, func(e object) bool { return e.Bool("is_default") })
	if at < 0 {
		s.Fatalf("no engine is the default: %v", engines)
	}
	if flavors := s.list("database/db-flavor/list", "db_flavors", nil); len(flavors) == 0 {
		s.Error("there is no flavor of databases")
	}
	id := s.done(name+"create", object{
		"account_id": s.account, "name": s.prefix + "db", "engine": "ENGINE_TYPE_MYSQL", "engine_version": engines[at].Text("version"),
		"memory_mib": 2000, "storage_gib": 21, "subnet_id": s.subnet, "password": "Aa1-Aa1-Aa1",
	})
	instance := s.expectState(name+"get", "instance", id, "INSTANCE_STATE_RUNNING")
	if strings.Contains(instance.String(), "Aa1-Aa1-Aa1") {
		s.Errorf("the database tells its password: %v", instance)
	}
	s.listed(name+"list", "instances", id, object{"account_id": s.account})
	s.done(name+"restart", object{"id": id})
	s.done(name+"reset-password", object{"id": id, "password": "Bb2-Bb2-Bb2"})
	login := s.gateway.Get(s, name+"get", object{"id": id, "include_password": true})
	s.expect("password of the administrator", login.Text("password"), "Bb2-Bb2-Bb2")
	s.expect("administrator", login.Text("username") == "", false)
	s.done(name+"update", object{"id": id, "allowed_cidrs": object{"values": []string{"10.0.0.0/28"}}})
	s.expect("ranges of the database", len(s.get(name+"get", "instance", id).Texts("allowed_cidrs")), 1)
	s.done(name+"delete", object{"id": id})
}

// changeTheRest changes what the other steps only make, and reads what they do not.
func (s *scenario) changeTheRest() {
	if !s.onMemcloud() {
		return
	}
	described := object{"description": "changed by the scenario"}
	for _, r := range []struct{ kind, member, id string }{
		{"network/network", "network", s.network}, {"network/subnet", "subnet", s.subnet}, {"network/router", "router", s.router},
		{"network/nic", "nic", s.nicTwo}, {"network/security-group", "security_group", s.otherGroup},
		{"storage/disk", "disk", s.disk}, {"storage/snapshot", "snapshot", s.snapshot}, {"storage/image", "image", s.customImage},
	} {
		s.done(r.kind+"/update", object{"id": r.id, "description": described.Text("description")})
		s.expect("description of the "+r.member, s.get(r.kind+"/get", r.member, r.id).Text("description"), described.Text("description"))
		s.listed(r.kind+"/list", r.member+"s", r.id, object{"account_id": s.account})
	}
	s.listed("network/public-ip/list", "public_ips", s.publicIP, object{"account_id": s.account})
	s.done("storage/disk/resize", object{"id": s.disk, "size_gib": 2})
	s.expect("size of the disk", s.get("storage/disk/get", "disk", s.disk).Int("size_gib"), 2)

	s.done("network/nic/attach", object{"id": s.nicTwo, "vm_id": s.vm})
	s.expect("VM of the NIC", s.get("network/nic/get", "nic", s.nicTwo).Text("vm_id"), s.vm)
	s.done("network/nic/detach", object{"id": s.nicTwo, "vm_id": s.vm})
	for _, group := range []string{s.group, s.otherGroup} { // a NIC keeps one at least
		s.done("network/security-group/add-member", object{"id": group, "nic_id": s.nicTwo})
	}
	if members := s.gateway.All(s.T, "network/security-group/list-members", "members", object{"id": s.otherGroup}); len(members) == 0 {
		s.Error("the group has no member")
	}
	s.done("network/security-group/remove-member", object{"id": s.otherGroup, "nic_id": s.nicTwo})
	rule := s.done("network/security-group/create-rule", object{
		"security_group_id": s.otherGroup, "direction": "DIRECTION_INGRESS", "protocol": "SECURITY_GROUP_PROTOCOL_ICMP", "remote_cidr": "10.0.0.0/8",
	})
	s.done("network/security-group/delete-rule", object{"id": rule})
	s.done("network/router/add-route", object{"id": s.router, "destination_cidr": "192.168.99.0/24", "nic_id": s.nic})
	s.done("network/router/remove-route", object{"id": s.router, "destination_cidr": "192.168.99.0/24"})

	s.done("compute/vm/reset-password", object{"id": s.vm, "password": "Cc3-Cc3-Cc3"})
	s.gateway.Get(s.T, "compute/vm/get-console", object{"id": s.vm})
	s.gateway.Get(s.T, "compute/vm/get-console-output", object{"id": s.vm, "lines": 10})
	key := s.done("compute/key-pair/create", object{"account_id": s.account, "name": s.prefix + "key", "generate": true})
	s.get("compute/key-pair/get", "key_pair", key)
	s.listed("compute/key-pair/list", "key_pairs", key, object{"account_id": s.account})
	s.done("compute/key-pair/delete", object{"id": key})

	s.get("compute/flavor/get", "flavor", s.smallFlavor)
	for _, list := range []struct{ name, member string }{
		{"compute/region/list", "regions"}, {"compute/zone/list", "zones"}, {"storage/disk-type/list", "disk_types"}, {"monitor/metric/list", "vms"},
	} {
		if len(s.list(list.name, list.member, object{"account_id": s.account})) == 0 {
			s.Errorf("%s shows nothing", list.name)
		}
	}
	s.get("storage/disk-type/get", "disk_type", s.list("storage/disk-type/list", "disk_types", object{"account_id": s.account})[0].Text("id"))
	for _, quota := range []string{"compute/vm/get-quota", "network/network/get-quota", "storage/disk/get-quota"} {
		s.gateway.Get(s.T, quota, object{"account_id": s.account})
	}
	s.gateway.Get(s.T, "monitor/metric/query", object{"id": s.vm})
}

// calledMethod finds the rpcs that the gateway has counted calls of.
var calledMethod = regexp.MustCompile(`yunqiao_driver_call_seconds_count\{[^}]*method="([^"]+)"[^}]*reason="OK"`)

// answeredHere are functions that the gateway answers by itself, though drivers have
// them.
var answeredHere = []string{"cloud.compute.v1.VmService/GetVmInitialPassword"}

// expectAllUsed needs the scenario to have used every function that the account
// offers: nothing of the standard's tables is left out.
func (s *scenario) expectAllUsed() {
	if !s.onMemcloud() {
		return
	}
	metrics := s.gateway.Send(s.T, http.MethodGet, "/metrics", nil)
	used := map[string]bool{}
	for _, match := range calledMethod.FindAllSubmatch(metrics.Body, -1) {
		used[string(match[1])] = true
	}
	offered := s.get("account/account/get", "account", s.account).Texts("methods")
	for _, method := range offered {
		if !used[method] && !strings.HasPrefix(method, "cloud.driver.v1.") && !slices.Contains(answeredHere, method) {
			s.Errorf("the scenario does not use %s", method)
		}
	}
	s.Logf("%d functions offered, all used", len(offered))
}
