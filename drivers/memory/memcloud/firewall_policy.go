package memcloud

import (
	"context"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

type firewallPolicyService struct {
	securityv1.UnimplementedFirewallPolicyServiceServer
	c *Cloud
}

var _ securityv1.FirewallPolicyServiceServer = (*firewallPolicyService)(nil)

// CreateFirewallPolicy makes a policy without rules.
func (s *firewallPolicyService) CreateFirewallPolicy(ctx context.Context, req *securityv1.CreateFirewallPolicyRequest) (*securityv1.CreateFirewallPolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateFirewallPolicyResponse, error) {
		if err := v.within(use{"security.firewall_policy.count", 1}); err != nil {
			return nil, err
		}
		policy := &securityv1.FirewallPolicy{}
		fill(policy, req)
		r, _ := firewallPolicies.add(v, policy)
		return &securityv1.CreateFirewallPolicyResponse{Id: r.id}, nil
	})
}

// UpdateFirewallPolicy changes words and whether somebody has looked it through.
func (s *firewallPolicyService) UpdateFirewallPolicy(ctx context.Context, req *securityv1.UpdateFirewallPolicyRequest) (*securityv1.UpdateFirewallPolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.UpdateFirewallPolicyResponse, error) {
		r, _, err := firewallPolicies.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		_, policy := firewallPolicies.edit(v, r)
		fill(policy, req)
		return &securityv1.UpdateFirewallPolicyResponse{Id: r.id}, nil
	})
}

// DeleteFirewallPolicy removes a policy that no firewall uses, with its rules.
func (s *firewallPolicyService) DeleteFirewallPolicy(ctx context.Context, req *securityv1.DeleteFirewallPolicyRequest) (*securityv1.DeleteFirewallPolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteFirewallPolicyResponse, error) {
		r, policy, ok := firewallPolicies.find(v, req.GetId())
		if !ok {
			return &securityv1.DeleteFirewallPolicyResponse{Id: req.GetId()}, nil
		}
		used := firewalls.blockers(v, func(firewall *securityv1.Firewall) bool { return slices.Contains(policiesOf(firewall), r.id) })
		if len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		for _, id := range policy.GetRuleIds() {
			v.remove(key{firewallRules.kind, v.project, id})
		}
		v.remove(r.key)
		return &securityv1.DeleteFirewallPolicyResponse{Id: r.id}, nil
	})
}

// GetFirewallPolicy reads one policy.
func (s *firewallPolicyService) GetFirewallPolicy(ctx context.Context, req *securityv1.GetFirewallPolicyRequest) (*securityv1.GetFirewallPolicyResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetFirewallPolicyResponse, error) {
		_, policy, err := firewallPolicies.get(v, req.GetId())
		return &securityv1.GetFirewallPolicyResponse{FirewallPolicy: policy}, err
	})
}

// ListFirewallPolicies reads a page of policies.
func (s *firewallPolicyService) ListFirewallPolicies(ctx context.Context, req *securityv1.ListFirewallPoliciesRequest) (*securityv1.ListFirewallPoliciesResponse, error) {
	p, err := list(s.c, ctx, firewallPolicies, req, nil)
	return &securityv1.ListFirewallPoliciesResponse{FirewallPolicies: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// refreshPolicies derives from the firewalls what policies show of them.
func refreshPolicies(v *view, ids ...string) {
	for _, id := range ids {
		r, old, ok := firewallPolicies.find(v, id)
		if !ok {
			continue
		}
		var users []string
		for _, firewall := range firewalls.mine(v) {
			if slices.Contains(policiesOf(firewall), id) {
				users = append(users, firewall.GetId())
			}
		}
		if slices.Equal(users, old.GetFirewallIds()) {
			continue
		}
		v.edit(r).msg.(*securityv1.FirewallPolicy).FirewallIds = users
	}
}
