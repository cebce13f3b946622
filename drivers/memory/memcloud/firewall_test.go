package memcloud

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

// guard is the rig with clients of firewalls, policies and rules.
type guard struct {
	*rig
	firewall securityv1.FirewallServiceClient
	policy   securityv1.FirewallPolicyServiceClient
	rule     securityv1.FirewallRuleServiceClient
}

func newGuard(t *testing.T) *guard {
	t.Helper()
	r := newRig(t)
	return &guard{r, securityv1.NewFirewallServiceClient(r.conn), securityv1.NewFirewallPolicyServiceClient(r.conn), securityv1.NewFirewallRuleServiceClient(r.conn)}
}

func (g *guard) newRouter() string {
	g.Helper()
	id := must[*networkv1.CreateRouterResponse](g.T)(g.router.CreateRouter(g.Context(), &networkv1.CreateRouterRequest{Name: "rt"})).GetId()
	g.settle()
	return id
}

func (g *guard) newPolicy() string {
	g.Helper()
	return must[*securityv1.CreateFirewallPolicyResponse](g.T)(g.policy.CreateFirewallPolicy(g.Context(), &securityv1.CreateFirewallPolicyRequest{Name: "pol", Audited: true})).GetId()
}

func (g *guard) getPolicy(id string) *securityv1.FirewallPolicy {
	g.Helper()
	return must[*securityv1.GetFirewallPolicyResponse](g.T)(g.policy.GetFirewallPolicy(g.Context(), &securityv1.GetFirewallPolicyRequest{Id: id})).GetFirewallPolicy()
}

func (g *guard) newFirewall(req *securityv1.CreateFirewallRequest) string {
	g.Helper()
	id := must[*securityv1.CreateFirewallResponse](g.T)(g.firewall.CreateFirewall(g.Context(), req)).GetId()
	g.settle()
	return id
}

func (g *guard) getFirewall(id string) *securityv1.Firewall {
	g.Helper()
	return must[*securityv1.GetFirewallResponse](g.T)(g.firewall.GetFirewall(g.Context(), &securityv1.GetFirewallRequest{Id: id})).GetFirewall()
}

func (g *guard) newRule(policyID, name string, position *int32) string {
	g.Helper()
	return must[*securityv1.CreateFirewallRuleResponse](g.T)(g.rule.CreateFirewallRule(g.Context(), &securityv1.CreateFirewallRuleRequest{
		Name: name, FirewallPolicyId: policyID, Position: position,
		Action: securityv1.FirewallAction_FIREWALL_ACTION_ALLOW, Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP,
		SourceIpAddress: "10.0.0.0/8", DestinationPort: &apiv1.PortRange{First: 80, Last: 443},
	})).GetId()
}

func TestFirewallStates(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	ctx := t.Context()
	router := g.newRouter()
	created := must[*securityv1.CreateFirewallResponse](t)(g.firewall.CreateFirewall(ctx, &securityv1.CreateFirewallRequest{Name: "fw", RouterIds: []string{router}}))
	id := created.GetId()
	if created.GetState() != securityv1.FirewallState_FIREWALL_STATE_CREATING {
		t.Errorf("state is %v", created.GetState())
	}
	update := func(req *securityv1.UpdateFirewallRequest) (*securityv1.UpdateFirewallResponse, error) {
		req.Id = id
		return g.firewall.UpdateFirewall(ctx, req)
	}
	refused[*securityv1.UpdateFirewallResponse](g.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(update(&securityv1.UpdateFirewallRequest{Name: proto.String("fw2")}))
	g.settle()
	if got := g.getFirewall(id); got.GetState() != securityv1.FirewallState_FIREWALL_STATE_ACTIVE || got.GetScope() != securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER || !got.GetStateful() {
		t.Errorf("firewall is %v", got)
	}
	for name, change := range map[string]*securityv1.UpdateFirewallRequest{
		"disabled": {Enabled: proto.Bool(false)},
		"unbound":  {Enabled: proto.Bool(true), RouterIds: &apiv1.StringList{}},
	} {
		if got := must[*securityv1.UpdateFirewallResponse](t)(update(change)).GetState(); got != securityv1.FirewallState_FIREWALL_STATE_UPDATING {
			t.Errorf("%s: state is %v", name, got)
		}
		g.settle()
		if got := g.getFirewall(id).GetState(); got != securityv1.FirewallState_FIREWALL_STATE_INACTIVE {
			t.Errorf("%s: state is %v", name, got)
		}
		must[*securityv1.UpdateFirewallResponse](t)(update(&securityv1.UpdateFirewallRequest{Enabled: proto.Bool(true), RouterIds: &apiv1.StringList{Values: []string{router}}}))
		g.settle()
	}
	_, err := g.firewall.CreateFirewall(ctx, &securityv1.CreateFirewallRequest{Name: "second", RouterIds: []string{router}})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != firewalls.blocker(id) {
		t.Errorf("second firewall of a router: %v", err)
	}
	must[*networkv1.DeleteRouterResponse](t)(g.router.DeleteRouter(ctx, &networkv1.DeleteRouterRequest{Id: router}))
	g.settle()
	if got := g.getFirewall(id); got.GetState() != securityv1.FirewallState_FIREWALL_STATE_INACTIVE || len(got.GetRouterIds()) != 0 {
		t.Errorf("firewall of a router that is gone is %v", got)
	}
	must[*securityv1.DeleteFirewallResponse](t)(g.firewall.DeleteFirewall(ctx, &securityv1.DeleteFirewallRequest{Id: id}))
	g.settle()
	refused[*securityv1.GetFirewallResponse](g.rig, apiv1.Reason_REASON_NOT_FOUND)(g.firewall.GetFirewall(ctx, &securityv1.GetFirewallRequest{Id: id}))
	if got := must[*securityv1.DeleteFirewallResponse](t)(g.firewall.DeleteFirewall(ctx, &securityv1.DeleteFirewallRequest{Id: id})).GetState(); got != securityv1.FirewallState_FIREWALL_STATE_DELETED {
		t.Errorf("deleting what is gone: %v", got)
	}
}

func TestFirewallScopes(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	network, subnet := g.newSubnet("10.0.0.0/24")
	_, foreign := g.newSubnet("10.1.0.0/24")
	nic := must[*networkv1.CreateNicResponse](t)(g.nic.CreateNic(t.Context(), &networkv1.CreateNicRequest{Name: "nic", SubnetId: subnet})).GetId()
	router := g.newRouter()
	for name, tc := range map[string]struct {
		req  *securityv1.CreateFirewallRequest
		want apiv1.Reason
		is   string
	}{
		"subnet":              {&securityv1.CreateFirewallRequest{Scope: securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET, NetworkId: network, SubnetIds: []string{subnet}}, 0, ""},
		"subnet elsewhere":    {&securityv1.CreateFirewallRequest{Scope: securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET, NetworkId: network, SubnetIds: []string{foreign}}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "subnet_ids[0]"},
		"port":                {&securityv1.CreateFirewallRequest{Scope: securityv1.FirewallScope_FIREWALL_SCOPE_PORT, NicIds: []string{nic}}, 0, ""},
		"router with a NIC":   {&securityv1.CreateFirewallRequest{RouterIds: []string{router}, NicIds: []string{nic}}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "nic_ids"},
		"router in a network": {&securityv1.CreateFirewallRequest{RouterIds: []string{router}, NetworkId: network}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "network_id"},
		"absent router":       {&securityv1.CreateFirewallRequest{RouterIds: []string{"rtr-no"}}, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "router_ids[0]"},
		"absent policy":       {&securityv1.CreateFirewallRequest{EgressPolicyId: "fwp-no"}, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "egress_policy_id"},
		"host":                {&securityv1.CreateFirewallRequest{Scope: securityv1.FirewallScope_FIREWALL_SCOPE_HOST}, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, ""},
	} {
		tc.req.Name = "fw"
		_, err := g.firewall.CreateFirewall(t.Context(), tc.req)
		if tc.want == 0 && err == nil {
			continue
		}
		if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.is {
			t.Errorf("%s: %v", name, err)
		}
	}
	g.settle()
	must[*networkv1.DeleteNicResponse](t)(g.nic.DeleteNic(t.Context(), &networkv1.DeleteNicRequest{Id: nic}))
	g.settle()
	refused[*networkv1.DeleteNetworkResponse](g.rig, apiv1.Reason_REASON_IN_USE)(g.network.DeleteNetwork(t.Context(), &networkv1.DeleteNetworkRequest{Id: network}))
	must[*networkv1.DeleteSubnetResponse](t)(g.subnet.DeleteSubnet(t.Context(), &networkv1.DeleteSubnetRequest{Id: subnet}))
	g.settle()
	for _, firewall := range must[*securityv1.ListFirewallsResponse](t)(g.firewall.ListFirewalls(t.Context(), &securityv1.ListFirewallsRequest{})).GetFirewalls() {
		if firewall.GetState() != securityv1.FirewallState_FIREWALL_STATE_INACTIVE {
			t.Errorf("firewall of what is gone is %v", firewall)
		}
	}
}

func TestFirewallPolicies(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	ctx := t.Context()
	policy, other := g.newPolicy(), g.newPolicy()
	rule := g.newRule(policy, "web", nil)
	if g.getPolicy(policy).GetAudited() {
		t.Error("audited after a rule came")
	}
	id := g.newFirewall(&securityv1.CreateFirewallRequest{Name: "fw", IngressPolicyId: policy, EgressPolicyId: policy})
	if got := g.getPolicy(policy).GetFirewallIds(); !slices.Equal(got, []string{id}) {
		t.Errorf("firewalls of the policy: %v", got)
	}
	_, err := g.policy.DeleteFirewallPolicy(ctx, &securityv1.DeleteFirewallPolicyRequest{Id: policy})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != firewalls.blocker(id) {
		t.Errorf("deleting a policy in use: %v", err)
	}
	must[*securityv1.UpdateFirewallResponse](t)(g.firewall.UpdateFirewall(ctx, &securityv1.UpdateFirewallRequest{
		Id: id, IngressPolicyId: proto.String(""), EgressPolicyId: proto.String(other)}))
	if got := g.getPolicy(policy).GetFirewallIds(); len(got) != 0 {
		t.Errorf("firewalls of the policy: %v", got)
	}
	must[*securityv1.DeleteFirewallPolicyResponse](t)(g.policy.DeleteFirewallPolicy(ctx, &securityv1.DeleteFirewallPolicyRequest{Id: policy}))
	refused[*securityv1.GetFirewallRuleResponse](g.rig, apiv1.Reason_REASON_NOT_FOUND)(g.rule.GetFirewallRule(ctx, &securityv1.GetFirewallRuleRequest{Id: rule}))
	g.settle()
	must[*securityv1.DeleteFirewallResponse](t)(g.firewall.DeleteFirewall(ctx, &securityv1.DeleteFirewallRequest{Id: id}))
	g.settle()
	if got := g.getPolicy(other).GetFirewallIds(); len(got) != 0 {
		t.Errorf("firewalls of the policy: %v", got)
	}
}

func TestFirewallRulesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	ctx := t.Context()
	policy := g.newPolicy()
	a, c := g.newRule(policy, "a", nil), g.newRule(policy, "c", proto.Int32(99))
	b := g.newRule(policy, "b", proto.Int32(2))
	ordered := func(want ...string) {
		t.Helper()
		if got := g.getPolicy(policy).GetRuleIds(); !slices.Equal(got, want) {
			t.Errorf("rules are %v, want %v", got, want)
		}
		for i, id := range want {
			rule := must[*securityv1.GetFirewallRuleResponse](t)(g.rule.GetFirewallRule(ctx, &securityv1.GetFirewallRuleRequest{Id: id})).GetFirewallRule()
			if rule.GetPosition() != int32(i+1) {
				t.Errorf("rule %s is at %d, want %d", rule.GetName(), rule.GetPosition(), i+1)
			}
		}
	}
	update := func(req *securityv1.UpdateFirewallRuleRequest) {
		t.Helper()
		must[*securityv1.UpdateFirewallRuleResponse](t)(g.rule.UpdateFirewallRule(ctx, req))
	}
	ordered(a, b, c)
	update(&securityv1.UpdateFirewallRuleRequest{Id: c, Position: proto.Int32(1)})
	ordered(c, a, b)
	update(&securityv1.UpdateFirewallRuleRequest{Id: a, Enabled: proto.Bool(false)})
	id := g.newFirewall(&securityv1.CreateFirewallRequest{Name: "fw", IngressPolicyId: policy})
	var inForce []string
	for _, rule := range g.getFirewall(id).GetEffectiveIngressRules() {
		inForce = append(inForce, rule.GetFirewallRuleId())
	}
	if !slices.Equal(inForce, []string{c, b}) {
		t.Errorf("in force: %v", inForce)
	}
	must[*securityv1.DeleteFirewallRuleResponse](t)(g.rule.DeleteFirewallRule(ctx, &securityv1.DeleteFirewallRuleRequest{Id: c}))
	ordered(a, b)
	must[*securityv1.DeleteFirewallRuleResponse](t)(g.rule.DeleteFirewallRule(ctx, &securityv1.DeleteFirewallRuleRequest{Id: c}))
	found := must[*securityv1.ListFirewallRulesResponse](t)(g.rule.ListFirewallRules(ctx, &securityv1.ListFirewallRulesRequest{
		FirewallPolicyId: policy, Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP})).GetFirewallRules()
	if len(found) != 2 {
		t.Errorf("%d rules found", len(found))
	}
}

func TestFirewallRuleContent(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	policy := g.newPolicy()
	for name, tc := range map[string]struct {
		change *securityv1.UpdateFirewallRuleRequest
		want   apiv1.Reason
		field  string
	}{
		"ICMP drops the ports":  {&securityv1.UpdateFirewallRuleRequest{Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP.Enum()}, 0, ""},
		"ICMP with ports":       {&securityv1.UpdateFirewallRuleRequest{Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP.Enum(), SourcePort: &apiv1.PortRange{First: 1, Last: 2}}, apiv1.Reason_REASON_PARAMETER_REJECTED, "source_port"},
		"ICMPv6 from IPv4":      {&securityv1.UpdateFirewallRuleRequest{Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6.Enum()}, apiv1.Reason_REASON_PARAMETER_REJECTED, "source_ip_address"},
		"two families":          {&securityv1.UpdateFirewallRuleRequest{DestinationIpAddress: proto.String("fd00::/8")}, apiv1.Reason_REASON_PARAMETER_REJECTED, "destination_ip_address"},
		"all ports are no port": {&securityv1.UpdateFirewallRuleRequest{DestinationPort: &apiv1.PortRange{First: 1, Last: 65535}}, 0, ""},
	} {
		tc.change.Id = g.newRule(policy, "r", nil)
		_, err := g.rule.UpdateFirewallRule(t.Context(), tc.change)
		if tc.want != 0 {
			if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.field {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		rule := must[*securityv1.GetFirewallRuleResponse](t)(g.rule.GetFirewallRule(t.Context(), &securityv1.GetFirewallRuleRequest{Id: tc.change.Id})).GetFirewallRule()
		if err != nil || rule.GetDestinationPort() != nil || rule.GetIpVersion() != apiv1.IpVersion_IP_VERSION_IPV4 {
			t.Errorf("%s: %v, rule is %v", name, err, rule)
		}
	}
	refused[*securityv1.CreateFirewallRuleResponse](g.rig, apiv1.Reason_REASON_REFERENCE_NOT_FOUND)(g.rule.CreateFirewallRule(t.Context(), &securityv1.CreateFirewallRuleRequest{Name: "r", FirewallPolicyId: "fwp-no"}))
}

func TestIntrusionPreventionFollowsItsFirewall(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	ctx := t.Context()
	client := securityv1.NewIpsServiceClient(g.conn)
	firewall := g.newFirewall(&securityv1.CreateFirewallRequest{Name: "fw", RouterIds: []string{g.newRouter()}})
	create := func() (*securityv1.CreateIpsResponse, error) {
		return client.CreateIps(ctx, &securityv1.CreateIpsRequest{Name: "ips", FirewallId: firewall, Mode: securityv1.IpsMode_IPS_MODE_BLOCK})
	}
	id := must[*securityv1.CreateIpsResponse](t)(create()).GetId()
	if id != firewall+"~~ips" {
		t.Errorf("id is %s", id)
	}
	is := func(want securityv1.IpsState) {
		t.Helper()
		got := must[*securityv1.GetIpsResponse](t)(client.GetIps(ctx, &securityv1.GetIpsRequest{Id: id})).GetIps()
		if got.GetState() != want || !got.GetBasicRules() || got.GetLevel() != securityv1.IpsLevel_IPS_LEVEL_MEDIUM {
			t.Errorf("IPS is %v, want %v", got, want)
		}
	}
	is(securityv1.IpsState_IPS_STATE_CREATING)
	g.settle()
	is(securityv1.IpsState_IPS_STATE_ACTIVE)
	refused[*securityv1.CreateIpsResponse](g.rig, apiv1.Reason_REASON_ALREADY_EXISTS)(create())
	must[*securityv1.UpdateFirewallResponse](t)(g.firewall.UpdateFirewall(ctx, &securityv1.UpdateFirewallRequest{Id: firewall, Enabled: proto.Bool(false)}))
	g.settle()
	is(securityv1.IpsState_IPS_STATE_INACTIVE)
	_, err := g.firewall.DeleteFirewall(ctx, &securityv1.DeleteFirewallRequest{Id: firewall})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != ipsSettings.blocker(id) {
		t.Errorf("deleting a firewall with IPS: %v", err)
	}
	must[*securityv1.DeleteIpsResponse](t)(client.DeleteIps(ctx, &securityv1.DeleteIpsRequest{Id: id}))
	refused[*securityv1.CreateIpsResponse](g.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(create())
	g.settle()
	if again := must[*securityv1.CreateIpsResponse](t)(create()).GetId(); again != id {
		t.Errorf("id is %s, was %s", again, id)
	}
}
