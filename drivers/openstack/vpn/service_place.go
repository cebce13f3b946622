package vpn

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

// interfaceOwners are the owners of ports that join subnets to routers.
func interfaceOwners() []string {
	return []string{"network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface"}
}

// placeOf is the router of a new service: as given, or the network's only one that
// has an external gateway. Errors: REFERENCE_NOT_FOUND, REFERENCE_MISMATCH.
func placeOf(ctx context.Context, client *rest.Client, req *securityv1.CreateVpnServiceRequest) (string, error) {
	if req.GetRouterId() != "" {
		if err := session.ReferenceUUID(routers.Type, req.GetRouterId(), "router_id"); err != nil {
			return "", err
		}
	}
	if req.GetNetworkId() == "" {
		return req.GetRouterId(), nil
	}
	if err := session.ReferenceUUID(typeNetwork, req.GetNetworkId(), "network_id"); err != nil {
		return "", err
	}
	joined, err := nics.List(ctx, client, url.Values{"network_id": {req.GetNetworkId()}, "device_owner": interfaceOwners()})
	if err != nil {
		return "", err
	}
	if req.GetRouterId() != "" {
		if !slices.ContainsFunc(joined, func(p port) bool { return p.DeviceID == req.GetRouterId() }) {
			return "", mismatch(typeNetwork, req.GetNetworkId(), "network_id")
		}
		return req.GetRouterId(), nil
	}
	return onlyWayOut(ctx, client, req.GetNetworkId(), joined)
}

// onlyWayOut is the only router with a gateway among those that ports join.
func onlyWayOut(ctx context.Context, client *rest.Client, networkID string, joined []port) (string, error) {
	query := url.Values{}
	for _, p := range joined {
		query.Add("id", p.DeviceID)
	}
	if len(query) == 0 {
		return "", mismatch(typeNetwork, networkID, "network_id")
	}
	found, err := routers.List(ctx, client, query)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(r router) bool { return r.Gateway == nil || r.Gateway.NetworkID == "" })
	if len(found) != 1 {
		return "", mismatch(typeNetwork, networkID, "network_id")
	}
	return found[0].ID, nil
}

// networksOf are the networks of routers that join only one, by router.
func networksOf(ctx context.Context, client *rest.Client, list []vpnService) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	query := url.Values{"device_owner": interfaceOwners()}
	for i := range list {
		query.Add("device_id", list[i].RouterID)
	}
	joined, err := nics.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	only := map[string]string{}
	for _, p := range joined {
		if known, seen := only[p.DeviceID]; seen && known != p.NetworkID {
			only[p.DeviceID] = ""
			continue
		}
		only[p.DeviceID] = p.NetworkID
	}
	return only, nil
}

func mismatch(resourceType, id, field string) error {
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(resourceType, id), sdk.Field(field))
}
