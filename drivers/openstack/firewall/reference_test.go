package firewall

import (
	"slices"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/referencecloud"
)

// rig is the package on the reference cloud.
type rig struct {
	*testing.T
	reference *referencecloud.Cloud
	cloud     *livetest.Cloud
	firewalls securityv1.FirewallServiceClient
	policies  securityv1.FirewallPolicyServiceClient
	rules     securityv1.FirewallRuleServiceClient
}

func newRig(t *testing.T, without ...string) *rig {
	reference := referencecloud.New(t, without...)
	cloud := livetest.OpenAt(t, reference.Settings(), reference.Credentials(), Register)
	return &rig{
		t, reference, cloud, securityv1.NewFirewallServiceClient(cloud.Conn),
		securityv1.NewFirewallPolicyServiceClient(cloud.Conn), securityv1.NewFirewallRuleServiceClient(cloud.Conn),
	}
}

func (r *rig) policy(name string) string {
	return livetest.Must(r.T, r.cloud, name, r.policies.CreateFirewallPolicy,
		&securityv1.CreateFirewallPolicyRequest{Name: name, Description: "策略", Audited: true}).GetId()
}

func (r *rig) rule(name, policyID string, position *int32) string {
	return livetest.Must(r.T, r.cloud, name, r.rules.CreateFirewallRule, &securityv1.CreateFirewallRuleRequest{
		Name: name, FirewallPolicyId: policyID, Position: position, Action: securityv1.FirewallAction_FIREWALL_ACTION_ALLOW,
		Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP, DestinationPort: &apiv1.PortRange{First: 80, Last: 90},
		SourceIpAddress: "10.0.0.0/8",
	}).GetId()
}

func (r *rig) order(policyID string) []string {
	return livetest.Must(r.T, r.cloud, "get", r.policies.GetFirewallPolicy, &securityv1.GetFirewallPolicyRequest{Id: policyID}).GetFirewallPolicy().GetRuleIds()
}

func TestRulesAndTheirPlaces(t *testing.T) {
	r := newRig(t)
	policyID := r.policy("policy")
	first := r.rule("first", policyID, nil)
	third := r.rule("third", policyID, nil)
	second := r.rule("second", policyID, proto.Int32(2))
	if got := r.order(policyID); !slices.Equal(got, []string{first, second, third}) {
		t.Fatalf("order %v, want %v", got, []string{first, second, third})
	}
	again := livetest.Repeat(t, r.cloud, "second", r.rules.CreateFirewallRule, &securityv1.CreateFirewallRuleRequest{
		Name: "second", FirewallPolicyId: policyID, Position: proto.Int32(2), Action: securityv1.FirewallAction_FIREWALL_ACTION_ALLOW,
		Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP,
	}).GetId()
	if again != second || len(r.order(policyID)) != 3 {
		t.Errorf("a repeat made %s beside %s: %v", again, second, r.order(policyID))
	}
	livetest.Must(t, r.cloud, "move", r.rules.UpdateFirewallRule, &securityv1.UpdateFirewallRuleRequest{Id: third, Position: proto.Int32(1)})
	if got := r.order(policyID); !slices.Equal(got, []string{third, first, second}) {
		t.Errorf("after the move: %v", got)
	}
	v := livetest.Must(t, r.cloud, "get", r.rules.GetFirewallRule, &securityv1.GetFirewallRuleRequest{Id: second}).GetFirewallRule()
	if v.GetPosition() != 3 || v.GetFirewallPolicyId() != policyID || v.GetDestinationPort().GetLast() != 90 || !v.GetEnabled() ||
		v.GetSourceIpAddress() != "10.0.0.0/8" || v.GetIpVersion() != apiv1.IpVersion_IP_VERSION_IPV4 {
		t.Errorf("rule: %v", v)
	}
	icmp := securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6
	livetest.Must(t, r.cloud, "to ICMPv6", r.rules.UpdateFirewallRule, &securityv1.UpdateFirewallRuleRequest{
		Id: second, Protocol: &icmp, SourceIpAddress: proto.String("fd00::/8"),
	})
	v = livetest.Must(t, r.cloud, "get", r.rules.GetFirewallRule, &securityv1.GetFirewallRuleRequest{Id: second}).GetFirewallRule()
	if v.GetProtocol() != icmp || v.GetDestinationPort() != nil || v.GetIpVersion() != apiv1.IpVersion_IP_VERSION_IPV6 {
		t.Errorf("rule of ICMPv6: %v", v)
	}
	page := livetest.Must(t, r.cloud, "list", r.rules.ListFirewallRules, &securityv1.ListFirewallRulesRequest{FirewallPolicyId: policyID})
	if got := page.GetFirewallRules(); len(got) != 3 || got[0].GetId() != third || got[2].GetPosition() != 3 {
		t.Errorf("rules of the policy: %v", got)
	}
	livetest.Must(t, r.cloud, "delete", r.rules.DeleteFirewallRule, &securityv1.DeleteFirewallRuleRequest{Id: first})
	livetest.Must(t, r.cloud, "delete again", r.rules.DeleteFirewallRule, &securityv1.DeleteFirewallRuleRequest{Id: first})
	livetest.Must(t, r.cloud, "delete policy", r.policies.DeleteFirewallPolicy, &securityv1.DeleteFirewallPolicyRequest{Id: policyID})
	left := livetest.Must(t, r.cloud, "list", r.rules.ListFirewallRules, &securityv1.ListFirewallRulesRequest{})
	if len(left.GetFirewallRules()) != 0 {
		t.Errorf("the policy's rules are left: %v", left)
	}
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", r.rules.CreateFirewallRule, &securityv1.CreateFirewallRuleRequest{
		Name: "late", FirewallPolicyId: policyID, Action: securityv1.FirewallAction_FIREWALL_ACTION_DENY, Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ANY,
	})
}

func TestFirewallAtARouter(t *testing.T) {
	r := newRig(t)
	const router, vm = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
	r.reference.AddPort("network:router_interface", router)
	r.reference.AddPort("network:router_gateway", router)
	nic := r.reference.AddPort("compute:nova", vm)
	in, out := r.policy("in"), r.policy("out")
	allowed := r.rule("web", in, nil)
	create := &securityv1.CreateFirewallRequest{
		Name: "border", Scope: securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER, RouterIds: []string{router}, IngressPolicyId: in, EgressPolicyId: out,
	}
	id := livetest.Must(t, r.cloud, "border", r.firewalls.CreateFirewall, create).GetId()
	if again := livetest.Repeat(t, r.cloud, "border", r.firewalls.CreateFirewall, create).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	livetest.Eventually(t, "the firewall filters", func() bool {
		v := livetest.Must(t, r.cloud, "get", r.firewalls.GetFirewall, &securityv1.GetFirewallRequest{Id: id}).GetFirewall()
		return v.GetState() == securityv1.FirewallState_FIREWALL_STATE_ACTIVE
	})
	v := livetest.Must(t, r.cloud, "get", r.firewalls.GetFirewall, &securityv1.GetFirewallRequest{Id: id}).GetFirewall()
	if v.GetScope() != securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER || !slices.Equal(v.GetRouterIds(), []string{router}) ||
		len(v.GetEffectiveIngressRules()) != 1 || v.GetEffectiveIngressRules()[0].GetFirewallRuleId() != allowed || !v.GetStateful() {
		t.Errorf("firewall: %v", v)
	}
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_IN_USE, "security.firewall/"+id, r.policies.DeleteFirewallPolicy,
		&securityv1.DeleteFirewallPolicyRequest{Id: in})
	if got := r.order(in); len(got) != 1 {
		t.Errorf("a refused deletion took rules: %v", got)
	}
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_IN_USE, "", r.firewalls.CreateFirewall, create)
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", r.firewalls.UpdateFirewall,
		&securityv1.UpdateFirewallRequest{Id: id, NicIds: &apiv1.StringList{Values: []string{nic}}})
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", r.firewalls.CreateFirewall,
		&securityv1.CreateFirewallRequest{Name: "nowhere", RouterIds: []string{vm}})
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "", r.firewalls.CreateFirewall,
		&securityv1.CreateFirewallRequest{Name: "subnets", Scope: securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET})

	livetest.Must(t, r.cloud, "off", r.firewalls.UpdateFirewall, &securityv1.UpdateFirewallRequest{Id: id, Enabled: proto.Bool(false), EgressPolicyId: proto.String("")})
	v = livetest.Must(t, r.cloud, "list", r.firewalls.ListFirewalls, &securityv1.ListFirewallsRequest{Ids: []string{id}}).GetFirewalls()[0]
	if v.GetState() != securityv1.FirewallState_FIREWALL_STATE_INACTIVE || v.GetEnabled() || v.GetEgressPolicyId() != "" {
		t.Errorf("switched off: %v", v)
	}
	livetest.Must(t, r.cloud, "delete", r.firewalls.DeleteFirewall, &securityv1.DeleteFirewallRequest{Id: id})
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_NOT_FOUND, "", r.firewalls.GetFirewall, &securityv1.GetFirewallRequest{Id: id})
	ofNIC := livetest.Must(t, r.cloud, "nic", r.firewalls.CreateFirewall,
		&securityv1.CreateFirewallRequest{Name: "nic", NicIds: []string{nic}}).GetId()
	v = livetest.Must(t, r.cloud, "get", r.firewalls.GetFirewall, &securityv1.GetFirewallRequest{Id: ofNIC}).GetFirewall()
	if v.GetScope() != securityv1.FirewallScope_FIREWALL_SCOPE_PORT || !slices.Equal(v.GetNicIds(), []string{nic}) {
		t.Errorf("firewall of a NIC: %v", v)
	}
}

// TestFirewallListsCostFewCalls: the ports of all firewalls come in one call.
func TestFirewallListsCostFewCalls(t *testing.T) {
	r := newRig(t)
	for range 5 {
		nic := r.reference.AddPort("compute:nova", "11111111-0000-4000-8000-000000000003")
		livetest.Must(t, r.cloud, nic, r.firewalls.CreateFirewall, &securityv1.CreateFirewallRequest{Name: "nic", NicIds: []string{nic}})
	}
	before := len(r.reference.Calls())
	page := livetest.Must(t, r.cloud, "list", r.firewalls.ListFirewalls, &securityv1.ListFirewallsRequest{PageSize: 3})
	if got := len(r.reference.Calls()) - before; got != 2 || len(page.GetFirewalls()) != 3 || page.GetNextPageToken() == "" {
		t.Errorf("%d calls for %v", got, page)
	}
	rest := livetest.Must(t, r.cloud, "list", r.firewalls.ListFirewalls, &securityv1.ListFirewallsRequest{PageSize: 3, PageToken: page.GetNextPageToken()})
	if len(rest.GetFirewalls()) != 2 || rest.GetNextPageToken() != "" {
		t.Errorf("second page: %v", rest)
	}
}

func TestWithoutTheExtension(t *testing.T) {
	r := newRig(t, "fwaas_v2")
	livetest.Refused(t, r.cloud, apiv1.Reason_REASON_UNSUPPORTED_METHOD, "", r.firewalls.ListFirewalls, &securityv1.ListFirewallsRequest{})
	if len(AbsentFeatures(r.cloud.Session)) != len(Features()) || Offers(r.cloud.Session) {
		t.Error("the account declares firewalls that its cloud lacks")
	}
}
