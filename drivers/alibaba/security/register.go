package security

import (
	"time"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// pollAfter is how soon a started change is worth looking at.
const pollAfter = 2 * time.Second

// Register adds the security services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	securityv1.RegisterFirewallServiceServer(r, &firewallServer{base: b})
	securityv1.RegisterFirewallPolicyServiceServer(r, &policyServer{base: b})
	securityv1.RegisterFirewallRuleServiceServer(r, &ruleServer{base: b})
	securityv1.RegisterIpsServiceServer(r, &ipsServer{base: b})
	securityv1.RegisterWafServiceServer(r, &wafServer{base: b})
	securityv1.RegisterAntivirusServiceServer(r, &antivirusServer{base: b})
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "security.firewall.native"},
		{Name: "security.firewall.description", Note: "of scope SUBNET"},
		{Name: "security.firewall.scope.subnet", Note: "a network ACL"},
		{Name: "security.firewall.network_required", Note: "what can be made is of scope SUBNET"},
		{Name: "security.firewall.scope.internet", Note: "once Cloud Firewall is bought"},
		{Name: "security.firewall_policy.native", Note: "comes with its firewall"},
		{Name: "security.firewall_rule.native"},
		{Name: "security.firewall_rule.description"},
		{Name: "security.firewall_rule.both_ends", Note: "of scope INTERNET"},
		{Name: "security.firewall_rule.action.log", Note: "of scope INTERNET"},
		{Name: "security.firewall_rule.protocol.gre", Note: "of scope SUBNET"},
		{Name: "security.firewall_rule.protocol.icmpv6", Note: "of scope SUBNET"},
		{Name: "security.ips.threat_intelligence"},
		{Name: "security.waf.activate", Note: "orders WAF 3.0, paid as it is used"},
		{Name: "security.antivirus.scan_now"},
	}
}

// Attributes explains the keys of provider_attributes: there are none.
func Attributes() []*driverv1.AttributeDoc { return nil }
