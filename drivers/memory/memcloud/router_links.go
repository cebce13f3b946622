package memcloud

import (
	"context"
	"net/netip"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// AddRouterInterface joins a subnet to a router with a NIC at the subnet's
// gateway address. Joined already is success.
func (s *routerService) AddRouterInterface(ctx context.Context, req *networkv1.AddRouterInterfaceRequest) (*networkv1.AddRouterInterfaceResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.AddRouterInterfaceResponse, error) {
		r, router, err := routers.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if i := interfaceIn(router, req.GetSubnetId()); i >= 0 {
			return &networkv1.AddRouterInterfaceResponse{Id: r.id, State: router.GetState(), NicId: router.GetInterfaces()[i].GetNicId()}, nil
		}
		if err := inState(r, router.GetState(), networkv1.RouterState_ROUTER_STATE_AVAILABLE); err != nil {
			return nil, err
		}
		_, subnet, err := subnets.ref(v, "subnet_id", req.GetSubnetId())
		if err == nil {
			err = interfaceFits(v, router, subnet)
		}
		if err != nil {
			return nil, err
		}
		nr, nic, err := makeNIC(v, nicSpec{
			subnetField: "subnet_id", subnetID: req.GetSubnetId(), ipField: "subnet_id", ip: subnet.GetGatewayIp(),
		})
		if err != nil {
			return nil, err
		}
		nr.fate = ""
		nic.DeviceId, nic.DeviceKind = r.id, networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER
		nic.LinkState = networkv1.NicLink_NIC_LINK_UP
		setState(nic, networkv1.NicState_NIC_STATE_IN_USE)
		_, router = routers.edit(v, r)
		router.Interfaces = append(router.Interfaces, &networkv1.RouterInterface{
			SubnetId: req.GetSubnetId(), NicId: nr.id, IpAddress: nic.GetIpAddresses()[0],
		})
		return &networkv1.AddRouterInterfaceResponse{Id: r.id, State: router.GetState(), NicId: nr.id}, nil
	})
}

func interfaceIn(router *networkv1.Router, subnetID string) int {
	return slices.IndexFunc(router.GetInterfaces(), func(i *networkv1.RouterInterface) bool { return i.GetSubnetId() == subnetID })
}

// interfaceFits refuses a subnet that another router has at its gateway, or
// whose range another interface has already.
func interfaceFits(v *view, router *networkv1.Router, subnet *networkv1.Subnet) error {
	for r, nic := range nics.mine(v) {
		if nic.GetSubnetId() == subnet.GetId() && nic.GetDeviceKind() == networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER {
			return sdk.InUse(string(subnets.kind), subnet.GetId(), nil, deviceBlocker(nic), nics.blocker(r.id))
		}
	}
	cidr, err := netip.ParsePrefix(subnet.GetCidr())
	if err != nil {
		return err
	}
	for _, i := range router.GetInterfaces() {
		_, other, ok := subnets.find(v, i.GetSubnetId())
		if !ok {
			continue
		}
		if used, err := netip.ParsePrefix(other.GetCidr()); err == nil && used.Overlaps(cidr) {
			return sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field("subnet_id"))
		}
	}
	return nil
}

// RemoveRouterInterface takes a subnet off a router. Not joined is success; a
// public IP or route that needs the interface blocks.
func (s *routerService) RemoveRouterInterface(ctx context.Context, req *networkv1.RemoveRouterInterfaceRequest) (*networkv1.RemoveRouterInterfaceResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.RemoveRouterInterfaceResponse, error) {
		r, router, err := routers.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		at := interfaceIn(router, req.GetSubnetId())
		if at < 0 {
			return &networkv1.RemoveRouterInterfaceResponse{Id: r.id, State: router.GetState()}, nil
		}
		if used := interfaceUsers(v, router, req.GetSubnetId()); len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		_, router = routers.edit(v, r)
		if nr, _, ok := nics.find(v, router.GetInterfaces()[at].GetNicId()); ok {
			v.remove(nr.key)
		}
		router.Interfaces = slices.Delete(router.Interfaces, at, at+1)
		return &networkv1.RemoveRouterInterfaceResponse{Id: r.id, State: router.GetState()}, nil
	})
}

func interfaceUsers(v *view, router *networkv1.Router, subnetID string) []string {
	used := append(boundIn(v, subnetID), connectedFrom(v, subnetID)...)
	_, subnet, ok := subnets.find(v, subnetID)
	if !ok {
		return used
	}
	cidr, err := netip.ParsePrefix(subnet.GetCidr())
	if err != nil {
		return used
	}
	for _, route := range router.GetRoutes() {
		if hop, err := netip.ParseAddr(nextHop(v, route)); err == nil && cidr.Contains(hop) {
			used = append(used, routeBlocker(route))
		}
	}
	return used
}

// AddRoute adds a route; its key is the destination. The same route again is success.
func (s *routerService) AddRoute(ctx context.Context, req *networkv1.AddRouteRequest) (*networkv1.AddRouteResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.AddRouteResponse, error) {
		r, router, err := routers.get(v, req.GetId())
		if err == nil {
			err = inState(r, router.GetState(), networkv1.RouterState_ROUTER_STATE_AVAILABLE)
		}
		if err != nil {
			return nil, err
		}
		route := &networkv1.Route{DestinationCidr: req.GetDestinationCidr(), NicId: req.GetNicId(), IpAddress: req.GetIpAddress()}
		for _, old := range router.GetRoutes() {
			if old.GetDestinationCidr() != route.GetDestinationCidr() {
				continue
			}
			if old.GetNicId() == route.GetNicId() && old.GetIpAddress() == route.GetIpAddress() {
				return &networkv1.AddRouteResponse{Id: r.id, State: router.GetState()}, nil
			}
			return nil, sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field("destination_cidr"))
		}
		if err := hopReachable(v, router, route); err != nil {
			return nil, err
		}
		_, router = routers.edit(v, r)
		router.Routes = append(router.Routes, route)
		return &networkv1.AddRouteResponse{Id: r.id, State: router.GetState()}, nil
	})
}

// nextHop is the address that a route leads to; empty if its NIC is gone.
func nextHop(v *view, route *networkv1.Route) string {
	if route.GetNicId() == "" {
		return route.GetIpAddress()
	}
	if _, nic, ok := nics.find(v, route.GetNicId()); ok && len(nic.GetIpAddresses()) > 0 {
		return nic.GetIpAddresses()[0]
	}
	return ""
}

func hopReachable(v *view, router *networkv1.Router, route *networkv1.Route) error {
	field := "ip_address"
	if route.GetNicId() != "" {
		field = "nic_id"
		if _, _, err := nics.ref(v, field, route.GetNicId()); err != nil {
			return err
		}
	}
	hop, err := netip.ParseAddr(nextHop(v, route))
	if err != nil {
		return rejected(field)
	}
	for _, i := range router.GetInterfaces() {
		if _, subnet, ok := subnets.find(v, i.GetSubnetId()); ok {
			if cidr, err := netip.ParsePrefix(subnet.GetCidr()); err == nil && cidr.Contains(hop) {
				return nil
			}
		}
	}
	return mismatch(field)
}

// RemoveRoute removes the route to a destination. Absent is success.
func (s *routerService) RemoveRoute(ctx context.Context, req *networkv1.RemoveRouteRequest) (*networkv1.RemoveRouteResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.RemoveRouteResponse, error) {
		r, _, err := routers.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		_, router := routers.edit(v, r)
		router.Routes = slices.DeleteFunc(router.Routes, func(route *networkv1.Route) bool {
			return route.GetDestinationCidr() == req.GetDestinationCidr()
		})
		return &networkv1.RemoveRouteResponse{Id: r.id, State: router.GetState()}, nil
	})
}

// routesOver names the routes that lead over a NIC.
func routesOver(v *view, nicID string) []string {
	var used []string
	for r, router := range routers.mine(v) {
		for _, route := range router.GetRoutes() {
			if route.GetNicId() == nicID {
				used = append(used, routers.blocker(r.id))
			}
		}
	}
	return used
}

// routeBlocker names a route, which has no id, by its destination.
func routeBlocker(route *networkv1.Route) string {
	return "network.route/" + route.GetDestinationCidr()
}
