package firewall

import (
	"context"
	"net/url"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxIDs bounds how many ids a query names, so that its address stays below the
// 4 KiB that proxies allow; beyond it all are read.
const maxIDs = 50

// portsFor are the ports that a firewall of routers or of NICs is bound to. Errors:
// REFERENCE_MISMATCH for a router without interfaces.
func portsFor(ctx context.Context, client *rest.Client, routerIDs, nicIDs []string) ([]string, error) {
	for _, id := range nicIDs {
		if err := session.ReferenceUUID(ports.Type, id, "nic_ids"); err != nil {
			return nil, err
		}
	}
	bound := append([]string{}, nicIDs...)
	for _, id := range routerIDs {
		if err := session.ReferenceUUID(typeRouter, id, "router_ids"); err != nil {
			return nil, err
		}
		found, err := ports.List(ctx, client, url.Values{"device_id": {id}, "fields": {"id", "device_owner", "device_id"}})
		if err != nil {
			return nil, err
		}
		before := len(bound)
		for _, p := range found {
			if isRouterPort(p) && p.DeviceOwner != "network:router_gateway" {
				bound = append(bound, p.ID)
			}
		}
		if len(bound) == before {
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeRouter, id), sdk.Field("router_ids"))
		}
	}
	return bound, nil
}

// newPorts are the ports of an update. Errors: REFERENCE_MISMATCH where they are of
// another kind than those that the firewall has.
func newPorts(ctx context.Context, client *rest.Client, req *securityv1.UpdateFirewallRequest) ([]string, error) {
	v, err := groups.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	bound, err := portsByID(ctx, client, v.Ports)
	if err != nil {
		return nil, err
	}
	scope := toProtoFirewall(v, bound, "").GetScope()
	field := ""
	switch {
	case len(v.Ports) == 0:
	case req.GetRouterIds() != nil && scope != securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER:
		field = "router_ids"
	case req.GetNicIds() != nil && scope != securityv1.FirewallScope_FIREWALL_SCOPE_PORT:
		field = "nic_ids"
	}
	if field != "" {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(groups.Type, v.ID), sdk.Field(field))
	}
	return portsFor(ctx, client, req.GetRouterIds().GetValues(), req.GetNicIds().GetValues())
}

// portsByID reads ports in one call.
func portsByID(ctx context.Context, client *rest.Client, ids []string) (map[string]port, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query := url.Values{"fields": {"id", "device_owner", "device_id"}}
	if len(ids) <= maxIDs {
		query["id"] = ids
	}
	found, err := ports.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]port, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	return byID, nil
}

// usersOf are the groups that use a policy for either direction.
func usersOf(ctx context.Context, client *rest.Client, policyID string) ([]string, error) {
	var ids []string
	all, err := groups.List(ctx, client, url.Values{"fields": {"id", "ingress_firewall_policy_id", "egress_firewall_policy_id"}})
	for _, g := range all {
		if strings.EqualFold(g.IngressPolicyID, policyID) || strings.EqualFold(g.EgressPolicyID, policyID) {
			ids = append(ids, g.ID)
		}
	}
	return ids, err
}
