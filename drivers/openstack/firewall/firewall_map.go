package firewall

import (
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoFirewall maps a group; bound are ports by id. A group that is bound to
// nothing counts as one of NICs.
func toProtoFirewall(v *group, bound map[string]port, region string) *securityv1.Firewall {
	out := &securityv1.Firewall{
		Id:              v.ID,
		Name:            v.Name,
		Description:     rest.Unmarked(v.Description),
		State:           toProtoState(v.Status),
		ProviderState:   v.Status,
		RegionId:        region,
		CreatedAt:       rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:       rest.ToProtoTime(v.UpdatedAt),
		Scope:           securityv1.FirewallScope_FIREWALL_SCOPE_PORT,
		IngressPolicyId: v.IngressPolicyID,
		EgressPolicyId:  v.EgressPolicyID,
		Enabled:         v.AdminStateUp,
		Stateful:        proto.Bool(true),
	}
	if out.State == securityv1.FirewallState_FIREWALL_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	for _, id := range slices.Sorted(slices.Values(v.Ports)) {
		p := bound[id]
		if !isRouterPort(p) {
			out.NicIds = append(out.NicIds, id)
			continue
		}
		out.Scope = securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER
		if !slices.Contains(out.RouterIds, p.DeviceID) {
			out.RouterIds = append(out.RouterIds, p.DeviceID)
		}
	}
	slices.Sort(out.RouterIds)
	return out
}

func isRouterPort(p port) bool { return strings.HasPrefix(p.DeviceOwner, "network:router_") }

// toProtoState maps the status of a group. Source: neutron_fwaas,
// services/firewall/service_drivers/agents/agents.py.
func toProtoState(status string) securityv1.FirewallState {
	switch strings.ToUpper(status) {
	case "ACTIVE":
		return securityv1.FirewallState_FIREWALL_STATE_ACTIVE
	case "INACTIVE", "DOWN", "CREATED":
		return securityv1.FirewallState_FIREWALL_STATE_INACTIVE
	case "PENDING_CREATE":
		return securityv1.FirewallState_FIREWALL_STATE_CREATING
	case "PENDING_UPDATE":
		return securityv1.FirewallState_FIREWALL_STATE_UPDATING
	case "PENDING_DELETE":
		return securityv1.FirewallState_FIREWALL_STATE_DELETING
	case "ERROR":
		return securityv1.FirewallState_FIREWALL_STATE_ERROR
	}
	return securityv1.FirewallState_FIREWALL_STATE_UNSPECIFIED
}

// checkCreateFirewall refuses what no group of Neutron has.
func checkCreateFirewall(req *securityv1.CreateFirewallRequest) error {
	switch req.GetScope() {
	case securityv1.FirewallScope_FIREWALL_SCOPE_UNSPECIFIED, securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER, securityv1.FirewallScope_FIREWALL_SCOPE_PORT:
	default:
		word := strings.ToLower(strings.TrimPrefix(req.GetScope().String(), "FIREWALL_SCOPE_"))
		return sdk.Unsupported("security.firewall.scope." + word)
	}
	if len(req.GetRouterIds()) > 0 && len(req.GetNicIds()) > 0 {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("nic_ids"),
			sdk.Violation("nic_ids", "must not be given together with router_ids"))
	}
	switch {
	case req.GetReplaceUnmanaged():
		return sdk.Unsupported("security.firewall.unmanaged")
	case len(req.GetTags()) > 0:
		return sdk.Unsupported("security.firewall.tags")
	}
	return nil
}

func checkUpdateFirewall(req *securityv1.UpdateFirewallRequest) error {
	switch {
	case req.GetTags() != nil:
		return sdk.Unsupported("security.firewall.tags")
	case req.GetSubnetIds() != nil:
		return sdk.Unsupported("security.firewall.scope.subnet")
	case req.GetPublicIpIds() != nil:
		return sdk.Unsupported("security.firewall.scope.internet")
	}
	return nil
}

// fromProtoUpdateFirewall maps what a request changes, but for words and ports.
func fromProtoUpdateFirewall(req *securityv1.UpdateFirewallRequest) map[string]any {
	attributes := map[string]any{}
	if req.IngressPolicyId != nil {
		attributes["ingress_firewall_policy_id"] = orNil(req.GetIngressPolicyId())
	}
	if req.EgressPolicyId != nil {
		attributes["egress_firewall_policy_id"] = orNil(req.GetEgressPolicyId())
	}
	if req.Enabled != nil {
		attributes["admin_state_up"] = req.GetEnabled()
	}
	return attributes
}

func keepsFirewall(req *securityv1.ListFirewallsRequest, v *securityv1.Firewall) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		req.GetTag() == "" &&
		(req.GetState() == 0 || req.GetState() == v.GetState())
}

// orNil is null for an empty id.
func orNil(id string) any {
	if id == "" {
		return nil
	}
	return id
}
