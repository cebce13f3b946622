package network

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AddRouterInterface joins a subnet to a router by a new port with the subnet's
// gateway address.
func (n *routerServer) AddRouterInterface(ctx context.Context, req *networkv1.AddRouterInterfaceRequest) (*networkv1.AddRouterInterfaceResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	var joined struct {
		PortID string `json:"port_id"`
	}
	err = routers.Act(ctx, client, req.GetId(), "add_router_interface", map[string]any{"subnet_id": req.GetSubnetId()}, &joined)
	if err != nil {
		if joined.PortID, err = alreadyJoined(ctx, client, req, err); err != nil {
			return nil, err
		}
	}
	return &networkv1.AddRouterInterfaceResponse{
		Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_AVAILABLE, NicId: joined.PortID,
	}, nil
}

// alreadyJoined looks, after a refusal, for the port that joins the pair; it
// returns its id or what the refusal means. Neutron answers a repeat, an overlap
// and a subnet without gateway with the same 400.
func alreadyJoined(ctx context.Context, client *rest.Client, req *networkv1.AddRouterInterfaceRequest, refusal error) (string, error) {
	if !gophercloud.ResponseCodeIs(refusal, http.StatusBadRequest) && !gophercloud.ResponseCodeIs(refusal, http.StatusConflict) {
		return "", explainInterface(req, refusal)
	}
	query := inSubnet(req.GetSubnetId())
	query["device_owner"] = routerInterfaceOwners()
	ports, err := nics.List(ctx, client, query)
	if err != nil {
		return "", err
	}
	for i := range ports {
		if ports[i].DeviceID == req.GetId() {
			return ports[i].ID, nil
		}
	}
	if len(ports) > 0 {
		return "", sdk.InUse(subnets.Type, req.GetSubnetId(), refusal, portBlockers(ports)...)
	}
	return "", explainUnjoinable(ctx, client, req, refusal)
}

// explainUnjoinable tells why a subnet that no router has cannot be joined: it
// has no gateway address, or its range overlaps with one that is joined.
func explainUnjoinable(ctx context.Context, client *rest.Client, req *networkv1.AddRouterInterfaceRequest, refusal error) error {
	ports, err := interfacesOf(ctx, client, req.GetId())
	if err != nil {
		return explainInterface(req, refusal)
	}
	query := url.Values{"id": {req.GetSubnetId()}}
	for _, i := range toProtoInterfaces(ports) {
		query.Add("id", i.GetSubnetId())
	}
	all, err := subnets.List(ctx, client, query)
	at := slices.IndexFunc(all, func(v subnet) bool { return v.ID == req.GetSubnetId() })
	if err != nil || at < 0 {
		return explainInterface(req, refusal)
	}
	if all[at].GatewayIP == "" {
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, refusal, subnets.Type, req.GetSubnetId(), sdk.Field("subnet_id"))
	}
	for i := range all {
		if i != at && overlaps(all[i].CIDR, all[at].CIDR) {
			return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, refusal, subnets.Type, all[i].ID, sdk.Field("subnet_id"))
		}
	}
	return explainInterface(req, refusal)
}

func explainInterface(req *networkv1.AddRouterInterfaceRequest, refusal error) error {
	if rest.FaultCode(refusal) == "SubnetNotFound" {
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, refusal, subnets.Type, req.GetSubnetId(), sdk.Field("subnet_id"))
	}
	return session.Error(refusal, routers.Type, req.GetId())
}

// RemoveRouterInterface takes a subnet off a router.
func (n *routerServer) RemoveRouterInterface(ctx context.Context, req *networkv1.RemoveRouterInterfaceRequest) (*networkv1.RemoveRouterInterfaceResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	err = routers.Act(ctx, client, id, "remove_router_interface", map[string]any{"subnet_id": req.GetSubnetId()}, nil)
	code := rest.FaultCode(err)
	switch {
	case err == nil, strings.HasPrefix(code, "RouterInterfaceNotFound"), code == "SubnetNotFound":
		return &networkv1.RemoveRouterInterfaceResponse{Id: id, State: networkv1.RouterState_ROUTER_STATE_AVAILABLE}, nil
	case code == "RouterInterfaceInUseByFloatingIP":
		return nil, publicIPsInUse(ctx, client, routers.Type, id, url.Values{"router_id": {id}}, err)
	default:
		return nil, session.Error(err, routers.Type, id)
	}
}
