package network

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type routerServer struct {
	networkv1.UnimplementedRouterServiceServer
	base
}

var _ networkv1.RouterServiceServer = (*routerServer)(nil)

// CreateRouter makes a custom route table of a VPC.
func (n *routerServer) CreateRouter(ctx context.Context, req *networkv1.CreateRouterRequest) (*networkv1.CreateRouterResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetExternalGateway() != nil {
		return nil, sdk.Unsupported("network.router.external_gateway")
	}
	var made struct{ RouteTableID string }
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("RouteTableName", req.GetName()).Set("AssociateType", "VSwitch").
		Set("Description", req.GetDescription()).Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "CreateRouteTable", params, &made); err != nil {
		return nil, api.Error(err, typeRouter, "")
	}
	return &networkv1.CreateRouterResponse{Id: made.RouteTableID, State: networkv1.RouterState_ROUTER_STATE_PENDING}, nil
}

// DeleteRouter removes a custom route table. The table is read first: what the
// cloud answers for one that is associated does not say with what.
func (n *routerServer) DeleteRouter(ctx context.Context, req *networkv1.DeleteRouterRequest) (*networkv1.DeleteRouterResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	gone := &networkv1.DeleteRouterResponse{Id: id, State: networkv1.RouterState_ROUTER_STATE_DELETED}
	v, err := routers().Get(ctx, s, id)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return gone, nil
	case err != nil:
		return nil, err
	case isSystemTable(v):
		return nil, sdk.InvalidState(typeRouter, id, nil)
	case len(v.VSwitchIDs.VSwitchID) > 0:
		blockers := kind.Blockers{}
		blockers.Add(typeSubnet, v.VSwitchIDs.VSwitchID...)
		return nil, sdk.InUse(typeRouter, id, nil, blockers.List()...)
	}
	err = s.Call(ctx, api.VPC, "DeleteRouteTable", api.Params{}.Set("RouteTableId", id), nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return &networkv1.DeleteRouterResponse{Id: id, State: networkv1.RouterState_ROUTER_STATE_DELETING}, nil
	case api.IsGone(err, typeRouter):
		return gone, nil
	case api.HasCode(err, "IncorrectRouteTableStatus.RouteEntryExist", "DependencyViolation.RouteEntry", "OperationDenied.GatewayAssociated"):
		return nil, api.As(apiv1.Reason_REASON_IN_USE, err, typeRouter, id)
	}
	return nil, routers().Refusal(ctx, s, err, id, changingRouter)
}

func changingRouter(v *routeTable) bool {
	return !strings.EqualFold(v.Status, "Available") && !strings.EqualFold(v.Status, "Created")
}

// UpdateRouter changes what is present.
func (n *routerServer) UpdateRouter(ctx context.Context, req *networkv1.UpdateRouterRequest) (*networkv1.UpdateRouterResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetExternalGateway() != nil {
		return nil, sdk.Unsupported("network.router.external_gateway")
	}
	v, err := routers().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if params := words(api.Params{}, "RouteTableName", req.Name, req.Description); len(params) > 0 {
		if err := s.Call(ctx, api.VPC, "ModifyRouteTableAttributes", params.Set("RouteTableId", v.RouteTableID), nil); err != nil {
			return nil, routers().Refusal(ctx, s, err, v.RouteTableID, changingRouter)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(api.VPC, "ROUTETABLE", v.RouteTableID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeRouter, v.RouteTableID)
		}
	}
	return &networkv1.UpdateRouterResponse{Id: v.RouteTableID, State: toProtoRouterState(v.Status)}, nil
}

// GetRouter reads one route table with its associations and entries.
func (n *routerServer) GetRouter(ctx context.Context, req *networkv1.GetRouterRequest) (*networkv1.GetRouterResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := routers().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	entries, err := routeEntries(ctx, s, v.RouteTableID)
	if err != nil {
		return nil, err
	}
	out := toProtoRouter(v, s.Region)
	out.Routes = toProtoRoutes(entries)
	return &networkv1.GetRouterResponse{Router: out}, nil
}

// ListRouters reads a page of route tables.
func (n *routerServer) ListRouters(ctx context.Context, req *networkv1.ListRoutersRequest) (*networkv1.ListRoutersResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("RouteTableName", req.GetName()).Set("ResourceGroupId", s.ResourceGroup)
	p, err := routers().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListRoutersResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if strings.EqualFold(p.Items[i].AssociateType, gatewayAssociated) {
			continue
		}
		if v := toProtoRouter(&p.Items[i], s.Region); keepsRouter(req, v) {
			resp.Routers = append(resp.Routers, v)
		}
	}
	return resp, nil
}
