package vpn

import (
	"context"
	"net/url"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type serviceServer struct {
	securityv1.UnimplementedVpnServiceServiceServer
	base
}

var _ securityv1.VpnServiceServiceServer = (*serviceServer)(nil)

// CreateVpnService makes a VPN service at a router.
func (n *serviceServer) CreateVpnService(ctx context.Context, req *securityv1.CreateVpnServiceRequest) (*securityv1.CreateVpnServiceResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkCreateService(req); err != nil {
		return nil, err
	}
	routerID, err := placeOf(ctx, client, req)
	if err != nil {
		return nil, err
	}
	v, err := services.CreateMarked(ctx, client, map[string]any{
		"name": req.GetName(), "router_id": routerID, "admin_state_up": req.Enabled == nil || req.GetEnabled(),
	}, req.GetDescription(), nil)
	if err != nil {
		return nil, explainCreateService(routerID, err)
	}
	return &securityv1.CreateVpnServiceResponse{Id: v.ID, State: toProtoServiceState(v.Status)}, nil
}

func explainCreateService(routerID string, err error) error {
	switch rest.FaultCode(err) {
	case "RouterIsNotExternal", "ExternalNetworkHasNoSubnet":
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, routers.Type, routerID, sdk.Field("router_id"))
	case "RouterNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, routers.Type, routerID, sdk.Field("router_id"))
	}
	return session.Error(err, services.Type, "")
}

// DeleteVpnService removes a VPN service without connections.
func (n *serviceServer) DeleteVpnService(ctx context.Context, req *securityv1.DeleteVpnServiceRequest) (*securityv1.DeleteVpnServiceResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := services.Delete(ctx, client, req.GetId()); err != nil {
		return nil, inUse(ctx, client, services.Type, req.GetId(), "vpnservice_id", err)
	}
	return &securityv1.DeleteVpnServiceResponse{Id: req.GetId(), State: securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETED}, nil
}

// inUse names the connections that hold what could not be removed; filter is by
// what they refer to it. Other refusals are as the session maps them.
func inUse(ctx context.Context, client *rest.Client, resourceType, id, filter string, refusal error) error {
	refused := session.Error(refusal, resourceType, id)
	if sdk.ReasonOf(refused) != apiv1.Reason_REASON_IN_USE {
		return refused
	}
	users, err := connections.List(ctx, client, url.Values{filter: {id}})
	if err != nil {
		return refused
	}
	var blockers []string
	for i := range users[:min(len(users), rest.MaxBlockers)] {
		blockers = append(blockers, rest.Blocker(connections.Type, users[i].ID))
	}
	return sdk.InUse(resourceType, id, refusal, blockers...)
}

// GetVpnService reads one VPN service and the network of its router.
func (n *serviceServer) GetVpnService(ctx context.Context, req *securityv1.GetVpnServiceRequest) (*securityv1.GetVpnServiceResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := services.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	networkOf, err := networksOf(ctx, client, []vpnService{*v})
	if err != nil {
		return nil, err
	}
	return &securityv1.GetVpnServiceResponse{VpnService: toProtoService(v, networkOf[v.RouterID], s.Region)}, nil
}

// ListVpnServices reads a page of VPN services, and the networks of all their
// routers in one call.
func (n *serviceServer) ListVpnServices(ctx context.Context, req *securityv1.ListVpnServicesRequest) (*securityv1.ListVpnServicesResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "router_id", req.GetRouterId())
	p, err := services.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	networkOf, err := networksOf(ctx, client, p.Items)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListVpnServicesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoService(&p.Items[i], networkOf[p.Items[i].RouterID], s.Region); keepsService(req, v) {
			resp.VpnServices = append(resp.VpnServices, v)
		}
	}
	return resp, nil
}
