package network

import (
	"net/netip"
	"slices"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoRouter maps a Neutron router; its interfaces are other objects.
func toProtoRouter(v *router, region string) *networkv1.Router {
	return &networkv1.Router{
		Id:              v.ID,
		Name:            v.Name,
		Description:     rest.Unmarked(v.Description),
		Tags:            tags.ToProto(v.Tags),
		State:           toProtoRouterState(v.Status),
		ProviderState:   v.Status,
		CreatedAt:       rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:       rest.ToProtoTime(v.UpdatedAt),
		RegionId:        region,
		ExternalGateway: toProtoGateway(v.Gateway),
	}
}

// toProtoRouterState maps the status of a router. Source: neutron-lib,
// constants ROUTER_STATUS_*.
func toProtoRouterState(status string) networkv1.RouterState {
	switch strings.ToUpper(status) {
	case "ACTIVE":
		return networkv1.RouterState_ROUTER_STATE_AVAILABLE
	case "ALLOCATING":
		return networkv1.RouterState_ROUTER_STATE_PENDING
	case "ERROR":
		return networkv1.RouterState_ROUTER_STATE_ERROR
	default:
		return networkv1.RouterState_ROUTER_STATE_UNSPECIFIED
	}
}

func toProtoGateway(g *gateway) *networkv1.ExternalGateway {
	if g == nil || g.NetworkID == "" {
		return nil
	}
	out := &networkv1.ExternalGateway{NetworkId: g.NetworkID, SnatEnabled: g.EnableSNAT == nil || *g.EnableSNAT}
	for _, ip := range g.FixedIPs {
		out.IpAddresses = append(out.IpAddresses, ip.IPAddress)
	}
	return out
}

// fromProtoGateway is the attribute external_gateway_info; an empty one takes
// the gateway away.
func fromProtoGateway(spec *networkv1.ExternalGatewaySpec) map[string]any {
	info := map[string]any{}
	if spec.GetNetworkId() != "" {
		info["network_id"] = spec.GetNetworkId()
		if spec.SnatEnabled != nil {
			info["enable_snat"] = spec.GetSnatEnabled()
		}
	}
	return info
}

// fromProtoCreateRouter maps what a request says of a new router, but for
// description and tags. Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateRouter(req *networkv1.CreateRouterRequest) (map[string]any, error) {
	if req.GetNetworkId() != "" {
		return nil, sdk.Unsupported("network.router.network_scoped")
	}
	attributes := map[string]any{"name": req.GetName()}
	if req.GetExternalGateway().GetNetworkId() != "" {
		attributes["external_gateway_info"] = fromProtoGateway(req.GetExternalGateway())
	}
	return attributes, nil
}

// toProtoInterfaces maps the ports that join subnets to a router, one interface
// for each address.
func toProtoInterfaces(ports []port) []*networkv1.RouterInterface {
	var out []*networkv1.RouterInterface
	for i := range ports {
		if !isRouterInterface(ports[i].DeviceOwner) {
			continue
		}
		for _, ip := range ports[i].FixedIPs {
			out = append(out, &networkv1.RouterInterface{SubnetId: ip.SubnetID, NicId: ports[i].ID, IpAddress: ip.IPAddress})
		}
	}
	return out
}

// joinedSubnets are the subnets joined to each router, by router.
func joinedSubnets(ports []port) map[string][]*networkv1.RouterInterface {
	out := map[string][]*networkv1.RouterInterface{}
	for i := range ports {
		for _, ip := range ports[i].FixedIPs {
			out[ports[i].DeviceID] = append(out[ports[i].DeviceID], &networkv1.RouterInterface{SubnetId: ip.SubnetID})
		}
	}
	return out
}

func toProtoRoutes(routes []route) []*networkv1.Route {
	out := make([]*networkv1.Route, 0, len(routes))
	for _, r := range routes {
		out = append(out, &networkv1.Route{DestinationCidr: r.Destination, IpAddress: r.NextHop})
	}
	return out
}

// routesTo are the routes whose destination is the given range, however written.
func routesTo(routes []route, destination string) []route {
	var out []route
	for _, r := range routes {
		if samePrefix(r.Destination, destination) {
			out = append(out, r)
		}
	}
	return out
}

func samePrefix(a, b string) bool {
	x, errX := netip.ParsePrefix(a)
	y, errY := netip.ParsePrefix(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x.Masked() == y.Masked()
}

// nextHopOf is the address of a port that has the family of a destination;
// empty: it has none.
func nextHopOf(p *port, destination string) string {
	prefix, err := netip.ParsePrefix(destination)
	if err != nil {
		return ""
	}
	for _, ip := range p.FixedIPs {
		if at, err := netip.ParseAddr(ip.IPAddress); err == nil && at.Is4() == prefix.Addr().Is4() {
			return ip.IPAddress
		}
	}
	return ""
}

// keepsRouter tells whether a router fits the filters of a request.
func keepsRouter(req *networkv1.ListRoutersRequest, v *networkv1.Router) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		req.GetNetworkId() == ""
}

// routerInterfaceOwners are the owners of ports that join subnets to routers:
// ordinary ones, and those of distributed and of highly available routers.
func routerInterfaceOwners() []string {
	return []string{"network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface"}
}

func isRouterInterface(owner string) bool { return slices.Contains(routerInterfaceOwners(), owner) }
