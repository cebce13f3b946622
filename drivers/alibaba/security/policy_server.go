package security

import (
	"context"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// policyServer shows the rules of each firewall in each direction as a policy.
// What makes, changes or deletes one is not served: policies come and go with
// their firewall.
type policyServer struct {
	securityv1.UnimplementedFirewallPolicyServiceServer
	base
}

var _ securityv1.FirewallPolicyServiceServer = (*policyServer)(nil)

// GetFirewallPolicy reads one policy.
func (n *policyServer) GetFirewallPolicy(ctx context.Context, req *securityv1.GetFirewallPolicyRequest) (*securityv1.GetFirewallPolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	firewallID, direction, list, err := splitPolicyID(req.GetId())
	if err != nil {
		return nil, err
	}
	name := firewallID
	if firewallID == internetID {
		if _, err := readService(ctx, s); err != nil {
			return nil, err
		}
	} else {
		v, err := readACL(ctx, s, firewallID)
		if err != nil {
			return nil, err
		}
		name = v.NetworkACLName
	}
	at, err := list.read(ctx, s)
	if err != nil {
		return nil, err
	}
	return &securityv1.GetFirewallPolicyResponse{FirewallPolicy: toProtoPolicy(listed{req.GetId(), at}, name+"-"+direction, s.Region)}, nil
}

// toProtoPolicy maps the rules of a firewall in one direction.
func toProtoPolicy(l listed, name, region string) *securityv1.FirewallPolicy {
	out := &securityv1.FirewallPolicy{Id: l.policy, Name: name, RegionId: region}
	if firewallID, _, _, err := splitPolicyID(l.policy); err == nil {
		out.FirewallIds = []string{firewallID}
	}
	for i := range l.at {
		out.RuleIds = append(out.RuleIds, ruleID(l.policy, l.at[i].id))
	}
	return out
}

// ListFirewallPolicies reads a page of policies.
func (n *policyServer) ListFirewallPolicies(ctx context.Context, req *securityv1.ListFirewallPoliciesRequest) (*securityv1.ListFirewallPoliciesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	found, err := allPolicies(ctx, s)
	if err != nil {
		return nil, err
	}
	p, err := kind.Slice(found, req, func(v **securityv1.FirewallPolicy) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListFirewallPoliciesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" {
			resp.FirewallPolicies = append(resp.FirewallPolicies, v)
		}
	}
	return resp, nil
}

func allPolicies(ctx context.Context, s *session.Session) ([]*securityv1.FirewallPolicy, error) {
	lists, err := allRules(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]*securityv1.FirewallPolicy, 0, len(lists))
	for _, l := range lists {
		name := l.policy
		if firewallID, direction, _, err := splitPolicyID(l.policy); err == nil {
			name = firewallID + "-" + direction
		}
		out = append(out, toProtoPolicy(l, name, s.Region))
	}
	return out, nil
}
