package main

import driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

// features lists what memcloud does of what the contract leaves optional.
func features() []*driverv1.Feature {
	names := []string{
		"compute.vm.boot_disk",
		"compute.vm.data_disk_from_snapshot",
		"compute.vm.data_disks",
		"compute.vm.fixed_ip",
		"compute.vm.force_stop",
		"compute.vm.host_name",
		"compute.vm.key_pair",
		"compute.vm.nic_by_id",
		"compute.vm.password",
		"compute.vm.security_groups",
		"compute.vm.user_data",
		"compute.vm.zone",
		"network.network.cidr",
		"network.network.mtu",
		"network.network.port_security",
		"network.network.zone_hints",
		"network.nic.mac",
		"network.nic.port_security",
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
	declared := make([]*driverv1.Feature, 0, len(names))
	for _, name := range names {
		declared = append(declared, &driverv1.Feature{Name: name})
	}
	return declared
}
