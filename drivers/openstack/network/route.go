package network

import (
	"context"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AddRoute puts a route into a router. The router is read first: Neutron would
// take a second next hop for the same destination.
func (n *routerServer) AddRoute(ctx context.Context, req *networkv1.AddRouteRequest) (*networkv1.AddRouteResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := routers.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	hop, err := nextHop(ctx, client, req)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.AddRouteResponse{Id: v.ID, State: toProtoRouterState(v.Status)}
	existing := routesTo(v.Routes, req.GetDestinationCidr())
	if slices.ContainsFunc(existing, func(r route) bool { return r.NextHop == hop }) {
		return resp, nil
	}
	if len(existing) > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING,
			sdk.Resource(routers.Type, v.ID), sdk.Field("destination_cidr"))
	}
	added := []route{{Destination: req.GetDestinationCidr(), NextHop: hop}}
	err = routers.Act(ctx, client, v.ID, "add_extraroutes", routesBody(added), nil)
	switch {
	case err == nil:
		return resp, nil
	case rest.FaultCode(err) == "InvalidRoutes" && gophercloud.ResponseCodeIs(err, http.StatusBadRequest):
		return nil, session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, routers.Type, v.ID, sdk.Field(nextHopField(req)))
	case rest.FaultCode(err) == "RoutesExhausted":
		return nil, session.As(apiv1.Reason_REASON_QUOTA_EXCEEDED, err, routers.Type, v.ID)
	default:
		return nil, session.Error(err, routers.Type, v.ID)
	}
}

// RemoveRoute takes the routes to a destination out of a router.
func (n *routerServer) RemoveRoute(ctx context.Context, req *networkv1.RemoveRouteRequest) (*networkv1.RemoveRouteResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := routers.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if gone := routesTo(v.Routes, req.GetDestinationCidr()); len(gone) > 0 {
		if err := routers.Act(ctx, client, v.ID, "remove_extraroutes", routesBody(gone), nil); err != nil {
			return nil, session.Error(err, routers.Type, v.ID)
		}
	}
	return &networkv1.RemoveRouteResponse{Id: v.ID, State: toProtoRouterState(v.Status)}, nil
}

// nextHop is the address that a request names, or that of the NIC that it names.
func nextHop(ctx context.Context, client *rest.Client, req *networkv1.AddRouteRequest) (string, error) {
	if req.GetNicId() == "" {
		return req.GetIpAddress(), nil
	}
	p, err := nics.Get(ctx, client, req.GetNicId())
	if err != nil {
		return "", rest.AsReference(err, "nic_id")
	}
	hop := nextHopOf(p, req.GetDestinationCidr())
	if hop == "" {
		return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH,
			sdk.Resource(nics.Type, p.ID), sdk.Field("nic_id"))
	}
	return hop, nil
}

func nextHopField(req *networkv1.AddRouteRequest) string {
	if req.GetNicId() != "" {
		return "nic_id"
	}
	return "ip_address"
}

func routesBody(routes []route) map[string]any {
	return map[string]any{"router": map[string]any{"routes": routes}}
}
