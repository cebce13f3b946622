package network

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

const featurePublicSpace = "network.subnet.public_space"

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "network.network.description"},
		{Name: "network.network.tags"},
		{Name: "network.network.mtu"},
		{Name: "network.network.port_security"},
		{Name: "network.network.zone_hints"},
		{Name: "network.subnet.description"},
		{Name: "network.subnet.tags"},
		{Name: "network.subnet.ipv6", Note: "one address family for each subnet"},
		{Name: "network.subnet.gateway_ip"},
		{Name: "network.subnet.dhcp"},
		{Name: "network.subnet.dns"},
		{Name: "network.subnet.shared_space"},
		{Name: featurePublicSpace, Note: "where the account's setting public_subnets allows it"},
		{Name: "network.router.description"},
		{Name: "network.router.tags"},
		{Name: "network.router.external_gateway", Note: "snat_enabled is for administrators by default"},
		{Name: "network.router.routes"},
		{Name: "network.route.next_hop_ip"},
		{Name: "network.security_group.description"},
		{Name: "network.security_group.tags"},
		{Name: "network.security_group.icmp_type"},
		{Name: "network.security_group.protocol_number"},
		{Name: "network.nic.description"},
		{Name: "network.nic.tags"},
		{Name: "network.nic.standalone"},
		{Name: "network.nic.mac", Note: "in the project's own networks by default"},
		{Name: "network.nic.port_security"},
		{Name: "network.public_ip.description"},
		{Name: "network.public_ip.tags"},
		{Name: "network.public_ip.pool"},
		{Name: "network.public_ip.address", Note: "for administrators by default"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: rules.Type, Key: addressGroupAttribute, Meaning: "address group at the other end of the rule"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks: they
// are extensions of Neutron. Public ranges are the operator's decision.
func AbsentFeatures(s *session.Session) []string {
	var absent []string
	if !s.PublicSubnets {
		absent = append(absent, featurePublicSpace)
	}
	for feature, extension := range map[string]string{
		"network.network.mtu":             "net-mtu-writable",
		"network.network.port_security":   "port-security",
		"network.nic.port_security":       "port-security",
		"network.network.zone_hints":      "network_availability_zone",
		"network.router.external_gateway": "ext-gw-mode",
		"network.router.routes":           "extraroute",
		"network.route.next_hop_ip":       "extraroute",
		"network.public_ip.pool":          "router",
		"network.public_ip.address":       "router",
		"network.network.tags":            "standard-attr-tag",
		"network.subnet.tags":             "standard-attr-tag",
		"network.router.tags":             "standard-attr-tag",
		"network.security_group.tags":     "standard-attr-tag",
		"network.nic.tags":                "standard-attr-tag",
		"network.public_ip.tags":          "standard-attr-tag",
	} {
		if !s.Extensions[extension] {
			absent = append(absent, feature)
		}
	}
	return absent
}
