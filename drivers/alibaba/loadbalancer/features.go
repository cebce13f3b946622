package loadbalancer

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return append(zonalFeatures(), []*driverv1.Feature{
		{Name: "network.vip.tags"},
		{Name: "network.vip.l4"},
		{Name: "network.vip.l7"},
		{Name: "network.vip.l4_l7"},
		{Name: "network.vip.internet", Note: "the subnet tells the zone only"},
		{Name: "network.vip.address"},
		{Name: "network.vip.enabled"},
		{Name: "network.vip.edition", Note: "alb, alb.Basic, alb.StandardWithWaf, nlb; of CLB a specification such as slb.s2.medium, or PayByCLCU; slb.s1.small if none is given"},
		{Name: "network.pool.tags"},
		{Name: "network.pool.source_ip_port", Note: "of TCP and UDP"},
		{Name: "network.pool.sticky_source_ip", Note: "of TCP on VIPs in one subnet, at most 3600 seconds"},
		{Name: "network.pool.no_monitor"},
		{Name: "network.member.weight"},
		{Name: "network.listener.tags"},
	}...)
}

// zonalFeatures are those of ALB and NLB alone.
func zonalFeatures() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "network.vip.subnets", Note: "two or more, in different zones: ALB for L7, NLB for L4"},
		{Name: "network.pool.least_connections", Note: "of VIPs in several subnets"},
		{Name: "network.pool.address_members", Note: "of VIPs in several subnets"},
		{Name: "network.pool.tls", Note: "of L7 VIPs in several subnets"},
		{Name: "network.listener.tls", Note: "of L4 VIPs in several subnets"},
	}
}

// Absent names the features that an account does not have.
func Absent(s *session.Session) []string {
	if s.Zonal {
		return nil
	}
	var names []string
	for _, feature := range zonalFeatures() {
		names = append(names, feature.GetName())
	}
	return names
}

// Attributes explains the keys of provider_attributes: there are none.
func Attributes() []*driverv1.AttributeDoc { return nil }
