package vpn

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	features := []*driverv1.Feature{
		{Name: "security.vpn_service.description"},
		{Name: "security.vpn_service.tags"},
		{Name: "security.vpn_service.network"},
		{Name: "security.vpn_service.subnets", Note: "two where the region has gateways with two tunnels"},
		{Name: "security.vpn_service.bandwidth", Note: "10, 100, 200, 500 or 1000; of private ones 200 or 1000"},
		{Name: "security.vpn_service.bandwidth_required"},
		{Name: "security.vpn_service.private"},
		{Name: "security.vpn_service.dual_tunnel"},
		{Name: "security.ike_policy.native", Note: "kept as preset tag values of the account"},
		{Name: "security.ike_policy.negotiation_mode.aggressive"},
		{Name: "security.ike_policy.dh_group.g1"},
		{Name: "security.ipsec_policy.native", Note: "kept as preset tag values of the account"},
		{Name: "security.ipsec_policy.pfs_group.g1"},
		{Name: "security.ipsec_policy.pfs_group.disabled"},
		{Name: "security.ipsec_connection.local_cidrs"},
		{Name: "security.ipsec_connection.nat_traversal"},
		{Name: "security.ipsec_connection.standby_peer", Note: "where the gateway has two tunnels"},
	}
	for _, policy := range []string{"security.ike_policy.", "security.ipsec_policy."} {
		features = append(features, &driverv1.Feature{Name: policy + "encryption_algorithm.des"})
		for _, auth := range []string{"md5", "sha384", "sha512"} {
			features = append(features, &driverv1.Feature{Name: policy + "auth_algorithm." + auth})
		}
	}
	return features
}

// Attributes explains the keys of provider_attributes: there are none.
func Attributes() []*driverv1.AttributeDoc { return nil }
