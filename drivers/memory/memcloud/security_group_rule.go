package memcloud

import (
	"context"

	"google.golang.org/protobuf/proto"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const defaultPriority = 1

// CreateSecurityGroupRule adds a rule. A rule that lets the same through is
// there already: its id is the answer.
func (s *securityGroupService) CreateSecurityGroupRule(ctx context.Context, req *networkv1.CreateSecurityGroupRuleRequest) (*networkv1.CreateSecurityGroupRuleResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateSecurityGroupRuleResponse, error) {
		if _, _, err := groups.ref(v, "security_group_id", req.GetSecurityGroupId()); err != nil {
			return nil, err
		}
		if remote := req.GetRemoteSecurityGroupId(); remote != "" {
			if _, _, err := groups.ref(v, "remote_security_group_id", remote); err != nil {
				return nil, err
			}
		}
		rule := &networkv1.SecurityGroupRule{}
		fill(rule, req)
		if rule.Action == networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_UNSPECIFIED {
			rule.Action = networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW
		}
		if rule.Priority == 0 {
			rule.Priority = defaultPriority
		}
		for _, old := range rulesOf(v, req.GetSecurityGroupId()) {
			if proto.Equal(essence(old), essence(rule)) {
				return &networkv1.CreateSecurityGroupRuleResponse{Id: old.GetId()}, nil
			}
		}
		if err := v.within(use{"network.security_group_rule.count", 1}); err != nil {
			return nil, err
		}
		r, _ := rules.add(v, rule)
		return &networkv1.CreateSecurityGroupRuleResponse{Id: r.id}, nil
	})
}

// essence is what makes two rules equal.
func essence(rule *networkv1.SecurityGroupRule) *networkv1.SecurityGroupRule {
	return &networkv1.SecurityGroupRule{
		Direction:             rule.GetDirection(),
		Protocol:              rule.GetProtocol(),
		ProtocolNumber:        rule.GetProtocolNumber(),
		Ports:                 rule.GetPorts(),
		IcmpType:              rule.IcmpType,
		IcmpCode:              rule.IcmpCode,
		RemoteCidr:            rule.GetRemoteCidr(),
		RemoteSecurityGroupId: rule.GetRemoteSecurityGroupId(),
		Action:                rule.GetAction(),
		Priority:              rule.GetPriority(),
	}
}

// DeleteSecurityGroupRule removes a rule. Absent is success.
func (s *securityGroupService) DeleteSecurityGroupRule(ctx context.Context, req *networkv1.DeleteSecurityGroupRuleRequest) (*networkv1.DeleteSecurityGroupRuleResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteSecurityGroupRuleResponse, error) {
		if r, _, ok := rules.find(v, req.GetId()); ok {
			v.remove(r.key)
		}
		return &networkv1.DeleteSecurityGroupRuleResponse{Id: req.GetId()}, nil
	})
}

// GetSecurityGroupRule reads one rule.
func (s *securityGroupService) GetSecurityGroupRule(ctx context.Context, req *networkv1.GetSecurityGroupRuleRequest) (*networkv1.GetSecurityGroupRuleResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetSecurityGroupRuleResponse, error) {
		_, rule, err := rules.get(v, req.GetId())
		return &networkv1.GetSecurityGroupRuleResponse{Rule: rule}, err
	})
}

// ListSecurityGroupRules reads a page of rules.
func (s *securityGroupService) ListSecurityGroupRules(ctx context.Context, req *networkv1.ListSecurityGroupRulesRequest) (*networkv1.ListSecurityGroupRulesResponse, error) {
	p, err := list(s.c, ctx, rules, req, nil)
	return &networkv1.ListSecurityGroupRulesResponse{Rules: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
