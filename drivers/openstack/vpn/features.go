package vpn

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	featureAggressive = "security.ike_policy.negotiation_mode.aggressive"
	noteAgent         = "if the agents of the cloud have it; refused otherwise"
)

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "security.vpn_service.description"},
		{Name: "security.vpn_service.router"},
		{Name: "security.vpn_service.network", Note: "at the network's only router with an external gateway"},
		{Name: "security.vpn_service.disable"},
		{Name: "security.ike_policy.description"},
		{Name: "security.ike_policy.native"},
		{Name: featureAggressive, Note: noteAgent},
		{Name: "security.ike_policy.auth_algorithm.sha384", Note: noteAgent},
		{Name: "security.ike_policy.auth_algorithm.sha512", Note: noteAgent},
		{Name: "security.ipsec_policy.description"},
		{Name: "security.ipsec_policy.native"},
		{Name: "security.ipsec_policy.auth_algorithm.sha384", Note: noteAgent},
		{Name: "security.ipsec_policy.auth_algorithm.sha512", Note: noteAgent},
		{Name: "security.ipsec_policy.transform_protocol.ah", Note: "AH_ESP " + noteAgent},
		{Name: "security.ipsec_policy.encapsulation_mode.transport"},
		{Name: "security.ipsec_connection.description"},
		{Name: "security.ipsec_connection.peer_fqdn", Note: "must resolve where the network service runs"},
		{Name: "security.ipsec_connection.mtu"},
		{Name: "security.ipsec_connection.dpd_timers"},
		{Name: "security.ipsec_connection.response_only"},
		{Name: "security.ipsec_connection.disable"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	if s.Extensions[extension] {
		return nil
	}
	return sdk.FeatureNames(Features())
}
