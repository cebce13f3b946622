package loadbalancer

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "network.vip.tags"},
		{Name: "network.vip.l4"},
		{Name: "network.vip.l7"},
		{Name: "network.vip.l4_l7"},
		{Name: "network.vip.internet", Note: "the subnet tells the zone only"},
		{Name: "network.vip.address"},
		{Name: "network.vip.enabled"},
		{Name: "network.vip.edition", Note: "a specification such as slb.s2.medium, or PayByCLCU; slb.s1.small if none is given"},
		{Name: "network.pool.tags"},
		{Name: "network.pool.source_ip_port", Note: "of TCP and UDP"},
		{Name: "network.pool.sticky_source_ip", Note: "of TCP, at most 3600 seconds"},
		{Name: "network.pool.no_monitor"},
		{Name: "network.member.weight"},
		{Name: "network.listener.tags"},
	}
}

// Attributes explains the keys of provider_attributes: there are none.
func Attributes() []*driverv1.AttributeDoc { return nil }
