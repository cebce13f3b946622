package firewall

import (
	"context"
	"net/url"
	"slices"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type policyServer struct {
	securityv1.UnimplementedFirewallPolicyServiceServer
	base
}

var _ securityv1.FirewallPolicyServiceServer = (*policyServer)(nil)

// CreateFirewallPolicy makes a policy without rules.
func (p *policyServer) CreateFirewallPolicy(ctx context.Context, req *securityv1.CreateFirewallPolicyRequest) (*securityv1.CreateFirewallPolicyResponse, error) {
	_, client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetTags()) > 0 {
		return nil, sdk.Unsupported("security.firewall_policy.tags")
	}
	v, err := policies.CreateMarked(ctx, client, map[string]any{"name": req.GetName(), "audited": req.GetAudited()}, req.GetDescription(), nil)
	if err != nil {
		return nil, session.Error(err, policies.Type, "")
	}
	return &securityv1.CreateFirewallPolicyResponse{Id: v.ID}, nil
}

// UpdateFirewallPolicy changes what is present. The cloud takes audited back with any
// change that does not say it, so it is said again.
func (p *policyServer) UpdateFirewallPolicy(ctx context.Context, req *securityv1.UpdateFirewallPolicyRequest) (*securityv1.UpdateFirewallPolicyResponse, error) {
	_, client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetTags() != nil {
		return nil, sdk.Unsupported("security.firewall_policy.tags")
	}
	present, err := policies.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	audited := present.Audited
	if req.Audited != nil {
		audited = req.GetAudited()
	}
	v, err := policies.Apply(ctx, client, req.GetId(), rest.Edit{
		Name: req.Name, Description: req.Description, Attributes: map[string]any{"audited": audited},
	})
	if err != nil {
		return nil, explain(err, policies.Type, req.GetId())
	}
	return &securityv1.UpdateFirewallPolicyResponse{Id: v.ID}, nil
}

// DeleteFirewallPolicy removes the rules that no other policy has, the last first, and
// then the policy: broken off, it goes on where it was.
func (p *policyServer) DeleteFirewallPolicy(ctx context.Context, req *securityv1.DeleteFirewallPolicyRequest) (*securityv1.DeleteFirewallPolicyResponse, error) {
	_, client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.DeleteFirewallPolicyResponse{Id: req.GetId()}
	all, err := policies.List(ctx, client, url.Values{})
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(v policy) bool { return v.ID == req.GetId() })
	if at < 0 {
		return resp, nil
	}
	users, err := usersOf(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		var blockers []string
		for _, id := range users[:min(len(users), rest.MaxBlockers)] {
			blockers = append(blockers, rest.Blocker(groups.Type, id))
		}
		return nil, sdk.InUse(policies.Type, req.GetId(), nil, blockers...)
	}
	for _, id := range slices.Backward(all[at].RuleIDs) {
		if err := leave(ctx, client, all, req.GetId(), id); err != nil {
			return nil, err
		}
	}
	if err := policies.Delete(ctx, client, req.GetId()); err != nil {
		return nil, explain(err, policies.Type, req.GetId())
	}
	return resp, nil
}

// GetFirewallPolicy reads one policy and which firewalls use it.
func (p *policyServer) GetFirewallPolicy(ctx context.Context, req *securityv1.GetFirewallPolicyRequest) (*securityv1.GetFirewallPolicyResponse, error) {
	s, client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := policies.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	out := toProtoPolicy(v, s.Region)
	out.FirewallIds, err = usersOf(ctx, client, v.ID)
	return &securityv1.GetFirewallPolicyResponse{FirewallPolicy: out}, err
}

// ListFirewallPolicies reads a page of policies, and all firewalls in one call.
func (p *policyServer) ListFirewallPolicies(ctx context.Context, req *securityv1.ListFirewallPoliciesRequest) (*securityv1.ListFirewallPoliciesResponse, error) {
	s, client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	page, err := policies.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListFirewallPoliciesResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	if len(page.Items) == 0 {
		return resp, nil
	}
	all, err := groups.List(ctx, client, url.Values{"fields": {"id", "ingress_firewall_policy_id", "egress_firewall_policy_id"}})
	if err != nil {
		return nil, err
	}
	for i := range page.Items {
		out := toProtoPolicy(&page.Items[i], s.Region)
		for _, g := range all {
			if g.IngressPolicyID == out.GetId() || g.EgressPolicyID == out.GetId() {
				out.FirewallIds = append(out.FirewallIds, g.ID)
			}
		}
		if (req.GetName() == "" || req.GetName() == out.GetName()) && req.GetTag() == "" {
			resp.FirewallPolicies = append(resp.FirewallPolicies, out)
		}
	}
	return resp, nil
}

func toProtoPolicy(v *policy, region string) *securityv1.FirewallPolicy {
	return &securityv1.FirewallPolicy{
		Id:          v.ID,
		Name:        v.Name,
		Description: rest.Unmarked(v.Description),
		RegionId:    region,
		CreatedAt:   rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:   rest.ToProtoTime(v.UpdatedAt),
		RuleIds:     v.RuleIDs,
		Audited:     v.Audited,
	}
}
