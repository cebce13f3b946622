package network

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// rulesOnAPage is the most that DescribeSecurityGroupAttribute answers at once; a
// group has 200 rules by default.
const rulesOnAPage = 1000

// rulesOf reads all rules of a group. Errors: NOT_FOUND.
func rulesOf(ctx context.Context, s *session.Session, groupID string) (*securityGroupAttribute, error) {
	var all securityGroupAttribute
	params := api.Params{}.Set("SecurityGroupId", groupID).Set("Direction", "all").Int("MaxResults", rulesOnAPage)
	for {
		var answer securityGroupAttribute
		if err := s.Call(ctx, api.ECS, "DescribeSecurityGroupAttribute", params, &answer); err != nil {
			return nil, api.Error(err, typeSecurityGroup, groupID)
		}
		answer.Permissions.Permission = slices.Concat(all.Permissions.Permission, answer.Permissions.Permission)
		all = answer
		if all.NextToken == "" {
			return &all, nil
		}
		params.Set("NextToken", all.NextToken)
	}
}

// CreateSecurityGroupRule adds a rule to a group. The cloud takes one that is there
// already without a word and tells no id, so that the rules are read afterwards.
func (n *securityGroupServer) CreateSecurityGroupRule(ctx context.Context, req *networkv1.CreateSecurityGroupRuleRequest) (*networkv1.CreateSecurityGroupRuleResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	groupID := req.GetSecurityGroupId()
	p, err := fromProtoRule(req)
	if err != nil {
		return nil, err
	}
	if isInner(req) {
		if err := setInner(ctx, s, groupID, innerAccept); err != nil {
			return nil, explainRule(req, err)
		}
		return &networkv1.CreateSecurityGroupRuleResponse{Id: ruleID(groupID, innerRule)}, nil
	}
	params := api.Params{}.Set("SecurityGroupId", groupID).Objects("Permissions", p.params()).Once(ctx, "")
	if err := s.Call(ctx, api.ECS, authorizeAction(p.Direction), params, nil); err != nil {
		return nil, explainRule(req, err)
	}
	all, err := rulesOf(ctx, s, groupID)
	if err != nil {
		return nil, err
	}
	for i := range all.Permissions.Permission {
		if found := &all.Permissions.Permission[i]; found.same(&p) {
			return &networkv1.CreateSecurityGroupRuleResponse{Id: ruleID(groupID, found.SecurityGroupRuleID)}, nil
		}
	}
	return nil, sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(typeSecurityGroup, groupID))
}

func authorizeAction(direction string) string {
	if direction == egress {
		return "AuthorizeSecurityGroupEgress"
	}
	return "AuthorizeSecurityGroup"
}

func explainRule(req *networkv1.CreateSecurityGroupRuleRequest, err error) error {
	remote := req.GetRemoteSecurityGroupId()
	switch {
	case api.HasCode(err, "InvalidSourceGroup.NotFound", "InvalidSourceGroupId.NotFound", "InvalidDestGroupId.NotFound"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeSecurityGroup, remote, sdk.Field("remote_security_group_id"))
	case api.HasCode(err, "InvalidSourceGroupId.Mismatch", "InvalidDestGroupId.Mismatch"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeSecurityGroup, remote, sdk.Field("remote_security_group_id"))
	case api.HasCode(err, "InvalidSecurityGroup.IsSame"):
		return api.As(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, err, typeSecurityGroup, remote, sdk.Field("remote_security_group_id"))
	case api.HasCode(err, "InvalidSecurityGroupId.NotFound"):
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeSecurityGroup, req.GetSecurityGroupId()),
			sdk.Field("security_group_id"), sdk.Cause(err))
	}
	return api.Error(err, typeSecurityGroup, req.GetSecurityGroupId())
}

// DeleteSecurityGroupRule removes a rule; absent is success.
func (n *securityGroupServer) DeleteSecurityGroupRule(ctx context.Context, req *networkv1.DeleteSecurityGroupRuleRequest) (*networkv1.DeleteSecurityGroupRuleResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	done := &networkv1.DeleteSecurityGroupRuleResponse{Id: req.GetId()}
	v, err := ruleByID(ctx, s, req.GetId())
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return done, nil
	case err != nil:
		return nil, err
	}
	groupID, rule, err := splitRuleID(req.GetId())
	if err != nil {
		return nil, err
	}
	if rule == innerRule {
		return done, api.Error(setInner(ctx, s, groupID, innerDrop), typeSecurityGroup, groupID)
	}
	action := "RevokeSecurityGroup"
	if v.GetDirection() == apiv1.Direction_DIRECTION_EGRESS {
		action = "RevokeSecurityGroupEgress"
	}
	err = s.Call(ctx, api.ECS, action, api.Params{}.Set("SecurityGroupId", groupID).List("SecurityGroupRuleId", rule).Once(ctx, ""), nil)
	if err != nil && !api.HasCode(err, "InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRule.RuleNotExist", "InvalidSecurityGroupId.NotFound") {
		return nil, api.Error(err, typeSecurityGroupRule, req.GetId())
	}
	return done, nil
}

// ruleByID reads one rule. Errors: NOT_FOUND.
func ruleByID(ctx context.Context, s *session.Session, id string) (*networkv1.SecurityGroupRule, error) {
	groupID, _, err := splitRuleID(id)
	if err != nil {
		return nil, err
	}
	all, err := rulesOf(ctx, s, groupID)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil, sdk.NotFound(typeSecurityGroupRule, id, err)
	}
	if err != nil {
		return nil, err
	}
	for _, v := range toProtoRules(all, s.Region) {
		if v.GetId() == id {
			return v, nil
		}
	}
	return nil, sdk.NotFound(typeSecurityGroupRule, id, nil)
}

// GetSecurityGroupRule reads one rule.
func (n *securityGroupServer) GetSecurityGroupRule(ctx context.Context, req *networkv1.GetSecurityGroupRuleRequest) (*networkv1.GetSecurityGroupRuleResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := ruleByID(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetSecurityGroupRuleResponse{Rule: v}, nil
}

// ListSecurityGroupRules reads a page of the rules of a group, or those that the
// request names: one call for each group.
func (n *securityGroupServer) ListSecurityGroupRules(ctx context.Context, req *networkv1.ListSecurityGroupRulesRequest) (*networkv1.ListSecurityGroupRulesResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	var found []*networkv1.SecurityGroupRule
	for _, groupID := range groupsOfRules(req) {
		all, err := rulesOf(ctx, s, groupID)
		switch {
		case err == nil:
			found = append(found, toProtoRules(all, s.Region)...)
		case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND && len(req.GetIds()) > 0:
		default:
			return nil, kind.AsReference(err, "security_group_id")
		}
	}
	p, err := kind.Slice(found, req, func(v **networkv1.SecurityGroupRule) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListSecurityGroupRulesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if (req.GetSecurityGroupId() == "" || req.GetSecurityGroupId() == v.GetSecurityGroupId()) &&
			(req.GetDirection() == 0 || req.GetDirection() == v.GetDirection()) {
			resp.Rules = append(resp.Rules, v)
		}
	}
	return resp, nil
}

// groupsOfRules are the groups that a list request is about, once each.
func groupsOfRules(req *networkv1.ListSecurityGroupRulesRequest) []string {
	if len(req.GetIds()) == 0 {
		return []string{req.GetSecurityGroupId()}
	}
	var groups []string
	for _, id := range req.GetIds() {
		if groupID, _, err := splitRuleID(id); err == nil && !slices.Contains(groups, groupID) {
			groups = append(groups, groupID)
		}
	}
	return groups
}
