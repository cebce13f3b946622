package main

import (
	"context"
	"testing"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// TestLostAnswersWithoutTokens cuts the connection after each create that takes no ClientToken was
// done, and shows that the repeat of the request finds what it has made.
func TestLostAnswersWithoutTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	conn := r.process.Conn()
	subnetID := r.site().GetNics()[0].GetSubnetId()
	subnet, err := networkv1.NewSubnetServiceClient(conn).GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: subnetID})
	r.must(err)
	networkID := subnet.GetSubnet().GetNetworkId()
	balancers, rules := networkv1.NewLoadBalancerServiceClient(conn), securityv1.NewFirewallRuleServiceClient(conn)
	vip, err := balancers.CreateVip(r.as("vip", 1), &networkv1.CreateVipRequest{
		Name: "vip", Kind: networkv1.VipKind_VIP_KIND_L4, Subnets: []*networkv1.VipSubnet{{SubnetId: subnetID}},
	})
	r.must(err)
	pool, err := balancers.CreatePool(r.as("pool", 1), &networkv1.CreatePoolRequest{
		Name: "pool", VipId: vip.GetId(), Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP,
	})
	r.must(err)
	nic, err := networkv1.NewNicServiceClient(conn).CreateNic(r.as("nic", 1), &networkv1.CreateNicRequest{
		Name: "nic", SubnetId: subnetID, SecurityGroupIds: r.groupsOf(networkID),
	})
	r.must(err)
	firewall := r.firewall("fw", networkID)

	rule := func(policy string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			made, err := rules.CreateFirewallRule(ctx, &securityv1.CreateFirewallRuleRequest{
				Name: "rule", FirewallPolicyId: policy, Action: securityv1.FirewallAction_FIREWALL_ACTION_DENY, Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP,
			})
			return made.GetId(), err
		}
	}
	countRules := func(policy string) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			all, err := rules.ListFirewallRules(ctx, &securityv1.ListFirewallRulesRequest{FirewallPolicyId: policy, Name: "rule"})
			return len(all.GetFirewallRules()), err
		}
	}
	for _, tc := range []struct {
		action string
		create func(context.Context) (string, error)
		count  func(context.Context) (int, error)
	}{
		{
			"Slb.CreateVServerGroup",
			func(ctx context.Context) (string, error) {
				made, err := balancers.CreatePool(ctx, &networkv1.CreatePoolRequest{
					Name: "lost", VipId: vip.GetId(), Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP,
				})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := balancers.ListPools(ctx, &networkv1.ListPoolsRequest{VipId: vip.GetId(), Name: "lost"})
				return len(all.GetPools()), err
			},
		},
		{
			"Slb.CreateLoadBalancerTCPListener",
			func(ctx context.Context) (string, error) {
				made, err := balancers.CreateListener(ctx, &networkv1.CreateListenerRequest{
					Name: "lost", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP, Port: 80, DefaultPoolId: pool.GetId(),
				})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := balancers.ListListeners(ctx, &networkv1.ListListenersRequest{VipId: vip.GetId()})
				return len(all.GetListeners()), err
			},
		},
		{
			"Slb.AddVServerGroupBackendServers",
			func(ctx context.Context) (string, error) {
				made, err := balancers.CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: pool.GetId(), NicId: nic.GetId(), Port: 8080})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := balancers.ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: pool.GetId()})
				return len(all.GetMembers()), err
			},
		},
		{"Vpc.UpdateNetworkAclEntries", rule(firewall + "~~in"), countRules(firewall + "~~in")},
		{"Cloudfw.AddControlPolicy", rule("inet~~out"), countRules("inet~~out")},
		{
			"Tag.CreateTags",
			func(ctx context.Context) (string, error) {
				made, err := securityv1.NewIkePolicyServiceClient(conn).CreateIkePolicy(ctx, &securityv1.CreateIkePolicyRequest{Name: "lost"})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := securityv1.NewIkePolicyServiceClient(conn).ListIkePolicies(ctx, &securityv1.ListIkePoliciesRequest{})
				return len(all.GetIkePolicies()), err
			},
		},
		{
			"waf-openapi.CreateDomain",
			func(ctx context.Context) (string, error) {
				made, err := securityv1.NewWafServiceClient(conn).CreateWaf(ctx, &securityv1.CreateWafRequest{
					Domain: "www.example.com", HttpPorts: []int32{80}, OriginAddresses: []string{"203.0.113.20"},
				})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := securityv1.NewWafServiceClient(conn).ListWafs(ctx, &securityv1.ListWafsRequest{})
				return len(all.GetWafs()), err
			},
		},
		{
			"Cloudfw.ModifyDefaultIPSConfig",
			func(ctx context.Context) (string, error) {
				made, err := securityv1.NewIpsServiceClient(conn).CreateIps(ctx, &securityv1.CreateIpsRequest{FirewallId: "inet", Mode: securityv1.IpsMode_IPS_MODE_BLOCK})
				return made.GetId(), err
			},
			func(ctx context.Context) (int, error) {
				all, err := securityv1.NewIpsServiceClient(conn).ListIpsSettings(ctx, &securityv1.ListIpsSettingsRequest{})
				return len(all.GetIpsSettings()), err
			},
		},
	} {
		r.faults(sim.Faults{Rules: []sim.Rule{{Action: tc.action, Times: 1, Effect: sim.EffectLose}}})
		if id, err := tc.create(r.as(tc.action, 1)); err == nil {
			t.Errorf("%s: the lost answer was answered as %s", tc.action, id)
		}
		r.faults(sim.Faults{})
		id, err := tc.create(r.as(tc.action, 2))
		if err != nil || id == "" {
			t.Errorf("%s: the repeat answered %q, %v", tc.action, id, err)
		}
		if n, err := tc.count(r.as("list", 1)); err != nil || n != 1 {
			t.Errorf("%s: there are %d, %v", tc.action, n, err)
		}
	}
	r.cloud.CheckClean(t)
}

// groupsOf are the security groups of a network.
func (r *rig) groupsOf(networkID string) []string {
	r.Helper()
	all, err := networkv1.NewSecurityGroupServiceClient(r.process.Conn()).ListSecurityGroups(r.as("groups", 1),
		&networkv1.ListSecurityGroupsRequest{NetworkId: networkID})
	r.must(err)
	var ids []string
	for _, g := range all.GetSecurityGroups() {
		ids = append(ids, g.GetId())
	}
	return ids
}
