package network

import (
	"net/netip"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

const (
	systemTable       = "System"
	customEntry       = "Custom"
	hopNIC            = "NetworkInterface"
	gatewayAssociated = "Gateway" // a table of a gateway, not of vSwitches
)

// toProtoRouter maps a route table; its entries are read by another call.
func toProtoRouter(v *routeTable, region string) *networkv1.Router {
	out := &networkv1.Router{
		Id:            v.RouteTableID,
		Name:          v.RouteTableName,
		Description:   noWords(v.Description),
		Tags:          v.Tags.ToProto(),
		State:         toProtoRouterState(v.Status),
		ProviderState: v.Status,
		CreatedAt:     kind.ToProtoTime(v.CreationTime),
		RegionId:      region,
		NetworkId:     v.VpcID,
		System:        isSystemTable(v),
	}
	for _, id := range v.VSwitchIDs.VSwitchID {
		out.Interfaces = append(out.Interfaces, &networkv1.RouterInterface{SubnetId: id})
	}
	return out
}

func isSystemTable(v *routeTable) bool { return strings.EqualFold(v.RouteTableType, systemTable) }

// toProtoRouterState maps the status of a route table. Source:
// DescribeRouteTableList, Status, and the words of CreateRouteTable.
func toProtoRouterState(status string) networkv1.RouterState {
	switch strings.ToLower(status) {
	case "pending", "creating":
		return networkv1.RouterState_ROUTER_STATE_PENDING
	case "available", "created":
		return networkv1.RouterState_ROUTER_STATE_AVAILABLE
	case "deleting":
		return networkv1.RouterState_ROUTER_STATE_DELETING
	case "deleted":
		return networkv1.RouterState_ROUTER_STATE_DELETED
	default:
		return networkv1.RouterState_ROUTER_STATE_UNSPECIFIED
	}
}

// toProtoRoutes maps the entries of a route table; one with several next hops
// shows each.
func toProtoRoutes(entries []routeEntry) []*networkv1.Route {
	var out []*networkv1.Route
	for i := range entries {
		e := &entries[i]
		system := !strings.EqualFold(e.Type, customEntry)
		if len(e.NextHops.NextHop) == 0 {
			out = append(out, &networkv1.Route{DestinationCidr: e.DestinationCidrBlock, System: system})
		}
		for _, hop := range e.NextHops.NextHop {
			r := &networkv1.Route{DestinationCidr: e.DestinationCidrBlock, System: system}
			if hop.NextHopType == hopNIC {
				r.NicId = hop.NextHopID
			} else {
				r.OtherNextHop = strings.Trim(hop.NextHopType+" "+hop.NextHopID, " ")
			}
			out = append(out, r)
		}
	}
	return out
}

// entriesTo are the custom entries whose destination is the given range, however
// written.
func entriesTo(entries []routeEntry, destination string) []routeEntry {
	var out []routeEntry
	for i := range entries {
		if strings.EqualFold(entries[i].Type, customEntry) && samePrefix(entries[i].DestinationCidrBlock, destination) {
			out = append(out, entries[i])
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

// keepsRouter tells whether a router fits the filters of a request. Tables of
// gateways are no routers of subnets.
func keepsRouter(req *networkv1.ListRoutersRequest, v *networkv1.Router) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}
