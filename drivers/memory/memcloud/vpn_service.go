package memcloud

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const vpnServiceDelay = 2 * time.Second // of each move, at scale 1

type vpnServiceService struct {
	securityv1.UnimplementedVpnServiceServiceServer
	c *Cloud
}

var _ securityv1.VpnServiceServiceServer = (*vpnServiceService)(nil)

// CreateVpnService makes a service at a router that leads out; peers dial the
// router's address there.
func (s *vpnServiceService) CreateVpnService(ctx context.Context, req *securityv1.CreateVpnServiceRequest) (*securityv1.CreateVpnServiceResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateVpnServiceResponse, error) {
		router, err := vpnRouter(v, req.GetRouterId(), req.GetNetworkId())
		if err == nil {
			err = v.within(use{"security.vpn_service.count", 1})
		}
		if err != nil {
			return nil, err
		}
		service := &securityv1.VpnService{Enabled: true}
		fill(service, req)
		service.RouterId = router.GetId()
		service.PublicIpAddresses = append([]string{}, router.GetExternalGateway().GetIpAddresses()...)
		service.Charge = chargeOrPostpaid(req.GetCharge())
		if service.NetworkType == securityv1.VpnNetworkType_VPN_NETWORK_TYPE_UNSPECIFIED {
			service.NetworkType = securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PUBLIC
		}
		setState(service, securityv1.VpnServiceState_VPN_SERVICE_STATE_CREATING)
		r, service := vpnServices.add(v, service)
		v.after(r, vpnServiceDelay)
		return &securityv1.CreateVpnServiceResponse{Id: r.id, State: service.GetState()}, nil
	})
}

// vpnRouter finds the router that a service shall be at: the one named, or the
// only one that leads the network out.
func vpnRouter(v *view, routerID, networkID string) (*networkv1.Router, error) {
	if networkID != "" {
		if err := networkFits(v, networkID); err != nil {
			return nil, err
		}
	}
	if routerID != "" {
		r, router, err := routers.ref(v, "router_id", routerID)
		switch {
		case err != nil:
			return nil, err
		case router.GetExternalGateway() == nil:
			return nil, mismatch("router_id")
		case networkID != "" && !joinsNetwork(v, router, networkID):
			return nil, mismatch("network_id")
		}
		return router, refInState("router_id", r, router.GetState(), networkv1.RouterState_ROUTER_STATE_AVAILABLE)
	}
	var found []*networkv1.Router
	for _, router := range routers.mine(v) {
		if router.GetExternalGateway() != nil && router.GetState() == networkv1.RouterState_ROUTER_STATE_AVAILABLE && joinsNetwork(v, router, networkID) {
			found = append(found, router)
		}
	}
	if len(found) != 1 {
		return nil, mismatch("network_id")
	}
	return found[0], nil
}

func joinsNetwork(v *view, router *networkv1.Router, networkID string) bool {
	for _, i := range router.GetInterfaces() {
		if _, subnet, ok := subnets.find(v, i.GetSubnetId()); ok && subnet.GetNetworkId() == networkID {
			return true
		}
	}
	return false
}

// DeleteVpnService removes a service that has no connections.
func (s *vpnServiceService) DeleteVpnService(ctx context.Context, req *securityv1.DeleteVpnServiceRequest) (*securityv1.DeleteVpnServiceResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteVpnServiceResponse, error) {
		if used := ipsecConnections.blockers(v, func(c *securityv1.IpsecConnection) bool { return c.GetVpnServiceId() == req.GetId() }); len(used) > 0 {
			return nil, sdk.InUse(string(vpnServices.kind), req.GetId(), nil, used...)
		}
		state, err := remove(v, vpnServices, req.GetId(), securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETED, change[securityv1.VpnServiceState]{
			from:  []securityv1.VpnServiceState{securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE, securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE, securityv1.VpnServiceState_VPN_SERVICE_STATE_ERROR},
			via:   securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING,
			delay: vpnServiceDelay,
		})
		return &securityv1.DeleteVpnServiceResponse{Id: req.GetId(), State: state}, err
	})
}

// GetVpnService reads one VPN service.
func (s *vpnServiceService) GetVpnService(ctx context.Context, req *securityv1.GetVpnServiceRequest) (*securityv1.GetVpnServiceResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetVpnServiceResponse, error) {
		_, service, err := vpnServices.get(v, req.GetId())
		return &securityv1.GetVpnServiceResponse{VpnService: service}, err
	})
}

// ListVpnServices reads a page of VPN services.
func (s *vpnServiceService) ListVpnServices(ctx context.Context, req *securityv1.ListVpnServicesRequest) (*securityv1.ListVpnServicesResponse, error) {
	p, err := list(s.c, ctx, vpnServices, req, nil)
	return &securityv1.ListVpnServicesResponse{VpnServices: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleVpnService ends a VPN service's move.
func settleVpnService(v *view, r *record) {
	_, service := vpnServices.edit(v, r)
	switch service.GetState() {
	case securityv1.VpnServiceState_VPN_SERVICE_STATE_CREATING:
		rest := securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE
		if service.GetEnabled() {
			rest = securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE
		}
		settleTo(r, rest, securityv1.VpnServiceState_VPN_SERVICE_STATE_ERROR)
	case securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING:
		v.remove(r.key)
	}
}

// vpnServicesAt names the VPN services that need a router and its way out.
func vpnServicesAt(v *view, routerID string) []string {
	return vpnServices.blockers(v, func(s *securityv1.VpnService) bool { return s.GetRouterId() == routerID })
}
