package security

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type ruleServer struct {
	securityv1.UnimplementedFirewallRuleServiceServer
	base
	turns turns
}

// turn waits until this call alone changes the rules of a policy of its account.
func (n *ruleServer) turn(ctx context.Context, policy string) (end func(), err error) {
	return n.turns.take(ctx, sdk.CallFrom(ctx).AccountID+"/"+policy)
}

var _ securityv1.FirewallRuleServiceServer = (*ruleServer)(nil)

// turnOf is turn for the policy of a rule; an id that is none of a rule has none.
func (n *ruleServer) turnOf(ctx context.Context, id string) (end func(), err error) {
	policy, _, _, err := splitRuleID(id)
	if err != nil {
		return func() {}, nil
	}
	return n.turn(ctx, policy)
}

// CreateFirewallRule puts a rule into the list of a firewall. There is no token
// for it: a repeat looks for the marker.
func (n *ruleServer) CreateFirewallRule(ctx context.Context, req *securityv1.CreateFirewallRuleRequest) (*securityv1.CreateFirewallRuleResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetSourcePort() != nil {
		return nil, sdk.Unsupported("security.firewall_rule.source_port")
	}
	_, _, list, err := splitPolicyID(req.GetFirewallPolicyId())
	if err != nil {
		return nil, kind.AsReference(err, "firewall_policy_id")
	}
	r := fromProtoCreateRule(ctx, req)
	if err := list.check(&r); err != nil {
		return nil, err
	}
	end, err := n.turn(ctx, req.GetFirewallPolicyId())
	if err != nil {
		return nil, err
	}
	defer end()
	at, err := list.read(ctx, s)
	if err != nil {
		return nil, kind.AsReference(err, "firewall_policy_id")
	}
	id := ""
	if api.Repeated(ctx) {
		id = marked(ctx, at)
	}
	if id == "" {
		position := len(at) + 1
		if req.Position != nil {
			position = int(req.GetPosition())
		}
		if id, err = list.add(ctx, s, at, r, position); err != nil {
			return nil, err
		}
	}
	return &securityv1.CreateFirewallRuleResponse{Id: ruleID(req.GetFirewallPolicyId(), id)}, nil
}

// readRule reads the list of a rule and finds it. Errors: NOT_FOUND.
func readRule(ctx context.Context, s *session.Session, id string) (policy string, list rules, at []rule, place int, err error) {
	policy, own, list, err := splitRuleID(id)
	if err != nil {
		return "", nil, nil, 0, err
	}
	at, err = list.read(ctx, s)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return "", nil, nil, 0, sdk.NotFound(typeRule, id, err)
	}
	if err != nil {
		return "", nil, nil, 0, err
	}
	if place = placeOf(at, own); place == 0 {
		return "", nil, nil, 0, sdk.NotFound(typeRule, id, nil)
	}
	return policy, list, at, place, nil
}

// UpdateFirewallRule changes what is present.
func (n *ruleServer) UpdateFirewallRule(ctx context.Context, req *securityv1.UpdateFirewallRuleRequest) (*securityv1.UpdateFirewallRuleResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.GetSourcePort() != nil:
		return nil, sdk.Unsupported("security.firewall_rule.source_port")
	case req.GetTags() != nil:
		return nil, sdk.Unsupported("security.firewall_rule.tags")
	}
	end, err := n.turnOf(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	defer end()
	_, list, at, place, err := readRule(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	r := at[place-1].updated(req)
	if err := list.check(&r); err != nil {
		return nil, err
	}
	if req.Position != nil {
		place = int(req.GetPosition())
	}
	if err := list.change(ctx, s, at, r, place); err != nil {
		return nil, err
	}
	return &securityv1.UpdateFirewallRuleResponse{Id: req.GetId()}, nil
}

// DeleteFirewallRule takes a rule out of its list; absent is success.
func (n *ruleServer) DeleteFirewallRule(ctx context.Context, req *securityv1.DeleteFirewallRuleRequest) (*securityv1.DeleteFirewallRuleResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	done := &securityv1.DeleteFirewallRuleResponse{Id: req.GetId()}
	end, err := n.turnOf(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	defer end()
	_, list, at, place, err := readRule(ctx, s, req.GetId())
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return done, nil
	case err != nil:
		return nil, err
	}
	if err := list.remove(ctx, s, at, at[place-1].id); err != nil {
		return nil, err
	}
	return done, nil
}

// GetFirewallRule reads one rule.
func (n *ruleServer) GetFirewallRule(ctx context.Context, req *securityv1.GetFirewallRuleRequest) (*securityv1.GetFirewallRuleResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	policy, _, at, place, err := readRule(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetFirewallRuleResponse{FirewallRule: toProtoRule(&at[place-1], policy, place, s.Region)}, nil
}

// ListFirewallRules reads a page of rules: of one policy, of those that the request
// names, or of all firewalls. Rules of all ACLs come with the list of ACLs.
func (n *ruleServer) ListFirewallRules(ctx context.Context, req *securityv1.ListFirewallRulesRequest) (*securityv1.ListFirewallRulesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	lists, err := rulesAsked(ctx, s, req)
	if err != nil {
		return nil, err
	}
	var found []*securityv1.FirewallRule
	for _, l := range lists {
		for i := range l.at {
			found = append(found, toProtoRule(&l.at[i], l.policy, i+1, s.Region))
		}
	}
	p, err := kind.Slice(found, req, func(v **securityv1.FirewallRule) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListFirewallRulesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if keepsRule(req, v) {
			resp.FirewallRules = append(resp.FirewallRules, v)
		}
	}
	return resp, nil
}

// listed is a policy with its rules.
type listed struct {
	policy string
	at     []rule
}

// rulesAsked reads the policies that a list request is about.
func rulesAsked(ctx context.Context, s *session.Session, req *securityv1.ListFirewallRulesRequest) ([]listed, error) {
	var policies []string
	for _, id := range req.GetIds() {
		if policy, _, _, err := splitRuleID(id); err == nil && !slices.Contains(policies, policy) {
			policies = append(policies, policy)
		}
	}
	if req.GetFirewallPolicyId() != "" && len(req.GetIds()) == 0 {
		policies = []string{req.GetFirewallPolicyId()}
	}
	if len(policies) == 0 && len(req.GetIds()) == 0 {
		return allRules(ctx, s)
	}
	var out []listed
	for _, policy := range policies {
		_, _, list, err := splitPolicyID(policy)
		if err != nil {
			continue
		}
		at, err := list.read(ctx, s)
		switch {
		case err == nil:
			out = append(out, listed{policy, at})
		case sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND:
			return nil, err
		}
	}
	return out, nil
}

// allRules reads the policies of all firewalls: one call a page of ACLs, and four
// where Cloud Firewall is bought.
func allRules(ctx context.Context, s *session.Session) ([]listed, error) {
	all, err := acls().All(ctx, s, api.Params{})
	if err != nil {
		return nil, err
	}
	var out []listed
	for i := range all {
		for _, direction := range []string{directionIn, directionOut} {
			l := listed{policy: policyID(all[i].NetworkACLID, direction)}
			for _, e := range all[i].entries(direction) {
				l.at = append(l.at, e.toRule())
			}
			out = append(out, l)
		}
	}
	if _, err := readService(ctx, s); err != nil {
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return out, nil
		}
		return nil, err
	}
	for _, direction := range []string{directionIn, directionOut} {
		at, err := internetRules{direction}.read(ctx, s)
		if err != nil {
			return nil, err
		}
		out = append(out, listed{policyID(internetID, direction), at})
	}
	return out, nil
}
