package firewall

import (
	"context"
	"net/url"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type ruleServer struct {
	securityv1.UnimplementedFirewallRuleServiceServer
	base
}

var _ securityv1.FirewallRuleServiceServer = (*ruleServer)(nil)

// CreateFirewallRule makes a rule and puts it into its policy. A repeat finds the rule
// by its mark, and puts it in if that was not done.
func (r *ruleServer) CreateFirewallRule(ctx context.Context, req *securityv1.CreateFirewallRuleRequest) (*securityv1.CreateFirewallRuleResponse, error) {
	_, client, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateRule(req)
	if err != nil {
		return nil, err
	}
	p, err := policies.Get(ctx, client, req.GetFirewallPolicyId())
	if err != nil {
		return nil, rest.AsReference(err, "firewall_policy_id")
	}
	v, err := rules.CreateMarked(ctx, client, attributes, req.GetDescription(), nil)
	if err != nil {
		return nil, session.Error(err, rules.Type, "")
	}
	if slices.Contains(p.RuleIDs, v.ID) {
		return &securityv1.CreateFirewallRuleResponse{Id: v.ID}, nil
	}
	if err := insert(ctx, client, p, v.ID, req.Position); err != nil {
		return nil, sdk.TakeBack(ctx, err, func(ctx context.Context) error {
			return session.Error(rules.Delete(ctx, client, v.ID), rules.Type, v.ID)
		})
	}
	return &securityv1.CreateFirewallRuleResponse{Id: v.ID}, nil
}

// UpdateFirewallRule changes what is present. The place is changed last.
func (r *ruleServer) UpdateFirewallRule(ctx context.Context, req *securityv1.UpdateFirewallRuleRequest) (*securityv1.UpdateFirewallRuleResponse, error) {
	_, client, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	present, err := rules.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoUpdateRule(req, present)
	if err != nil {
		return nil, err
	}
	edit := rest.Edit{Name: req.Name, Description: req.Description, Attributes: attributes}
	if edit.Name != nil || edit.Description != nil || len(attributes) > 0 {
		if _, err := rules.Apply(ctx, client, req.GetId(), edit); err != nil {
			return nil, explain(err, rules.Type, req.GetId())
		}
	}
	if req.Position != nil {
		if err := move(ctx, client, req.GetId(), int(req.GetPosition())); err != nil {
			return nil, err
		}
	}
	return &securityv1.UpdateFirewallRuleResponse{Id: req.GetId()}, nil
}

// DeleteFirewallRule takes a rule out of its policies and removes it.
func (r *ruleServer) DeleteFirewallRule(ctx context.Context, req *securityv1.DeleteFirewallRuleRequest) (*securityv1.DeleteFirewallRuleResponse, error) {
	_, client, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.DeleteFirewallRuleResponse{Id: req.GetId()}
	if !session.IsUUID(req.GetId()) {
		return resp, nil
	}
	all, err := policies.List(ctx, client, url.Values{})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if slices.Contains(all[i].RuleIDs, req.GetId()) {
			if err := takeOut(ctx, client, all[i].ID, req.GetId()); err != nil {
				return nil, err
			}
		}
	}
	if err := rules.Delete(ctx, client, req.GetId()); err != nil {
		return nil, explain(err, rules.Type, req.GetId())
	}
	return resp, nil
}

// GetFirewallRule reads one rule and its place in its policies.
func (r *ruleServer) GetFirewallRule(ctx context.Context, req *securityv1.GetFirewallRuleRequest) (*securityv1.GetFirewallRuleResponse, error) {
	s, client, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := rules.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	all, err := policies.List(ctx, client, url.Values{})
	if err != nil {
		return nil, err
	}
	return &securityv1.GetFirewallRuleResponse{FirewallRule: toProtoRule(v, all, s.Region)}, nil
}

// ListFirewallRules reads a page of rules, and all policies in one call; those of one
// policy come on one page, in their order.
func (r *ruleServer) ListFirewallRules(ctx context.Context, req *securityv1.ListFirewallRulesRequest) (*securityv1.ListFirewallRulesResponse, error) {
	s, client, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	var page rest.Page[rule]
	if req.GetFirewallPolicyId() != "" && len(req.GetIds()) == 0 {
		if req.GetPageToken() != "" {
			return nil, sdk.BadPageToken(nil)
		}
		p, err := policies.Get(ctx, client, req.GetFirewallPolicyId())
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return &securityv1.ListFirewallRulesResponse{}, nil
		}
		if err != nil {
			return nil, err
		}
		page.Items, err = rulesOf(ctx, client, p)
		if err != nil {
			return nil, err
		}
	} else {
		query := url.Values{}
		rest.SetIf(query, "name", req.GetName())
		if page, err = rules.Find(ctx, client, req, query); err != nil {
			return nil, err
		}
	}
	resp := &securityv1.ListFirewallRulesResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	if len(page.Items) == 0 {
		return resp, nil
	}
	all, err := policies.List(ctx, client, url.Values{})
	if err != nil {
		return nil, err
	}
	for i := range page.Items {
		if v := toProtoRule(&page.Items[i], all, s.Region); keepsRule(req, v) {
			resp.FirewallRules = append(resp.FirewallRules, v)
		}
	}
	return resp, nil
}

// rulesOf reads the rules of a policy in one call, in their order.
func rulesOf(ctx context.Context, client *rest.Client, p *policy) ([]rule, error) {
	if len(p.RuleIDs) == 0 {
		return nil, nil
	}
	query := url.Values{}
	if len(p.RuleIDs) <= maxIDs {
		query["id"] = p.RuleIDs
	}
	found, err := rules.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	ordered := make([]rule, 0, len(p.RuleIDs))
	for _, id := range p.RuleIDs {
		if at := slices.IndexFunc(found, func(v rule) bool { return v.ID == id }); at >= 0 {
			ordered = append(ordered, found[at])
		}
	}
	return ordered, nil
}
