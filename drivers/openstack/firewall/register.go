package firewall

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// extension is the alias of the extension of Neutron that the package works on.
const extension = "fwaas_v2"

// Register adds the firewall services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	securityv1.RegisterFirewallServiceServer(r, &firewallServer{base: b})
	securityv1.RegisterFirewallPolicyServiceServer(r, &policyServer{base: b})
	securityv1.RegisterFirewallRuleServiceServer(r, &ruleServer{base: b})
}

// Offers tells whether the account's cloud has the service.
func Offers(s *session.Session) bool { return s.Network != nil && s.Extensions[extension] }

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "security.firewall.scope.router", Note: "the interfaces that the routers have when it is said"},
		{Name: "security.firewall.scope.port", Note: "NICs of VMs, where the cloud's firewall driver filters them"},
		{Name: "security.firewall.disable"},
		{Name: "security.firewall_rule.source_port"},
		{Name: "security.firewall_rule.action.reject"},
		{Name: "security.firewall_rule.protocol.icmpv6"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	if Offers(s) {
		return nil
	}
	return sdk.FeatureNames(Features())
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// open finds the session of the call's account and its Neutron client. Errors:
// UNSUPPORTED_METHOD where the extension is absent.
func (b base) open(ctx context.Context) (*session.Session, *rest.Client, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !Offers(s) {
		return nil, nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD)
	}
	return s, rest.For(s, s.Network), nil
}
