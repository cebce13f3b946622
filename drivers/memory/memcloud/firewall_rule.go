package memcloud

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

type firewallRuleService struct {
	securityv1.UnimplementedFirewallRuleServiceServer
	c *Cloud
}

var _ securityv1.FirewallRuleServiceServer = (*firewallRuleService)(nil)

// CreateFirewallRule puts a rule into a policy, at the end unless told where.
func (s *firewallRuleService) CreateFirewallRule(ctx context.Context, req *securityv1.CreateFirewallRuleRequest) (*securityv1.CreateFirewallRuleResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateFirewallRuleResponse, error) {
		pr, _, err := firewallPolicies.ref(v, "firewall_policy_id", req.GetFirewallPolicyId())
		if err == nil {
			err = v.within(use{"security.firewall_rule.count", 1})
		}
		if err != nil {
			return nil, err
		}
		rule := &securityv1.FirewallRule{Enabled: true}
		fill(rule, req)
		if err := completeRule(rule); err != nil {
			return nil, err
		}
		r, _ := firewallRules.add(v, rule)
		placeRule(v, pr, r.id, req.Position)
		return &securityv1.CreateFirewallRuleResponse{Id: r.id}, nil
	})
}

// completeRule derives the address family and refuses what fits no rule.
func completeRule(rule *securityv1.FirewallRule) error {
	if !hasPorts(rule.GetProtocol()) {
		if rule.GetSourcePort() != nil {
			return rejected("source_port")
		}
		if rule.GetDestinationPort() != nil {
			return rejected("destination_port")
		}
	}
	rule.SourcePort, rule.DestinationPort = withoutAny(rule.GetSourcePort()), withoutAny(rule.GetDestinationPort())
	family := apiv1.IpVersion_IP_VERSION_UNSPECIFIED
	switch rule.GetProtocol() {
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP:
		family = apiv1.IpVersion_IP_VERSION_IPV4
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6:
		family = apiv1.IpVersion_IP_VERSION_IPV6
	}
	for _, end := range []struct{ field, address string }{
		{"source_ip_address", rule.GetSourceIpAddress()}, {"destination_ip_address", rule.GetDestinationIpAddress()},
	} {
		own := familyOf(end.address)
		switch {
		case own == apiv1.IpVersion_IP_VERSION_UNSPECIFIED:
		case family == apiv1.IpVersion_IP_VERSION_UNSPECIFIED:
			family = own
		case family != own:
			return rejected(end.field)
		}
	}
	rule.IpVersion = max(family, apiv1.IpVersion_IP_VERSION_IPV4)
	return nil
}

func hasPorts(protocol securityv1.FirewallProtocol) bool {
	return protocol == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP || protocol == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP
}

// withoutAny spells any port as a range that is absent.
func withoutAny(ports *apiv1.PortRange) *apiv1.PortRange {
	if ports.GetFirst() == 1 && ports.GetLast() == 65535 {
		return nil
	}
	return ports
}

func familyOf(address string) apiv1.IpVersion {
	switch {
	case address == "":
		return apiv1.IpVersion_IP_VERSION_UNSPECIFIED
	case strings.Contains(address, ":"):
		return apiv1.IpVersion_IP_VERSION_IPV6
	default:
		return apiv1.IpVersion_IP_VERSION_IPV4
	}
}

// placeRule puts a rule at a place of its policy, from 1; nil, or behind the
// end, is the end.
func placeRule(v *view, pr *record, ruleID string, position *int32) {
	order := withoutRule(pr, ruleID)
	at := len(order)
	if position != nil {
		at = min(at, int(*position)-1)
	}
	reorder(v, pr, slices.Insert(order, at, ruleID))
}

// withoutRule is the order of a policy's other rules.
func withoutRule(pr *record, ruleID string) []string {
	return slices.DeleteFunc(slices.Clone(pr.msg.(*securityv1.FirewallPolicy).GetRuleIds()), func(id string) bool { return id == ruleID })
}

// reorder gives a policy's rules a new order. Nobody has looked it through yet.
func reorder(v *view, pr *record, order []string) {
	_, policy := firewallPolicies.edit(v, pr)
	policy.RuleIds, policy.Audited = order, false
	for i, id := range order {
		r, rule, ok := firewallRules.find(v, id)
		if ok && rule.GetPosition() != int32(i+1) {
			v.edit(r).msg.(*securityv1.FirewallRule).Position = int32(i + 1)
		}
	}
}

// UpdateFirewallRule changes what is given; a new position moves the rule.
func (s *firewallRuleService) UpdateFirewallRule(ctx context.Context, req *securityv1.UpdateFirewallRuleRequest) (*securityv1.UpdateFirewallRuleResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.UpdateFirewallRuleResponse, error) {
		r, old, err := firewallRules.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		_, rule := firewallRules.edit(v, r)
		if req.Protocol != nil && !hasPorts(req.GetProtocol()) {
			rule.SourcePort, rule.DestinationPort = nil, nil
		}
		fill(rule, req)
		rule.Position = old.GetPosition()
		if err := completeRule(rule); err != nil {
			return nil, err
		}
		if pr, policy, ok := firewallPolicies.find(v, rule.GetFirewallPolicyId()); ok {
			if req.Position != nil {
				placeRule(v, pr, r.id, req.Position)
			} else {
				reorder(v, pr, policy.GetRuleIds())
			}
		}
		return &securityv1.UpdateFirewallRuleResponse{Id: r.id}, nil
	})
}

// DeleteFirewallRule takes a rule out of its policy. Absent is success.
func (s *firewallRuleService) DeleteFirewallRule(ctx context.Context, req *securityv1.DeleteFirewallRuleRequest) (*securityv1.DeleteFirewallRuleResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteFirewallRuleResponse, error) {
		if r, rule, ok := firewallRules.find(v, req.GetId()); ok {
			v.remove(r.key)
			if pr, _, ok := firewallPolicies.find(v, rule.GetFirewallPolicyId()); ok {
				reorder(v, pr, withoutRule(pr, r.id))
			}
		}
		return &securityv1.DeleteFirewallRuleResponse{Id: req.GetId()}, nil
	})
}

// GetFirewallRule reads one rule.
func (s *firewallRuleService) GetFirewallRule(ctx context.Context, req *securityv1.GetFirewallRuleRequest) (*securityv1.GetFirewallRuleResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetFirewallRuleResponse, error) {
		_, rule, err := firewallRules.get(v, req.GetId())
		return &securityv1.GetFirewallRuleResponse{FirewallRule: rule}, err
	})
}

// ListFirewallRules reads a page of rules.
func (s *firewallRuleService) ListFirewallRules(ctx context.Context, req *securityv1.ListFirewallRulesRequest) (*securityv1.ListFirewallRulesResponse, error) {
	p, err := list(s.c, ctx, firewallRules, req, nil)
	return &securityv1.ListFirewallRulesResponse{FirewallRules: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
