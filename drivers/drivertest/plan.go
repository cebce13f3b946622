package drivertest

import "google.golang.org/protobuf/reflect/protoreflect"

// key is what placeholders call the resource.
func (f form) key() string {
	if f.alias != "" {
		return f.alias
	}
	return f.resource
}

// form is how a resource is made and what is done with it. Requests are in
// protojson; in them stand
//
//	{network.network}   id of the resource of that type that the run has made
//	{id} {name}         of the resource itself
//	{n} {port}          a number that no other resource of the run has
//	{gateway_network}   pick.external_network, or any text where routers have no gateway
//	{firewall_network}  the network, where firewalls are of one and not of a router
//	{firewall_policy}   the policy, or that which came with the firewall
//	{ips_firewall}      a border to the Internet if the account has one, else the firewall
//	{vpn_network}       the network, where VPN services are of one and not of a router
//	{bootable_snapshot} a snapshot of a disk that holds an image
//	{secret} {secret64} the canary secret, plain and in base64
//	{public_key}        a key for SSH
//	{pick.image}        a value picked from the cloud or given in Options
//	{…|otherwise}       what stands in for a value that is not there
//
// A form with a value missing is not tested. Fields whose feature is not
// declared are taken out, see fit.
type form struct {
	resource string
	// alias is what placeholders call it where the run makes more than one.
	alias string
	body  string
	// oneOf are fields of which the request may carry one: the first for the
	// main resource, the last for its sibling.
	oneOf []protoreflect.Name
	// single: a second one beside the first is refused by the contract.
	single bool
	// crash: the driver is killed while one is made.
	crash bool
	// paged: cheap enough to fill pages with.
	paged bool
	// link, once it has settled; calls, everything else that is done with it;
	// unlink, before it is deleted.
	link, calls, unlink []step
}

// step is one rpc in the life of a resource.
type step struct {
	rpc  string // without the package: "VmService/StopVm"
	body string
	// mayLack: NOT_FOUND is an answer too; what is asked for need not be there.
	mayLack bool
}

const onlyID = `{"id":"{id}"}`

// plan lists all forms in the order of their dependencies.
func plan() []form {
	var all []form
	for _, part := range [][]form{networkForms(), computeForms(), storageForms(), balancerForms(), databaseForms(), securityForms()} {
		all = append(all, part...)
	}
	return all
}

func rename(rpc string) step { return step{rpc: rpc, body: `{"id":"{id}","name":"{name}-b"}`} }

func networkForms() []form {
	return []form{
		{
			resource: "network.network", paged: true, crash: true,
			body:  `{"name":"{name}","description":"{name}","cidr":"10.233.0.0/16","mtu":1400}`,
			calls: []step{rename("NetworkService/UpdateNetwork"), {rpc: "NetworkService/GetNetworkQuota", body: `{}`}},
		},
		{
			resource: "network.subnet", crash: true,
			body: `{"name":"{name}","description":"{name}","network_id":"{network.network}","cidr":"10.233.{n}.0/24","ip_version":"IP_VERSION_IPV4",` +
				`"zone_id":"{pick.zone|}","gateway_ip":"10.233.{n}.1","dns_servers":["10.233.{n}.2"]}`,
			calls: []step{rename("SubnetService/UpdateSubnet")},
		},
		{
			resource: "network.router",
			body:     `{"name":"{name}","description":"{name}","network_id":"{network.network}","external_gateway":{"network_id":"{gateway_network}"}}`,
			link:     []step{{rpc: "RouterService/AddRouterInterface", body: `{"id":"{id}","subnet_id":"{network.subnet}"}`}},
			calls:    []step{rename("RouterService/UpdateRouter")},
			unlink:   []step{{rpc: "RouterService/RemoveRouterInterface", body: `{"id":"{id}","subnet_id":"{network.subnet}"}`}},
		},
		{
			resource: "network.security_group", paged: true, crash: true,
			body:  `{"name":"{name}","description":"{name}","network_id":"{network.network|}"}`,
			calls: []step{rename("SecurityGroupService/UpdateSecurityGroup")},
		},
		{
			resource: "network.security_group", alias: "second_group", single: true,
			body: `{"name":"{name}","description":"{name}","network_id":"{network.network|}"}`,
		},
		{
			resource: "network.security_group_rule",
			body: `{"name":"{name}","description":"{name}","security_group_id":"{network.security_group}","direction":"DIRECTION_INGRESS",` +
				`"protocol":"SECURITY_GROUP_PROTOCOL_TCP","ports":{"first":{port},"last":{port}},"remote_cidr":"10.0.0.0/8"}`,
		},
		{
			resource: "network.nic",
			body:     `{"name":"{name}","description":"{name}","subnet_id":"{network.subnet}","security_group_ids":["{network.security_group}"]}`,
			calls: []step{
				rename("NicService/UpdateNic"),
				{rpc: "RouterService/AddRoute", body: `{"id":"{network.router}","destination_cidr":"10.99.0.0/24","nic_id":"{id}"}`},
				{rpc: "RouterService/RemoveRoute", body: `{"id":"{network.router}","destination_cidr":"10.99.0.0/24"}`},
				{rpc: "SecurityGroupService/AddSecurityGroupMember", body: `{"id":"{second_group}","nic_id":"{id}"}`},
				{rpc: "SecurityGroupService/ListSecurityGroupMembers", body: `{"id":"{second_group}"}`},
				{rpc: "SecurityGroupService/RemoveSecurityGroupMember", body: `{"id":"{second_group}","nic_id":"{id}"}`},
			},
		},
		{
			resource: "network.public_ip",
			body:     `{"name":"{name}","description":"{name}","external_network_id":"{pick.external_network|}","bandwidth_mbps":1}`,
			calls: []step{
				rename("PublicIpService/UpdatePublicIp"),
				{rpc: "PublicIpService/UpdatePublicIp", body: `{"id":"{id}","nic_id":"{network.nic}"}`},
				{rpc: "PublicIpService/UpdatePublicIp", body: `{"id":"{id}","unbind":true}`},
			},
		},
	}
}

func computeForms() []form {
	return []form{
		{resource: "compute.key_pair", paged: true, body: `{"name":"{name}","public_key":"{public_key}"}`},
		{
			resource: "compute.vm", crash: true, oneOf: []protoreflect.Name{"key_pair_id", "password"},
			body: `{"name":"{name}","description":"{name}","image_id":"{pick.image}","flavor_id":"{pick.flavor}","zone_id":"{pick.zone|}",` +
				`"nics":[{"subnet_id":"{network.subnet}"}],"security_group_ids":["{network.security_group}"],` +
				`"key_pair_id":"{compute.key_pair|}","password":"{secret}","user_data":"{secret64}","host_name":"conf-{n}"}`,
			calls: []step{
				rename("VmService/UpdateVm"),
				{rpc: "VmService/SetVmSecurityGroups", body: `{"id":"{id}","security_group_ids":["{network.security_group}","{second_group}"]}`},
				{rpc: "MetricService/QueryMetrics", body: onlyID},
				{rpc: "VmService/GetVmConsole", body: onlyID},
				{rpc: "VmService/GetVmConsoleOutput", body: onlyID},
				{rpc: "VmService/GetVmInitialPassword", body: onlyID, mayLack: true},
				{rpc: "VmService/ResetVmPassword", body: `{"id":"{id}","password":"{secret}"}`},
				{rpc: "NicService/AttachNic", body: `{"id":"{network.nic}","vm_id":"{id}"}`},
				{rpc: "NicService/DetachNic", body: `{"id":"{network.nic}","vm_id":"{id}"}`},
				{rpc: "VmService/RebootVm", body: onlyID},
				{rpc: "VmService/StopVm", body: onlyID},
				{rpc: "VmService/StartVm", body: onlyID},
				{rpc: "VmService/ResizeVm", body: `{"id":"{id}","flavor_id":"{pick.other_flavor}","allow_restart":true}`},
				{rpc: "VmService/GetComputeQuota", body: `{}`},
			},
		},
		{
			resource: "compute.container", crash: true,
			body: `{"name":"{name}","description":"{name}","image":"{pick.container_image|docker.io/library/busybox:latest}","cpu_millicores":250,"memory_mib":256,` +
				`"command":["sleep","3600"],"environment":[{"name":"CONF","secret_value":"{secret}"}],` +
				`"subnet_id":"{network.subnet|none}","security_group_ids":["{network.security_group|none}"]}`,
			calls: []step{
				{rpc: "ContainerService/GetContainerLog", body: onlyID},
				{rpc: "ContainerService/UpdateContainer", body: `{"id":"{id}","memory_mib":512}`},
				{rpc: "ContainerService/RestartContainer", body: onlyID},
				{rpc: "ContainerService/StopContainer", body: onlyID},
				{rpc: "ContainerService/StartContainer", body: onlyID},
			},
		},
	}
}

func storageForms() []form {
	return []form{
		{
			resource: "storage.disk", crash: true,
			body: `{"name":"{name}","description":"{name}","size_gib":2,"source_image_id":"{pick.image|}","zone_id":"{pick.zone|}"}`,
			calls: []step{
				rename("DiskService/UpdateDisk"),
				{rpc: "DiskService/AttachDisk", body: `{"id":"{id}","vm_id":"{compute.vm}"}`},
				{rpc: "DiskService/DetachDisk", body: `{"id":"{id}","vm_id":"{compute.vm}"}`},
				{rpc: "DiskService/ResizeDisk", body: `{"id":"{id}","size_gib":3}`},
				{rpc: "DiskService/GetStorageQuota", body: `{}`},
			},
		},
		{
			resource: "storage.snapshot",
			body:     `{"name":"{name}","description":"{name}","disk_id":"{storage.disk}"}`,
			calls: []step{
				rename("SnapshotService/UpdateSnapshot"),
				{rpc: "SnapshotService/RestoreSnapshot", body: `{"id":"{id}","disk_id":"{storage.disk}"}`},
			},
		},
		{
			resource: "storage.image", oneOf: []protoreflect.Name{"snapshot_id", "vm_id"},
			body: `{"name":"{name}","description":"{name}","snapshot_id":"{bootable_snapshot|}","vm_id":"{compute.vm|}","os_type":"OS_TYPE_LINUX"}`,
			calls: []step{
				rename("ImageService/UpdateImage"),
				{rpc: "ImageService/DeactivateImage", body: onlyID},
				{rpc: "ImageService/ReactivateImage", body: onlyID},
			},
		},
	}
}

func balancerForms() []form {
	return []form{
		{
			resource: "network.vip",
			body:     `{"name":"{name}","description":"{name}","subnets":[{"subnet_id":"{network.subnet}"}],"scheme":"VIP_SCHEME_INTERNAL","kind":"VIP_KIND_L4"}`,
			calls:    []step{rename("LoadBalancerService/UpdateVip")},
		},
		{
			resource: "network.pool",
			body: `{"name":"{name}","description":"{name}","vip_id":"{network.vip}","protocol":"LOAD_BALANCER_PROTOCOL_TCP",` +
				`"algorithm":"POOL_ALGORITHM_ROUND_ROBIN","member_kind":"MEMBER_KIND_VM_OR_NIC"}`,
			calls: []step{rename("LoadBalancerService/UpdatePool")},
		},
		{
			resource: "network.listener",
			body: `{"name":"{name}","description":"{name}","vip_id":"{network.vip}","protocol":"LOAD_BALANCER_PROTOCOL_TCP","port":{port},` +
				`"default_pool_id":"{network.pool}"}`,
			calls: []step{rename("LoadBalancerService/UpdateListener")},
		},
		{
			resource: "network.member",
			body:     `{"name":"{name}","pool_id":"{network.pool}","nic_id":"{network.nic}","port":{port},"weight":5}`,
			calls:    []step{rename("LoadBalancerService/UpdateMember")},
		},
	}
}

func databaseForms() []form {
	return []form{{
		resource: "database.instance",
		body: `{"name":"{name}","description":"{name}","engine":"ENGINE_TYPE_MYSQL","engine_version":"{pick.engine_version|8.0}","vcpus":1,` +
			`"memory_mib":{pick.db_memory|1024},"storage_gib":20,` +
			`"subnet_id":"{network.subnet}","username":"conformer","password":"{secret}"}`,
		calls: []step{
			rename("InstanceService/UpdateInstance"),
			{rpc: "InstanceService/ResetInstancePassword", body: `{"id":"{id}","password":"{secret}"}`},
			{rpc: "InstanceService/RestartInstance", body: onlyID},
		},
	}}
}

func securityForms() []form {
	return []form{
		{
			resource: "security.firewall_policy",
			body:     `{"name":"{name}","description":"{name}"}`,
			calls:    []step{rename("FirewallPolicyService/UpdateFirewallPolicy")},
		},
		{
			resource: "security.firewall",
			body:     `{"name":"{name}","description":"{name}","network_id":"{firewall_network|}","ingress_policy_id":"{security.firewall_policy|}"}`,
			calls:    []step{rename("FirewallService/UpdateFirewall")},
		},
		{
			resource: "security.firewall_rule",
			body: `{"name":"{name}","description":"{name}","firewall_policy_id":"{firewall_policy}","action":"FIREWALL_ACTION_ALLOW",` +
				`"protocol":"FIREWALL_PROTOCOL_TCP","source_ip_address":"10.{n}.0.0/16","destination_port":{"first":80,"last":443}}`,
			calls: []step{rename("FirewallRuleService/UpdateFirewallRule")},
		},
		{resource: "security.ips", single: true, body: `{"name":"{name}","description":"{name}","firewall_id":"{ips_firewall}","mode":"IPS_MODE_BLOCK"}`},
		{
			resource: "security.waf",
			body: `{"name":"{name}","description":"{name}","domain":"{name}.example.com","http_ports":[80],` +
				`"origin_addresses":["203.0.113.20"]}`,
		},
		{resource: "security.antivirus", single: true, body: `{"name":"{name}","description":"{name}","vm_id":"{compute.vm}"}`},
		{resource: "security.ike_policy", body: `{"name":"{name}","description":"{name}"}`},
		{resource: "security.ipsec_policy", body: `{"name":"{name}","description":"{name}"}`},
		{
			resource: "security.vpn_service",
			body: `{"name":"{name}","description":"{name}","router_id":"{network.router}","network_id":"{vpn_network|}",` +
				`"subnet_ids":["{network.subnet}"],"bandwidth_mbps":10}`,
		},
		{
			resource: "security.ipsec_connection",
			body: `{"name":"{name}","description":"{name}","vpn_service_id":"{security.vpn_service}","ike_policy_id":"{security.ike_policy}",` +
				`"ipsec_policy_id":"{security.ipsec_policy}","peer_address":"198.51.100.{n}","peer_cidrs":["192.168.{n}.0/24"],` +
				`"local_subnet_ids":["{network.subnet}"],"psk":"{secret}"}`,
			calls: []step{rename("IpsecConnectionService/UpdateIpsecConnection")},
		},
	}
}
