package network

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepSubnet says that an association was begun: the vSwitch changes, not the table.
const stepSubnet = "subnet"

// AddRouterInterface associates a vSwitch with a route table, in place of the
// system's. The vSwitch is changing until that is done.
func (n *routerServer) AddRouterInterface(ctx context.Context, req *networkv1.AddRouterInterfaceRequest) (*networkv1.AddRouterInterfaceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if sdk.CallFrom(ctx).Undo {
		gone, err := n.RemoveRouterInterface(ctx, &networkv1.RemoveRouterInterfaceRequest{Id: req.GetId(), SubnetId: req.GetSubnetId()})
		return &networkv1.AddRouterInterfaceResponse{Id: req.GetId(), State: gone.GetState()}, err
	}
	if sdk.CallFrom(ctx).NextStep != stepSubnet {
		params := api.Params{}.Set("RouteTableId", req.GetId()).Set("VSwitchId", req.GetSubnetId()).Once(ctx, "")
		err := s.Call(ctx, api.VPC, "AssociateRouteTable", params, nil)
		if err != nil && !api.HasCode(err, "ResourceAlreadyAssociated.RouteTable") {
			return nil, explainAssociation(ctx, s, req, err)
		}
	}
	if err := subnetSettled(ctx, s, req.GetSubnetId()); err != nil {
		return nil, err
	}
	return &networkv1.AddRouterInterfaceResponse{Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_AVAILABLE}, nil
}

func explainAssociation(ctx context.Context, s *session.Session, req *networkv1.AddRouterInterfaceRequest, err error) error {
	switch {
	case api.HasCode(err, "Forbidden.VSwitchAlreadyAssociatedRouteTable"):
		v, readErr := subnets().Get(ctx, s, req.GetSubnetId())
		if readErr != nil {
			return api.As(apiv1.Reason_REASON_IN_USE, err, typeSubnet, req.GetSubnetId())
		}
		return sdk.InUse(typeSubnet, v.VSwitchID, err, kind.Blocker(typeRouter, v.RouteTable.RouteTableID))
	case api.HasCode(err, "Forbidden.NotInSameVpc"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeSubnet, req.GetSubnetId(), sdk.Field("subnet_id"))
	case api.HasCode(err, "OperationDenied.SwitchToSystemRouteTable", "OperationDenied.AssociateGatewayRouteTable"):
		return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeRouter, req.GetId())
	case api.HasCode(err, "IncorrectVSwitchStatus"):
		return subnets().Refusal(ctx, s, err, req.GetSubnetId(), changingSubnet)
	}
	return routers().Refusal(ctx, s, err, req.GetId(), changingRouter)
}

// subnetSettled lets the request go on for as long as a vSwitch is changing.
func subnetSettled(ctx context.Context, s *session.Session, id string) error {
	v, err := subnets().Get(ctx, s, id)
	if err != nil {
		return kind.AsReference(err, "subnet_id")
	}
	if strings.EqualFold(v.Status, "Pending") {
		sdk.SetNextStep(ctx, stepSubnet, pollAfter)
	}
	return nil
}

// RemoveRouterInterface takes a vSwitch off a route table; it falls back to the
// system's.
func (n *routerServer) RemoveRouterInterface(ctx context.Context, req *networkv1.RemoveRouterInterfaceRequest) (*networkv1.RemoveRouterInterfaceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	done := &networkv1.RemoveRouterInterfaceResponse{Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_AVAILABLE}
	if call := sdk.CallFrom(ctx); call.NextStep != stepSubnet || call.Undo {
		params := api.Params{}.Set("RouteTableId", req.GetId()).Set("VSwitchId", req.GetSubnetId()).Once(ctx, "unassociate")
		err := s.Call(ctx, api.VPC, "UnassociateRouteTable", params, nil)
		switch {
		case err == nil:
		case api.HasCode(err, "OperationFailed.VSwitchNotAssociate", "InvalidBindingStatus.RouteTable", "InvalidVSwitchId.NotFound"):
			return done, nil
		case api.HasCode(err, "OperationUnsupported.SystemRouteTable"):
			return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeRouter, req.GetId())
		case api.HasCode(err, "IncorrectVSwitchStatus", "InvalidStatus.VSwitch"):
			return nil, subnets().Refusal(ctx, s, err, req.GetSubnetId(), changingSubnet)
		default:
			return nil, routers().Refusal(ctx, s, err, req.GetId(), changingRouter)
		}
	}
	if err := subnetSettled(ctx, s, req.GetSubnetId()); err != nil {
		return nil, err
	}
	return done, nil
}
