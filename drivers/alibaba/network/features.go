package network

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "network.network.cidr", Note: "10.0.0.0/8 if none is given"},
		{Name: "network.network.description"},
		{Name: "network.network.tags"},
		{Name: "network.subnet.zonal", Note: "a subnet is in one zone"},
		{Name: "network.subnet.description"},
		{Name: "network.subnet.tags"},
		{Name: "network.router.description"},
		{Name: "network.router.tags"},
		{Name: "network.router.network_scoped"},
		{Name: "network.router.routes", Note: "next hop is a NIC"},
		{Name: "network.security_group.description"},
		{Name: "network.security_group.tags"},
		{Name: "network.security_group.network_scoped"},
		{Name: "network.security_group.deny"},
		{Name: "network.security_group.priority"},
		{Name: "network.nic.description"},
		{Name: "network.nic.tags"},
		{Name: "network.nic.standalone"},
		{Name: "network.public_ip.description"},
		{Name: "network.public_ip.tags"},
		{Name: "network.public_ip.bandwidth"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeSecurityGroupRule, Key: prefixListAttribute, Meaning: "prefix list at the other end of the rule"},
		{Resource: typePublicIP, Key: boundTypeAttribute, Meaning: "kind of thing that the address is bound to, where it is no NIC"},
		{Resource: typePublicIP, Key: boundIDAttribute, Meaning: "id of the thing that the address is bound to, where it is no NIC"},
	}
}
