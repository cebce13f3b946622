package main

import (
	"fmt"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// features lists what memcloud does of what the contract leaves optional.
func features() []*driverv1.Feature {
	names := []string{
		"compute.container.command",
		"compute.container.registry_auth",
		"compute.container.restart_policy",
		"compute.container.secret_environment",
		"compute.container.zone",
		"compute.vm.boot_disk",
		"compute.vm.data_disk_from_snapshot",
		"compute.vm.data_disks",
		"compute.vm.fixed_ip",
		"compute.vm.force_stop",
		"compute.vm.host_name",
		"compute.vm.key_pair",
		"compute.vm.nic_by_id",
		"compute.vm.password",
		"compute.vm.release_at",
		"compute.vm.security_groups",
		"compute.vm.user_data",
		"compute.vm.zone",
		"database.instance.admin_account",
		"database.instance.admin_name",
		"database.instance.allowed_cidrs",
		"database.instance.high_availability",
		"database.instance.storage_type",
		"database.instance.zone",
		"network.listener.allowed_cidrs",
		"network.listener.connection_limit",
		"network.listener.tls",
		"network.member.backup",
		"network.member.weight",
		"network.network.cidr",
		"network.network.mtu",
		"network.network.port_security",
		"network.network.zone_hints",
		"network.nic.mac",
		"network.nic.port_security",
		"network.pool.address_members",
		"network.pool.least_connections",
		"network.pool.source_ip_port",
		"network.pool.sticky_source_ip",
		"network.pool.tls",
		"network.public_ip.address",
		"network.public_ip.bandwidth",
		"network.public_ip.pool",
		"network.route.next_hop_ip",
		"network.router.external_gateway",
		"network.security_group.deny",
		"network.security_group.icmp_type",
		"network.security_group.priority",
		"network.security_group.protocol_number",
		"network.subnet.dhcp",
		"network.subnet.dns",
		"network.subnet.gateway_ip",
		"network.subnet.ipv6",
		"network.subnet.shared_space",
		"network.vip.address",
		"network.vip.edition",
		"network.vip.enabled",
		"network.vip.internet",
		"network.vip.l4_l7",
		"security.antivirus.scan_now",
		"security.firewall.disable",
		"security.firewall.native",
		"security.firewall.scope.port",
		"security.firewall.scope.router",
		"security.firewall.scope.subnet",
		"security.firewall_policy.native",
		"security.firewall_rule.action.log",
		"security.firewall_rule.action.reject",
		"security.firewall_rule.both_ends",
		"security.firewall_rule.native",
		"security.firewall_rule.protocol.gre",
		"security.firewall_rule.protocol.icmpv6",
		"security.firewall_rule.source_port",
		"security.ike_policy.native",
		"security.ike_policy.negotiation_mode.aggressive",
		"security.ips.threat_intelligence",
		"security.ipsec_connection.disable",
		"security.ipsec_connection.dpd_timers",
		"security.ipsec_connection.local_cidrs",
		"security.ipsec_connection.mtu",
		"security.ipsec_connection.nat_traversal",
		"security.ipsec_connection.peer_fqdn",
		"security.ipsec_connection.response_only",
		"security.ipsec_connection.standby_peer",
		"security.ipsec_policy.encapsulation_mode.transport",
		"security.ipsec_policy.native",
		"security.ipsec_policy.pfs_group.disabled",
		"security.ipsec_policy.transform_protocol.ah",
		"security.vpn_service.bandwidth",
		"security.vpn_service.disable",
		"security.vpn_service.network",
		"security.vpn_service.private",
		"security.vpn_service.router",
		"security.waf.activate",
		"storage.disk.delete_with_vm",
		"storage.disk.device",
		"storage.disk.encrypt",
		"storage.disk.from_image",
		"storage.disk.from_snapshot",
		"storage.disk.multi_attach",
		"storage.disk.performance",
		"storage.disk.resize",
		"storage.disk.resize_attached",
		"storage.image.deactivate",
		"storage.image.force_delete",
		"storage.image.from_snapshot",
		"storage.image.from_vm",
		"storage.snapshot.never_attached_disk",
		"storage.snapshot.restore",
		"storage.snapshot.retention",
	}
	names = append(names, cipherFeatures()...)
	names = append(names, memcloud.TenantFeatures()...)
	declared := make([]*driverv1.Feature, 0, len(names))
	for _, name := range names {
		declared = append(declared, &driverv1.Feature{Name: name})
	}
	return declared
}

// cipherFeatures are those of the algorithms that not every cloud has; memcloud
// encrypts nothing and takes all.
func cipherFeatures() []string {
	var names []string
	for _, policy := range []string{"security.ike_policy.", "security.ipsec_policy."} {
		names = append(names, policy+"encryption_algorithm.des")
		for _, auth := range []string{"aes_cmac", "aes_xcbc", "md5", "sha384", "sha512"} {
			names = append(names, policy+"auth_algorithm."+auth)
		}
	}
	for _, group := range []int{1, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31} {
		names = append(names, fmt.Sprintf("security.ike_policy.dh_group.g%d", group), fmt.Sprintf("security.ipsec_policy.pfs_group.g%d", group))
	}
	return names
}
