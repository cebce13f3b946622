package memcloud

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type routerService struct {
	networkv1.UnimplementedRouterServiceServer
	c *Cloud
}

var _ networkv1.RouterServiceServer = (*routerService)(nil)

// CreateRouter makes a router without interfaces.
func (s *routerService) CreateRouter(ctx context.Context, req *networkv1.CreateRouterRequest) (*networkv1.CreateRouterResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateRouterResponse, error) {
		if err := v.within(use{"network.router.count", 1}); err != nil {
			return nil, err
		}
		router := &networkv1.Router{}
		fill(router, req)
		router.Charge = chargeOrPostpaid(nil)
		if spec := req.GetExternalGateway(); spec.GetNetworkId() != "" {
			gateway, err := makeGateway(v, spec)
			if err != nil {
				return nil, err
			}
			router.ExternalGateway = gateway
		}
		setState(router, networkv1.RouterState_ROUTER_STATE_PENDING)
		r, router := routers.add(v, router)
		v.after(r, networkDelay)
		return &networkv1.CreateRouterResponse{Id: r.id, State: router.GetState()}, nil
	})
}

// DeleteRouter removes a router that has neither interfaces nor routes.
func (s *routerService) DeleteRouter(ctx context.Context, req *networkv1.DeleteRouterRequest) (*networkv1.DeleteRouterResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteRouterResponse, error) {
		r, router, ok := routers.find(v, req.GetId())
		if !ok {
			return &networkv1.DeleteRouterResponse{Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_DELETED}, nil
		}
		if router.GetState() == networkv1.RouterState_ROUTER_STATE_DELETING {
			return &networkv1.DeleteRouterResponse{Id: r.id, State: router.GetState()}, nil
		}
		if used := append(routerUsers(router), vpnServicesAt(v, r.id)...); len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		err := inState(r, router.GetState(), networkv1.RouterState_ROUTER_STATE_AVAILABLE, networkv1.RouterState_ROUTER_STATE_ERROR)
		if err != nil {
			return nil, err
		}
		r, router = routers.edit(v, r)
		setState(router, networkv1.RouterState_ROUTER_STATE_DELETING)
		v.after(r, networkDelay)
		return &networkv1.DeleteRouterResponse{Id: r.id, State: router.GetState()}, nil
	})
}

func routerUsers(router *networkv1.Router) []string {
	var used []string
	for _, i := range router.GetInterfaces() {
		used = append(used, subnets.blocker(i.GetSubnetId()))
	}
	for _, route := range router.GetRoutes() {
		used = append(used, routeBlocker(route))
	}
	return used
}

// UpdateRouter changes name, description, tags and the external gateway.
func (s *routerService) UpdateRouter(ctx context.Context, req *networkv1.UpdateRouterRequest) (*networkv1.UpdateRouterResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateRouterResponse, error) {
		r, router, err := routers.get(v, req.GetId())
		if err == nil {
			err = inState(r, router.GetState(), networkv1.RouterState_ROUTER_STATE_AVAILABLE, networkv1.RouterState_ROUTER_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, router = routers.edit(v, r)
		fill(router, req)
		if spec := req.GetExternalGateway(); spec != nil {
			if err := changeGateway(v, r, router, spec); err != nil {
				return nil, err
			}
		}
		return &networkv1.UpdateRouterResponse{Id: r.id, State: router.GetState()}, nil
	})
}

// changeGateway sets or, without a network, takes away the way out. A public IP
// bound behind the router keeps it in the network it has.
func changeGateway(v *view, r *record, router *networkv1.Router, spec *networkv1.ExternalGatewaySpec) error {
	old := router.GetExternalGateway()
	if spec.GetNetworkId() != old.GetNetworkId() {
		if used := append(boundBehind(v, router), vpnServicesAt(v, r.id)...); len(used) > 0 {
			return sdk.InUse(string(r.kind), r.id, nil, used...)
		}
	}
	if spec.GetNetworkId() == "" {
		router.ExternalGateway = nil
		return nil
	}
	if old != nil && old.GetNetworkId() == spec.GetNetworkId() {
		if spec.SnatEnabled != nil {
			old.SnatEnabled = spec.GetSnatEnabled()
		}
		return nil
	}
	gateway, err := makeGateway(v, spec)
	router.ExternalGateway = gateway
	return err
}

func makeGateway(v *view, spec *networkv1.ExternalGatewaySpec) (*networkv1.ExternalGateway, error) {
	const field = "external_gateway.network_id"
	_, network, err := networks.ref(v, field, spec.GetNetworkId())
	if err == nil && !network.GetExternal() {
		err = mismatch(field)
	}
	if err != nil {
		return nil, err
	}
	sr, subnet, err := subnets.ref(v, field, externalSubnetID)
	if err != nil {
		return nil, err
	}
	ip, err := takeAddress(v, sr, subnet, field, "")
	if err != nil {
		return nil, err
	}
	return &networkv1.ExternalGateway{
		NetworkId:   network.GetId(),
		IpAddresses: []string{ip},
		SnatEnabled: spec.SnatEnabled == nil || spec.GetSnatEnabled(),
	}, nil
}

// GetRouter reads one router.
func (s *routerService) GetRouter(ctx context.Context, req *networkv1.GetRouterRequest) (*networkv1.GetRouterResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetRouterResponse, error) {
		_, router, err := routers.get(v, req.GetId())
		return &networkv1.GetRouterResponse{Router: router}, err
	})
}

// ListRouters reads a page of routers; lists carry no routes.
func (s *routerService) ListRouters(ctx context.Context, req *networkv1.ListRoutersRequest) (*networkv1.ListRoutersResponse, error) {
	p, err := list(s.c, ctx, routers, req, nil)
	for i, router := range p.items {
		if len(router.GetRoutes()) > 0 {
			p.items[i] = proto.CloneOf(router)
			p.items[i].Routes = nil
		}
	}
	return &networkv1.ListRoutersResponse{Routers: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleRouter ends a router's move.
func settleRouter(v *view, r *record) {
	_, router := routers.edit(v, r)
	switch router.GetState() {
	case networkv1.RouterState_ROUTER_STATE_PENDING:
		settleTo(r, networkv1.RouterState_ROUTER_STATE_AVAILABLE, networkv1.RouterState_ROUTER_STATE_ERROR)
	case networkv1.RouterState_ROUTER_STATE_DELETING:
		leaveFirewalls(v, r.id)
		v.remove(r.key)
	}
}
