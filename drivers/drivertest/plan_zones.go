package drivertest

// featureSubnets says that a VIP may be in several subnets.
const featureSubnets = "network.vip.subnets"

// forms are those of the plan that the account is tried with: where VIPs can be in
// several subnets, some are made so.
func (s *suite) forms() []form {
	if !s.features[featureSubnets] {
		return plan()
	}
	return append(plan(), zoneForms()...)
}

// zoneForms make a VIP of each layer in two subnets, with all that belongs to it.
func zoneForms() []form {
	all := []form{{
		resource: "network.subnet", alias: "other_subnet", single: true,
		body: `{"name":"{name}","network_id":"{network.network}","cidr":"10.233.{n}.0/24","ip_version":"IP_VERSION_IPV4","zone_id":"{pick.other_zone|}"}`,
	}}
	for _, layer := range []struct{ name, kind, protocol, monitor string }{
		{"l7", "VIP_KIND_L7", "LOAD_BALANCER_PROTOCOL_HTTP", `"type":"HEALTH_MONITOR_TYPE_HTTP","url_path":"/health"`},
		{"l4", "VIP_KIND_L4", "LOAD_BALANCER_PROTOCOL_UDP", `"type":"HEALTH_MONITOR_TYPE_UDP"`},
	} {
		all = append(
			all,
			form{
				resource: "network.vip", alias: layer.name + "_vip",
				body: `{"name":"{name}","description":"{name}","subnets":[{"subnet_id":"{network.subnet}"},{"subnet_id":"{other_subnet}"}],` +
					`"scheme":"VIP_SCHEME_INTERNAL","kind":"` + layer.kind + `"}`,
				calls: []step{rename("LoadBalancerService/UpdateVip")},
			},
			form{
				resource: "network.pool", alias: layer.name + "_pool",
				body: `{"name":"{name}","description":"{name}","vip_id":"{` + layer.name + `_vip}","protocol":"` + layer.protocol + `",` +
					`"health_monitor":{` + layer.monitor + `,"interval_seconds":5,"timeout_seconds":3,"healthy_threshold":2,"unhealthy_threshold":3}}`,
				calls: []step{
					rename("LoadBalancerService/UpdatePool"),
					{rpc: "LoadBalancerService/UpdatePool", body: `{"id":"{id}","remove_health_monitor":true}`},
				},
			},
			form{
				resource: "network.listener", alias: layer.name + "_listener",
				body: `{"name":"{name}","description":"{name}","vip_id":"{` + layer.name + `_vip}","protocol":"` + layer.protocol + `","port":{port},` +
					`"default_pool_id":"{` + layer.name + `_pool}"}`,
				calls: []step{rename("LoadBalancerService/UpdateListener")},
			},
			form{
				resource: "network.member", alias: layer.name + "_member",
				body:  `{"name":"{name}","pool_id":"{` + layer.name + `_pool}","nic_id":"{network.nic}","port":{port},"weight":5}`,
				calls: []step{{rpc: "LoadBalancerService/UpdateMember", body: `{"id":"{id}","weight":0}`}},
			},
		)
	}
	return all
}
