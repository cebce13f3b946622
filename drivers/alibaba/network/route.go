package network

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// entriesOnAPage is the most that DescribeRouteEntryList answers at once.
const entriesOnAPage = 100

// routeEntries reads all entries of a route table, the system's too.
func routeEntries(ctx context.Context, s *session.Session, tableID string) ([]routeEntry, error) {
	var all []routeEntry
	params := api.Params{}.Set("RouteTableId", tableID).Int("MaxResult", entriesOnAPage)
	for {
		var answer struct {
			NextToken   string
			RouteEntrys struct{ RouteEntry []routeEntry }
		}
		if err := s.Call(ctx, api.VPC, "DescribeRouteEntryList", params, &answer); err != nil {
			return nil, api.Error(err, typeRouter, tableID)
		}
		all = append(all, answer.RouteEntrys.RouteEntry...)
		if answer.NextToken == "" {
			return all, nil
		}
		params.Set("NextToken", answer.NextToken)
	}
}

// AddRoute adds an entry to a route table. The key is the destination: an equal
// entry is success, another next hop is CONFLICTS_WITH_EXISTING.
func (n *routerServer) AddRoute(ctx context.Context, req *networkv1.AddRouteRequest) (*networkv1.AddRouteResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetIpAddress() != "" {
		return nil, sdk.Unsupported("network.route.next_hop_ip")
	}
	if sdk.CallFrom(ctx).Undo {
		gone, err := n.RemoveRoute(ctx, &networkv1.RemoveRouteRequest{Id: req.GetId(), DestinationCidr: req.GetDestinationCidr()})
		return &networkv1.AddRouteResponse{Id: req.GetId(), State: gone.GetState()}, err
	}
	if sdk.CallFrom(ctx).NextStep != stepEntry {
		params := api.Params{}.Set("RouteTableId", req.GetId()).Set("DestinationCidrBlock", req.GetDestinationCidr()).
			Set("NextHopType", hopNIC).Set("NextHopId", req.GetNicId()).Once(ctx, "")
		if err := s.Call(ctx, api.VPC, "CreateRouteEntry", params, nil); err != nil {
			if err := explainRoute(ctx, s, req, err); err != nil {
				return nil, err
			}
		}
	}
	entries, err := routeEntries(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if changing(entriesTo(entries, req.GetDestinationCidr())) {
		sdk.SetNextStep(ctx, stepEntry, pollAfter)
	}
	return &networkv1.AddRouteResponse{Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_AVAILABLE}, nil
}

// stepEntry says that an entry was made or is going: the entry changes, not the table.
const stepEntry = "entry"

// changing tells whether an entry is on its way in or out.
func changing(entries []routeEntry) bool {
	return slices.ContainsFunc(entries, func(e routeEntry) bool { return !strings.EqualFold(e.Status, "Available") })
}

// explainRoute tells what a refusal of an entry means; nil: there is an equal one.
func explainRoute(ctx context.Context, s *session.Session, req *networkv1.AddRouteRequest, err error) error {
	switch {
	case api.HasCode(err, "InvalidCIDRBlock.Duplicate", "InvalidRouteEntry.Duplicate", "RouteConflict.AlreadyExist"):
		entries, readErr := routeEntries(ctx, s, req.GetId())
		if readErr != nil {
			return readErr
		}
		for _, e := range entriesTo(entries, req.GetDestinationCidr()) {
			if len(e.NextHops.NextHop) == 1 && e.NextHops.NextHop[0].NextHopID == req.GetNicId() {
				return nil
			}
		}
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeRouter, req.GetId(), sdk.Field("destination_cidr"))
	case api.HasCode(err, "InvalidNextHop.NotFound", "InvalidNextHopId.NotFound", "InvalidNetworkInterface.NotFound", "ResourceNotFound.NetworkInterface", "OperationFailed.GetEniInfo"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeNIC, req.GetNicId(), sdk.Field("nic_id"))
	case api.HasCode(err, "OperationFailed.InstanceDismatchCurrentVpc", "Mismatch.EniIdAndRouteTableId"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeNIC, req.GetNicId(), sdk.Field("nic_id"))
	case api.HasCode(err, "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "InvalidDestinationCidrBlock"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeRouter, req.GetId(), sdk.Field("destination_cidr"))
	}
	return routers().Refusal(ctx, s, err, req.GetId(), changingRouter)
}

// RemoveRoute removes the custom entry for a destination; absent is success.
func (n *routerServer) RemoveRoute(ctx context.Context, req *networkv1.RemoveRouteRequest) (*networkv1.RemoveRouteResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := routers().Get(ctx, s, req.GetId()); err != nil {
		return nil, err
	}
	entries, err := routeEntries(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	mine := entriesTo(entries, req.GetDestinationCidr())
	for i := range mine {
		sdk.SetNextStep(ctx, stepEntry, pollAfter) // until it is not listed any more
		if changing(mine[i : i+1]) {
			continue
		}
		err := s.Call(ctx, api.VPC, "DeleteRouteEntry", api.Params{}.Set("RouteEntryId", mine[i].RouteEntryID), nil)
		if err != nil && !api.HasCode(err, "InvalidRouteEntry.NotFound", "InvalidRouteEntryId.NotFound") {
			return nil, routers().Refusal(ctx, s, err, req.GetId(), changingRouter)
		}
	}
	return &networkv1.RemoveRouteResponse{Id: req.GetId(), State: networkv1.RouterState_ROUTER_STATE_AVAILABLE}, nil
}
