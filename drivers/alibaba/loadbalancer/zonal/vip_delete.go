package zonal

import (
	"context"
	"slices"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepPools says that an instance has gone and its pools go now.
const stepPools = "pools"

// DeleteVip removes an instance, with which its listeners go, and then the pools that
// were made for it.
func (n *Server) DeleteVip(ctx context.Context, req *networkv1.DeleteVipRequest) (*networkv1.DeleteVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeleteVipResponse{Id: req.GetId(), State: deleting}
	at, _, err := n.resume(ctx, s, balance.TypeVIP, nil)
	switch {
	case err != nil, at == going:
		return resp, err
	case at == done, sdk.CallFrom(ctx).NextStep == stepPools:
		return resp, n.deletePools(ctx, s, req.GetId())
	}
	_, err = n.change(ctx, s, "DeleteLoadBalancer", api.Params{}.Set("LoadBalancerId", req.GetId()), "")
	switch {
	case err == nil:
		return resp, nil
	case gone(err, wordBalancer):
		resp.State = deleted
		return resp, n.deletePools(ctx, s, req.GetId())
	}
	return nil, n.refusalOf(ctx, s, err, req.GetId(), balance.TypeVIP, req.GetId())
}

// deletePools removes the pools that were made for a VIP: the request goes on until
// the cloud lists none. Pools that another VIP has come to use stay.
func (p *Product) deletePools(ctx context.Context, s *session.Session, vipID string) error {
	if sdk.CallFrom(ctx).Undo {
		return nil // what is left stays
	}
	all, err := p.groups().All(ctx, s, api.Params{}.Tags("Tag", map[string]string{tagVIP: vipID}))
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v serverGroup) bool {
		return slices.ContainsFunc(v.RelatedLoadBalancerIDs, func(id string) bool { return id != vipID })
	})
	for i := range all {
		if toProtoState(all[i].ServerGroupStatus) == deleting {
			continue
		}
		params := api.Params{}.Set("ServerGroupId", all[i].ServerGroupID).Once(ctx, all[i].ServerGroupID)
		err := s.Call(ctx, p.API, "DeleteServerGroup", params, nil)
		if err != nil && !gone(err, wordGroup) && !busy(err) && !inUse(err) {
			return p.refusal(err, balance.TypePool, p.publicID(all[i].ServerGroupID))
		}
	}
	if len(all) > 0 {
		sdk.SetNextStep(ctx, stepPools, 0)
	}
	return nil
}

// inUse are the codes of a pool that a listener sends to.
func inUse(err error) bool { return api.HasCode(err, "ResourceInUse.ServerGroup") }
