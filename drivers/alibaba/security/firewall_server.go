package security

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type firewallServer struct {
	securityv1.UnimplementedFirewallServiceServer
	base
}

var _ securityv1.FirewallServiceServer = (*firewallServer)(nil)

// GetFirewall reads one firewall with the rules in force.
func (n *firewallServer) GetFirewall(ctx context.Context, req *securityv1.GetFirewallRequest) (*securityv1.GetFirewallResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetId() != internetID {
		v, err := readACL(ctx, s, req.GetId())
		if err != nil {
			return nil, err
		}
		out := toProtoACL(v, s.Region)
		for _, e := range v.entries(directionIn) {
			r := e.toRule()
			out.EffectiveIngressRules = append(out.EffectiveIngressRules, toEffective(&r, out.GetIngressPolicyId()))
		}
		for _, e := range v.entries(directionOut) {
			r := e.toRule()
			out.EffectiveEgressRules = append(out.EffectiveEgressRules, toEffective(&r, out.GetEgressPolicyId()))
		}
		return &securityv1.GetFirewallResponse{Firewall: out}, nil
	}
	out, err := readInternet(ctx, s)
	if err != nil {
		return nil, err
	}
	ingress, err := internetRules{directionIn}.read(ctx, s)
	if err != nil {
		return nil, err
	}
	egress, err := internetRules{directionOut}.read(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range ingress {
		out.EffectiveIngressRules = append(out.EffectiveIngressRules, toEffective(&ingress[i], out.GetIngressPolicyId()))
	}
	for i := range egress {
		out.EffectiveEgressRules = append(out.EffectiveEgressRules, toEffective(&egress[i], out.GetEgressPolicyId()))
	}
	return &securityv1.GetFirewallResponse{Firewall: out}, nil
}

// ListFirewalls reads a page of firewalls, the Internet border on the first.
func (n *firewallServer) ListFirewalls(ctx context.Context, req *securityv1.ListFirewallsRequest) (*securityv1.ListFirewallsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := acls().Find(ctx, s, req, api.Params{}.Set("VpcId", req.GetNetworkId()))
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListFirewallsResponse{NextPageToken: p.Next}
	for _, id := range p.Missing {
		if id != internetID {
			resp.MissingIds = append(resp.MissingIds, id)
		}
	}
	if req.GetPageToken() == "" && (len(req.GetIds()) == 0 || len(resp.GetMissingIds()) < len(p.Missing)) {
		border, err := readInternet(ctx, s)
		switch {
		case err == nil && keepsFirewall(req, border):
			resp.Firewalls = append(resp.Firewalls, border)
		case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND && len(resp.GetMissingIds()) < len(p.Missing):
			resp.MissingIds = append(resp.MissingIds, internetID)
		case err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND:
			return nil, err
		}
	}
	for i := range p.Items {
		if v := toProtoACL(&p.Items[i], s.Region); keepsFirewall(req, v) {
			resp.Firewalls = append(resp.Firewalls, v)
		}
	}
	return resp, nil
}

// keepsFirewall tells whether a firewall fits the filters of a request.
func keepsFirewall(req *securityv1.ListFirewallsRequest, v *securityv1.Firewall) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetScope() == 0 || req.GetScope() == v.GetScope()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}

// stepBind says that an ACL was made or changed and its associations follow; its
// id follows.
const stepBind = "bind:"

// CreateFirewall makes a network ACL and associates it.
func (n *firewallServer) CreateFirewall(ctx context.Context, req *securityv1.CreateFirewallRequest) (*securityv1.CreateFirewallResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if id, ok := cutStep(ctx, stepBind); ok {
		if sdk.CallFrom(ctx).Undo {
			gone, err := n.DeleteFirewall(ctx, &securityv1.DeleteFirewallRequest{Id: id})
			return &securityv1.CreateFirewallResponse{Id: id, State: gone.GetState()}, err
		}
		state, err := bind(ctx, s, id, req.GetSubnetIds())
		if err != nil {
			return nil, err
		}
		return &securityv1.CreateFirewallResponse{Id: id, State: state}, nil
	}
	if err := refuseFirewall(req); err != nil {
		return nil, err
	}
	var made struct{ NetworkACLID string }
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("NetworkAclName", req.GetName()).Set("Description", req.GetDescription()).
		Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "CreateNetworkAcl", params, &made); err != nil {
		return nil, aclRefusal(err, "")
	}
	if len(req.GetSubnetIds()) > 0 {
		sdk.SetNextStep(ctx, stepBind+made.NetworkACLID, pollAfter)
	}
	return &securityv1.CreateFirewallResponse{Id: made.NetworkACLID, State: securityv1.FirewallState_FIREWALL_STATE_CREATING}, nil
}

// refuseFirewall refuses what a network ACL cannot be made with.
func refuseFirewall(req *securityv1.CreateFirewallRequest) error {
	switch {
	case req.GetScope() == securityv1.FirewallScope_FIREWALL_SCOPE_INTERNET:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Field("scope"))
	case req.GetScope() > 0 && req.GetScope() != securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.firewall.scope"), sdk.Field("scope"))
	case req.GetNetworkId() == "":
		return rejected("network_id", "must be given on this cloud")
	case req.GetIngressPolicyId() != "":
		return ownPolicies("ingress_policy_id")
	case req.GetEgressPolicyId() != "":
		return ownPolicies("egress_policy_id")
	case req.Enabled != nil && !req.GetEnabled():
		return sdk.Unsupported("security.firewall.disable")
	}
	return nil
}

// ownPolicies refuses policies of other firewalls.
func ownPolicies(field string) error {
	return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.firewall.shared_policies"), sdk.Field(field))
}

// bind makes the associations of an ACL the wanted ones, a change at a time, and
// lets the request go on until they are.
func bind(ctx context.Context, s *session.Session, id string, wanted []string) (securityv1.FirewallState, error) {
	v, err := readACL(ctx, s, id)
	if err != nil {
		return 0, err
	}
	state := toProtoACLState(v)
	if state == securityv1.FirewallState_FIREWALL_STATE_UPDATING {
		sdk.SetNextStep(ctx, stepBind+id, pollAfter)
		return state, nil
	}
	action, resources := v.change(wanted)
	if action == "" {
		return state, nil
	}
	items := make([]api.Params, 0, len(resources))
	for _, subnet := range resources {
		items = append(items, api.Params{"ResourceType": vSwitchWord, "ResourceId": subnet})
	}
	params := api.Params{}.Set("NetworkAclId", id).Objects("Resource", items...)
	if err := s.Call(ctx, api.VPC, action, params, nil); err != nil {
		return 0, explainBind(ctx, s, id, resources, err)
	}
	sdk.SetNextStep(ctx, stepBind+id, pollAfter)
	return securityv1.FirewallState_FIREWALL_STATE_UPDATING, nil
}

// change is the next call towards the wanted associations; empty: it is so.
func (v *acl) change(wanted []string) (action string, subnets []string) {
	now := make([]string, 0, len(v.Resources.Resource))
	for _, r := range v.Resources.Resource {
		now = append(now, r.ResourceID)
	}
	if surplus := without(now, wanted); len(surplus) > 0 {
		return "UnassociateNetworkAcl", surplus
	}
	if missing := without(wanted, now); len(missing) > 0 {
		return "AssociateNetworkAcl", missing
	}
	return "", nil
}

func explainBind(ctx context.Context, s *session.Session, id string, subnets []string, err error) error {
	switch {
	case api.HasCode(err, "InvalidResource.NotFound"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeSubnet, "", sdk.Field("subnet_ids"))
	case api.HasCode(err, "InvalidResource.VpcError", "Mismatch.NetworkAclAndVSwitch"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeSubnet, "", sdk.Field("subnet_ids"))
	case api.HasCode(err, "InvalidResource.BindingExist"):
		blockers := kind.Blockers{}
		if all, readErr := acls().All(ctx, s, api.Params{}); readErr == nil {
			for i := range all {
				for _, r := range all[i].Resources.Resource {
					if len(without([]string{r.ResourceID}, subnets)) == 0 && all[i].NetworkACLID != id {
						blockers.Add(typeFirewall, all[i].NetworkACLID)
					}
				}
			}
		}
		return sdk.InUse(typeSubnet, subnets[0], err, blockers.List()...)
	}
	return aclRefusal(err, id)
}
