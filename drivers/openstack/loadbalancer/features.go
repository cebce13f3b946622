package loadbalancer

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const featureSourceIPPort = "network.pool.source_ip_port"

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "network.vip.description"},
		{Name: "network.vip.tags"},
		{Name: "network.vip.l4"},
		{Name: "network.vip.l7"},
		{Name: "network.vip.l4_l7"},
		{Name: "network.vip.address"},
		{Name: "network.vip.enabled"},
		{Name: "network.vip.edition", Note: "a flavor of the load balancer service, by id"},
		{Name: "network.pool.description"},
		{Name: "network.pool.tags"},
		{Name: featureSourceIPPort, Note: "of the provider ovn only"},
		{Name: "network.pool.least_connections"},
		{Name: "network.pool.address_members"},
		{Name: "network.pool.sticky_source_ip"},
		{Name: "network.pool.tls"},
		{Name: "network.pool.no_monitor"},
		{Name: "network.member.weight"},
		{Name: "network.member.backup"},
		{Name: "network.listener.description"},
		{Name: "network.listener.tags"},
		{Name: "network.listener.allowed_cidrs"},
		{Name: "network.listener.connection_limit"},
		{Name: "network.listener.tls"},
		{Name: "network.public_ip.bind_vip", Note: "by the NIC of the VIP"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: vips.Type, Key: attributeProvider, Meaning: "provider of the load balancer, such as amphora or ovn"},
		{Resource: pools.Type, Key: attributeProtocol, Meaning: "the service's own word for the protocol, where the contract has none or another"},
		{Resource: listeners.Type, Key: attributeProtocol, Meaning: "the service's own word for the protocol, where the contract has none or another"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	if s.LoadBalancer == nil {
		return sdk.FeatureNames(Features())
	}
	var absent []string
	if s.LoadBalancerProviders != nil && !s.LoadBalancerProviders["ovn"] {
		absent = append(absent, featureSourceIPPort)
	}
	if !s.Extensions["router"] {
		absent = append(absent, "network.public_ip.bind_vip")
	}
	return absent
}
