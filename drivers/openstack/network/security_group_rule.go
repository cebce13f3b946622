package network

import (
	"context"
	"net/url"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateSecurityGroupRule adds a rule. Neutron refuses an equal one, which is
// also how a repeat shows: then the rule that exists is the answer.
func (n *securityGroupServer) CreateSecurityGroupRule(ctx context.Context, req *networkv1.CreateSecurityGroupRuleRequest) (*networkv1.CreateSecurityGroupRuleResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := fromProtoCreateRule(req)
	if err != nil {
		return nil, err
	}
	v, err := rules.Create(ctx, client, ruleAttributes(wanted))
	if rest.FaultCode(err) == "SecurityGroupRuleExists" {
		v, err = equalRule(ctx, client, wanted, err)
	}
	if err != nil {
		return nil, explainCreateRule(req, err)
	}
	return &networkv1.CreateSecurityGroupRuleResponse{Id: v.ID}, nil
}

// equalRule finds the rule of the group that is equal to the wanted one.
func equalRule(ctx context.Context, client *rest.Client, wanted *rule, refusal error) (*rule, error) {
	all, err := rules.List(ctx, client, url.Values{
		"security_group_id": {wanted.SecurityGroupID},
		"direction":         {wanted.Direction},
		"ethertype":         {wanted.EtherType},
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if sameRule(&all[i], wanted) {
			return &all[i], nil
		}
	}
	return nil, refusal
}

// explainCreateRule tells which of the two groups of a request is missing.
// Neutron names none; it looks at the group of the rule first.
func explainCreateRule(req *networkv1.CreateSecurityGroupRuleRequest, err error) error {
	if rest.FaultCode(err) != "SecurityGroupNotFound" {
		return session.Error(err, rules.Type, "")
	}
	if req.GetRemoteSecurityGroupId() == "" {
		return session.As(apiv1.Reason_REASON_NOT_FOUND, err, securityGroups.Type, req.GetSecurityGroupId())
	}
	return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, securityGroups.Type, req.GetRemoteSecurityGroupId(), sdk.Field("remote_security_group_id"))
}

// DeleteSecurityGroupRule removes a rule.
func (n *securityGroupServer) DeleteSecurityGroupRule(ctx context.Context, req *networkv1.DeleteSecurityGroupRuleRequest) (*networkv1.DeleteSecurityGroupRuleResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := rules.Delete(ctx, client, req.GetId()); err != nil {
		return nil, session.Error(err, rules.Type, req.GetId())
	}
	return &networkv1.DeleteSecurityGroupRuleResponse{Id: req.GetId()}, nil
}

// GetSecurityGroupRule reads one rule.
func (n *securityGroupServer) GetSecurityGroupRule(ctx context.Context, req *networkv1.GetSecurityGroupRuleRequest) (*networkv1.GetSecurityGroupRuleResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := rules.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetSecurityGroupRuleResponse{Rule: toProtoRule(v, s.Region)}, nil
}

// ListSecurityGroupRules reads a page of the rules of a group.
func (n *securityGroupServer) ListSecurityGroupRules(ctx context.Context, req *networkv1.ListSecurityGroupRulesRequest) (*networkv1.ListSecurityGroupRulesResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "security_group_id", req.GetSecurityGroupId())
	switch req.GetDirection() {
	case apiv1.Direction_DIRECTION_INGRESS:
		query.Set("direction", ingress)
	case apiv1.Direction_DIRECTION_EGRESS:
		query.Set("direction", egress)
	}
	p, err := rules.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	if len(p.Items) == 0 && len(req.GetIds()) == 0 && req.GetPageToken() == "" {
		if _, err := securityGroups.Get(ctx, client, req.GetSecurityGroupId()); err != nil {
			return nil, rest.AsReference(err, "security_group_id")
		}
	}
	resp := &networkv1.ListSecurityGroupRulesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		v := toProtoRule(&p.Items[i], s.Region)
		if (req.GetSecurityGroupId() == "" || req.GetSecurityGroupId() == v.GetSecurityGroupId()) &&
			(req.GetDirection() == 0 || req.GetDirection() == v.GetDirection()) {
			resp.Rules = append(resp.Rules, v)
		}
	}
	return resp, nil
}
