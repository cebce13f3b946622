package firewall

import (
	"context"
	"net/url"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// stepUnbound is the next step of a deletion that has unbound the firewall.
	stepUnbound = "unbound"
	// pollAfter is how soon a change of a firewall is worth looking at.
	pollAfter = time.Second
)

type firewallServer struct {
	securityv1.UnimplementedFirewallServiceServer
	base
}

var _ securityv1.FirewallServiceServer = (*firewallServer)(nil)

// CreateFirewall makes a firewall group, bound to ports.
func (f *firewallServer) CreateFirewall(ctx context.Context, req *securityv1.CreateFirewallRequest) (*securityv1.CreateFirewallResponse, error) {
	_, client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkCreateFirewall(req); err != nil {
		return nil, err
	}
	bound, err := portsFor(ctx, client, req.GetRouterIds(), req.GetNicIds())
	if err != nil {
		return nil, err
	}
	attributes := map[string]any{
		"name": req.GetName(), "ports": bound, "admin_state_up": req.Enabled == nil || req.GetEnabled(),
		"ingress_firewall_policy_id": orNil(req.GetIngressPolicyId()), "egress_firewall_policy_id": orNil(req.GetEgressPolicyId()),
	}
	v, err := groups.CreateMarked(ctx, client, attributes, req.GetDescription(), nil)
	if err != nil {
		return nil, explain(err, groups.Type, "")
	}
	return &securityv1.CreateFirewallResponse{Id: v.ID, State: toProtoState(v.Status)}, nil
}

// UpdateFirewall changes what is present.
func (f *firewallServer) UpdateFirewall(ctx context.Context, req *securityv1.UpdateFirewallRequest) (*securityv1.UpdateFirewallResponse, error) {
	_, client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkUpdateFirewall(req); err != nil {
		return nil, err
	}
	attributes := fromProtoUpdateFirewall(req)
	if req.GetRouterIds() != nil || req.GetNicIds() != nil {
		if attributes["ports"], err = newPorts(ctx, client, req); err != nil {
			return nil, err
		}
	}
	v, err := groups.Apply(ctx, client, req.GetId(), rest.Edit{Name: req.Name, Description: req.Description, Attributes: attributes})
	if err != nil {
		return nil, explain(err, groups.Type, req.GetId())
	}
	return &securityv1.UpdateFirewallResponse{Id: v.ID, State: toProtoState(v.Status)}, nil
}

// DeleteFirewall removes a group. One that is bound is unbound first, which the cloud
// may take a moment for.
func (f *firewallServer) DeleteFirewall(ctx context.Context, req *securityv1.DeleteFirewallRequest) (*securityv1.DeleteFirewallResponse, error) {
	_, client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.DeleteFirewallResponse{Id: req.GetId(), State: securityv1.FirewallState_FIREWALL_STATE_DELETING}
	call := sdk.CallFrom(ctx)
	if call.Undo {
		return resp, nil
	}
	err = groups.Delete(ctx, client, req.GetId())
	if err == nil {
		return resp, nil
	}
	code := rest.FaultCode(err)
	switch {
	case code == "FirewallGroupInUse" && call.NextStep == "":
		if _, err = groups.Update(ctx, client, req.GetId(), map[string]any{"ports": []string{}}); err != nil {
			return nil, explain(err, groups.Type, req.GetId())
		}
	case call.NextStep == stepUnbound && (code == "FirewallGroupInPendingState" || code == "FirewallGroupInUse"):
	default:
		return nil, explain(err, groups.Type, req.GetId())
	}
	sdk.SetNextStep(ctx, stepUnbound, pollAfter)
	return resp, nil
}

// GetFirewall reads one group, what its ports are of, and the rules of its policies.
func (f *firewallServer) GetFirewall(ctx context.Context, req *securityv1.GetFirewallRequest) (*securityv1.GetFirewallResponse, error) {
	s, client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := groups.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	bound, err := portsByID(ctx, client, v.Ports)
	if err != nil {
		return nil, err
	}
	out := toProtoFirewall(v, bound, s.Region)
	if out.EffectiveIngressRules, err = effective(ctx, client, v.IngressPolicyID); err != nil {
		return nil, err
	}
	out.EffectiveEgressRules, err = effective(ctx, client, v.EgressPolicyID)
	return &securityv1.GetFirewallResponse{Firewall: out}, err
}

// ListFirewalls reads a page of groups, and the ports of all in one call.
func (f *firewallServer) ListFirewalls(ctx context.Context, req *securityv1.ListFirewallsRequest) (*securityv1.ListFirewallsResponse, error) {
	s, client, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := groups.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range p.Items {
		ids = append(ids, p.Items[i].Ports...)
	}
	bound, err := portsByID(ctx, client, ids)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListFirewallsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoFirewall(&p.Items[i], bound, s.Region); keepsFirewall(req, v) {
			resp.Firewalls = append(resp.Firewalls, v)
		}
	}
	return resp, nil
}

// effective reads the rules of a policy in the order in which they are tried.
func effective(ctx context.Context, client *rest.Client, policyID string) ([]*securityv1.EffectiveFirewallRule, error) {
	if policyID == "" {
		return nil, nil
	}
	p, err := policies.Get(ctx, client, policyID)
	if err != nil {
		return nil, err
	}
	ordered, err := rulesOf(ctx, client, p)
	if err != nil {
		return nil, err
	}
	var out []*securityv1.EffectiveFirewallRule
	for i := range ordered {
		if ordered[i].Enabled {
			out = append(out, toProtoEffective(&ordered[i]))
		}
	}
	return out, nil
}

// explain tells what a refusal of the firewall service is about.
func explain(err error, resourceType, id string, opts ...sdk.ErrorOption) error {
	switch rest.FaultCode(err) {
	case "FirewallPolicyNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, policies.Type, "", opts...)
	case "FirewallGroupPortInUse":
		return session.As(apiv1.Reason_REASON_IN_USE, err, ports.Type, "", opts...)
	case "FirewallGroupPortInvalid", "FirewallGroupPortNotSupported", "FirewallGroupPortInvalidProject":
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, ports.Type, "", opts...)
	}
	return session.Error(err, resourceType, id, opts...)
}
