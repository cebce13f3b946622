package network

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type routerServer struct {
	networkv1.UnimplementedRouterServiceServer
	base
}

var _ networkv1.RouterServiceServer = (*routerServer)(nil)

// CreateRouter makes a router.
func (n *routerServer) CreateRouter(ctx context.Context, req *networkv1.CreateRouterRequest) (*networkv1.CreateRouterResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateRouter(req)
	if err != nil {
		return nil, err
	}
	v, err := routers.CreateMarked(ctx, client, attributes, req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, explainGateway(ctx, client, "", req.GetExternalGateway(), err)
	}
	return &networkv1.CreateRouterResponse{Id: v.ID, State: toProtoRouterState(v.Status)}, nil
}

// DeleteRouter removes a router with its external gateway.
func (n *routerServer) DeleteRouter(ctx context.Context, req *networkv1.DeleteRouterRequest) (*networkv1.DeleteRouterResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if err := routers.Delete(ctx, client, id); err != nil {
		if rest.FaultCode(err) == "RouterInUse" {
			return nil, interfacesInUse(ctx, client, id, err)
		}
		return nil, session.Error(err, routers.Type, id)
	}
	return &networkv1.DeleteRouterResponse{Id: id, State: networkv1.RouterState_ROUTER_STATE_DELETED}, nil
}

// interfacesInUse is the IN_USE of a router, naming the subnets that it joins.
func interfacesInUse(ctx context.Context, client *rest.Client, id string, cause error) error {
	ports, err := interfacesOf(ctx, client, id)
	if err != nil {
		return session.Error(cause, routers.Type, id)
	}
	var blockers []string
	for _, i := range toProtoInterfaces(ports) {
		if len(blockers) < rest.MaxBlockers {
			blockers = append(blockers, rest.Blocker(subnets.Type, i.GetSubnetId()))
		}
	}
	return sdk.InUse(routers.Type, id, cause, blockers...)
}

// UpdateRouter changes what is present.
func (n *routerServer) UpdateRouter(ctx context.Context, req *networkv1.UpdateRouterRequest) (*networkv1.UpdateRouterResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes := map[string]any{}
	if req.GetExternalGateway() != nil {
		attributes["external_gateway_info"] = fromProtoGateway(req.GetExternalGateway())
	}
	v, err := routers.Apply(ctx, client, req.GetId(), rest.Edit{
		Name: req.Name, Description: req.Description, Tags: req.GetTags(), Attributes: attributes,
	})
	if err != nil {
		return nil, explainGateway(ctx, client, req.GetId(), req.GetExternalGateway(), err)
	}
	return &networkv1.UpdateRouterResponse{Id: v.ID, State: toProtoRouterState(v.Status)}, nil
}

// explainGateway tells what a refusal of a router with a gateway means. Neutron
// answers a network that is not external with an unspecific 400.
func explainGateway(ctx context.Context, client *rest.Client, id string, spec *networkv1.ExternalGatewaySpec, err error) error {
	code := rest.FaultCode(err)
	external := spec.GetNetworkId()
	switch {
	case code == "NetworkNotFound" || code == "ExternalNetworkNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, networks.Type, external, sdk.Field("external_gateway.network_id"))
	case strings.HasPrefix(code, "RouterExternalGatewayInUse"):
		return publicIPsInUse(ctx, client, routers.Type, id, url.Values{"router_id": {id}}, err)
	case external != "" && gophercloud.ResponseCodeIs(err, http.StatusBadRequest) && isInternal(ctx, client, external):
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, networks.Type, external, sdk.Field("external_gateway.network_id"))
	}
	return session.Error(err, routers.Type, id)
}

// GetRouter reads one router with its interfaces and routes.
func (n *routerServer) GetRouter(ctx context.Context, req *networkv1.GetRouterRequest) (*networkv1.GetRouterResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := routers.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	ports, err := interfacesOf(ctx, client, v.ID)
	if err != nil {
		return nil, err
	}
	out := toProtoRouter(v, s.Region)
	out.Interfaces = toProtoInterfaces(ports)
	out.Routes = toProtoRoutes(v.Routes)
	return &networkv1.GetRouterResponse{Router: out}, nil
}

// ListRouters reads a page of routers, and the subnets of all in one call.
func (n *routerServer) ListRouters(ctx context.Context, req *networkv1.ListRoutersRequest) (*networkv1.ListRoutersResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := routers.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListRoutersResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoRouter(&p.Items[i], s.Region); keepsRouter(req, v) {
			resp.Routers = append(resp.Routers, v)
		}
	}
	if len(resp.Routers) == 0 {
		return resp, nil
	}
	ports, err := nics.List(ctx, client, url.Values{"device_owner": routerInterfaceOwners()})
	if err != nil {
		return nil, err
	}
	joined := joinedSubnets(ports)
	for _, v := range resp.GetRouters() {
		v.Interfaces = joined[v.GetId()]
	}
	return resp, nil
}

// interfacesOf reads the ports that join subnets to a router.
func interfacesOf(ctx context.Context, client *rest.Client, id string) ([]port, error) {
	return nics.List(ctx, client, url.Values{"device_id": {id}, "device_owner": routerInterfaceOwners()})
}
