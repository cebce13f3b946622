package memcloud

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const firewallDelay = time.Second // of each move, at scale 1

// firewallFits refuses policies that do not exist and bindings that are not of
// the firewall's scope, or that another firewall has.
func firewallFits(v *view, firewall *securityv1.Firewall) error {
	if err := policyFits(v, "ingress_policy_id", firewall.GetIngressPolicyId()); err != nil {
		return err
	}
	if err := policyFits(v, "egress_policy_id", firewall.GetEgressPolicyId()); err != nil {
		return err
	}
	bound, err := boundOfScope(firewall)
	if err != nil {
		return err
	}
	if firewall.GetScope() == securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET {
		if err := networkFits(v, firewall.GetNetworkId()); err != nil {
			return err
		}
	}
	for i, id := range bound {
		if err := bindingFits(v, firewall, i, id); err != nil {
			return err
		}
	}
	return nil
}

func policyFits(v *view, field, id string) error {
	if id == "" {
		return nil
	}
	_, _, err := firewallPolicies.ref(v, field, id)
	return err
}

// boundOfScope is what a firewall is bound to.
func boundOfScope(firewall *securityv1.Firewall) ([]string, error) {
	var bound []string
	known := false
	for _, binding := range []struct {
		scope securityv1.FirewallScope
		field string
		ids   []string
	}{
		{securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER, "router_ids", firewall.GetRouterIds()},
		{securityv1.FirewallScope_FIREWALL_SCOPE_PORT, "nic_ids", firewall.GetNicIds()},
		{securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET, "subnet_ids", firewall.GetSubnetIds()},
	} {
		if binding.scope == firewall.GetScope() {
			bound, known = binding.ids, true
		} else if len(binding.ids) > 0 {
			return nil, mismatch(binding.field)
		}
	}
	if !known {
		word := strings.TrimPrefix(firewall.GetScope().String(), "FIREWALL_SCOPE_")
		return nil, sdk.Unsupported("security.firewall.scope." + strings.ToLower(word))
	}
	if (firewall.GetNetworkId() != "") != (firewall.GetScope() == securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET) {
		return nil, mismatch("network_id")
	}
	return bound, nil
}

func networkFits(v *view, id string) error {
	r, _, err := networks.ref(v, "network_id", id)
	if err == nil && r.project != v.project {
		err = mismatch("network_id")
	}
	return err
}

func bindingFits(v *view, firewall *securityv1.Firewall, i int, id string) error {
	var r *record
	var err error
	switch firewall.GetScope() {
	case securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER:
		r, _, err = routers.ref(v, fmt.Sprintf("router_ids[%d]", i), id)
	case securityv1.FirewallScope_FIREWALL_SCOPE_PORT:
		r, _, err = nics.ref(v, fmt.Sprintf("nic_ids[%d]", i), id)
	default:
		field := fmt.Sprintf("subnet_ids[%d]", i)
		var subnet *networkv1.Subnet
		r, subnet, err = subnets.ref(v, field, id)
		if err == nil && subnet.GetNetworkId() != firewall.GetNetworkId() {
			err = mismatch(field)
		}
	}
	if err != nil {
		return err
	}
	others := firewalls.blockers(v, func(other *securityv1.Firewall) bool {
		return other.GetId() != firewall.GetId() && other.GetScope() == firewall.GetScope() && isBound(other, id)
	})
	if len(others) > 0 {
		return sdk.InUse(string(r.kind), r.id, nil, others...)
	}
	return nil
}

func isBound(firewall *securityv1.Firewall, id string) bool {
	return slices.Contains(firewall.GetRouterIds(), id) || slices.Contains(firewall.GetNicIds(), id) || slices.Contains(firewall.GetSubnetIds(), id)
}

// settleFirewall ends a firewall's move.
func settleFirewall(v *view, r *record) {
	_, firewall := firewalls.edit(v, r)
	switch firewall.GetState() {
	case securityv1.FirewallState_FIREWALL_STATE_CREATING:
		settleTo(r, firewallRest(firewall), securityv1.FirewallState_FIREWALL_STATE_ERROR)
	case securityv1.FirewallState_FIREWALL_STATE_UPDATING:
		setState(firewall, firewallRest(firewall))
	case securityv1.FirewallState_FIREWALL_STATE_DELETING:
		v.remove(r.key)
		refreshPolicies(v, policiesOf(firewall)...)
	}
	refreshIps(v, firewall)
}

// firewallRest is the state of a firewall that nothing happens to.
func firewallRest(firewall *securityv1.Firewall) securityv1.FirewallState {
	bound := len(firewall.GetRouterIds()) + len(firewall.GetNicIds()) + len(firewall.GetSubnetIds())
	if firewall.GetEnabled() && bound > 0 {
		return securityv1.FirewallState_FIREWALL_STATE_ACTIVE
	}
	return securityv1.FirewallState_FIREWALL_STATE_INACTIVE
}

// leaveFirewalls takes a router, NIC or subnet that is gone off the firewalls.
func leaveFirewalls(v *view, id string) {
	for r, old := range firewalls.mine(v) {
		if !isBound(old, id) {
			continue
		}
		_, firewall := firewalls.edit(v, r)
		gone := func(bound string) bool { return bound == id }
		firewall.RouterIds = slices.DeleteFunc(firewall.RouterIds, gone)
		firewall.NicIds = slices.DeleteFunc(firewall.NicIds, gone)
		firewall.SubnetIds = slices.DeleteFunc(firewall.SubnetIds, gone)
		if firewall.GetState() == securityv1.FirewallState_FIREWALL_STATE_ACTIVE {
			setState(firewall, firewallRest(firewall))
			refreshIps(v, firewall)
		}
	}
}

// firewallsOf names the firewalls of a network.
func firewallsOf(v *view, networkID string) []string {
	return firewalls.blockers(v, func(firewall *securityv1.Firewall) bool { return firewall.GetNetworkId() == networkID })
}

// policiesOf are the policies that a firewall has in force.
func policiesOf(firewall *securityv1.Firewall) []string {
	var ids []string
	for _, id := range []string{firewall.GetIngressPolicyId(), firewall.GetEgressPolicyId()} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// effectiveRules are the rules of a policy that are tried, in their order.
func effectiveRules(v *view, policyID string) []*securityv1.EffectiveFirewallRule {
	_, policy, ok := firewallPolicies.find(v, policyID)
	if !ok {
		return nil
	}
	var effective []*securityv1.EffectiveFirewallRule
	for _, id := range policy.GetRuleIds() {
		_, rule, ok := firewallRules.find(v, id)
		if !ok || !rule.GetEnabled() {
			continue
		}
		shown := &securityv1.EffectiveFirewallRule{FirewallRuleId: id}
		fill(shown, rule)
		effective = append(effective, shown)
	}
	return effective
}
