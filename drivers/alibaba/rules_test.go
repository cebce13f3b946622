package main

import (
	"fmt"
	"sync"
	"testing"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// TestRulesAddedAtTheSameTime shows that none is lost, though the cloud replaces
// the list of a network ACL as a whole, and that a repeat makes no second one.
func TestRulesAddedAtTheSameTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	subnet, err := networkv1.NewSubnetServiceClient(r.process.Conn()).GetSubnet(r.as("get", 1),
		&networkv1.GetSubnetRequest{Id: r.site().GetNics()[0].GetSubnetId()})
	r.must(err)
	firewall := r.firewall("fw", subnet.GetSubnet().GetNetworkId())
	rules := securityv1.NewFirewallRuleServiceClient(r.process.Conn())
	before, err := rules.ListFirewallRules(r.as("list", 1), &securityv1.ListFirewallRulesRequest{FirewallPolicyId: firewall + "~~in"})
	r.must(err)
	const count = 3
	var wait sync.WaitGroup
	for i := range count {
		wait.Go(func() {
			_, err := rules.CreateFirewallRule(r.as(fmt.Sprintf("rule %d", i), 1), &securityv1.CreateFirewallRuleRequest{
				Name: fmt.Sprintf("rule-%d", i), FirewallPolicyId: firewall + "~~in", Action: securityv1.FirewallAction_FIREWALL_ACTION_DENY,
				Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	_, err = rules.CreateFirewallRule(r.as("rule 0", 2), &securityv1.CreateFirewallRuleRequest{
		Name: "rule-0", FirewallPolicyId: firewall + "~~in", Action: securityv1.FirewallAction_FIREWALL_ACTION_DENY,
		Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP,
	})
	r.must(err)
	after, err := rules.ListFirewallRules(r.as("list", 1), &securityv1.ListFirewallRulesRequest{FirewallPolicyId: firewall + "~~in"})
	r.must(err)
	if got := len(after.GetFirewallRules()) - len(before.GetFirewallRules()); got != count {
		t.Errorf("%d rules were made, want %d: %v", got, count, after.GetFirewallRules())
	}
	r.cloud.CheckClean(t)
}
