package loadbalancer

import (
	"context"
	"maps"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreatePool makes a VServer group that keeps the pool's settings in its tags. The
// action takes no token: a repeat looks for the group of this request.
func (n *server) CreatePool(ctx context.Context, req *networkv1.CreatePoolRequest) (*networkv1.CreatePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	own := fromProtoCreatePool(req)
	if err := own.check(); err != nil {
		return nil, err
	}
	if req.GetMemberKind() == networkv1.MemberKind_MEMBER_KIND_ADDRESS {
		return nil, balance.Rejected("member_kind", "ADDRESS "+needsZones)
	}
	mark := map[string]string{api.MarkerTag: api.Token(ctx, "")}
	if api.Repeated(ctx) {
		made, err := groupsOf(ctx, s, req.GetVipId(), mark)
		if err != nil {
			return nil, kind.AsReference(err, "vip_id")
		}
		if len(made) > 0 {
			return &networkv1.CreatePoolResponse{Id: made[0].VServerGroupID, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE}, nil
		}
	}
	all := own.toTags()
	maps.Copy(all, req.GetTags())
	maps.Copy(all, mark)
	var made group
	params := api.Params{}.Set("LoadBalancerId", req.GetVipId()).Set("VServerGroupName", req.GetName()).Tags("Tag", all)
	if err := s.Call(ctx, api.SLB, "CreateVServerGroup", params, &made); err != nil {
		return nil, refusal(err, balance.TypePool, "")
	}
	return &networkv1.CreatePoolResponse{Id: made.VServerGroupID, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE}, nil
}

// GetPool reads one VServer group.
func (n *server) GetPool(ctx context.Context, req *networkv1.GetPoolRequest) (*networkv1.GetPoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readGroup(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	own, err := settingsOf(ctx, s, v.LoadBalancerID, []group{*v})
	if err != nil {
		return nil, err
	}
	return &networkv1.GetPoolResponse{Pool: toProtoPool(v, v.LoadBalancerID, own[v.VServerGroupID], s.Region)}, nil
}

// UpdatePool changes what is present: the settings in the group's tags, and then
// in every listener that sends to the group.
func (n *server) UpdatePool(ctx context.Context, req *networkv1.UpdatePoolRequest) (*networkv1.UpdatePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readGroup(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	before, err := settingsOf(ctx, s, v.LoadBalancerID, []group{*v})
	if err != nil {
		return nil, err
	}
	own := before[v.VServerGroupID].updated(req)
	if err := own.check(); err != nil {
		return nil, err
	}
	if req.Name != nil {
		params := api.Params{}.Set("VServerGroupId", v.VServerGroupID).Set("VServerGroupName", req.GetName())
		if err := s.Call(ctx, api.SLB, "SetVServerGroupAttribute", params, nil); err != nil {
			return nil, refusal(err, balance.TypePool, v.VServerGroupID)
		}
	}
	target := tagged("vservergroup", v.VServerGroupID)
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, target, v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, refusal(err, balance.TypePool, v.VServerGroupID)
		}
	}
	if req.Algorithm != nil || req.GetSessionPersistence() != nil || req.GetHealthMonitor() != nil || req.GetRemoveHealthMonitor() {
		if err := tags.Set(ctx, s, target, own.toTags()); err != nil {
			return nil, refusal(err, balance.TypePool, v.VServerGroupID)
		}
		if err := applySettings(ctx, s, v, own); err != nil {
			return nil, err
		}
	}
	return &networkv1.UpdatePoolResponse{Id: v.VServerGroupID, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE}, nil
}

// applySettings gives the listeners of a group its settings.
func applySettings(ctx context.Context, s *session.Session, v *group, own settings) error {
	all, err := listenersOf(ctx, s, v.LoadBalancerID)
	if err != nil {
		return err
	}
	for i := range all {
		l := &all[i]
		if l.VServerGroupID != v.VServerGroupID {
			continue
		}
		if err := setListener(ctx, s, l, own.params(strings.ToLower(l.ListenerProtocol), false)); err != nil {
			return err
		}
	}
	return nil
}

// DeletePool removes a VServer group with its servers.
func (n *server) DeletePool(ctx context.Context, req *networkv1.DeletePoolRequest) (*networkv1.DeletePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	done := &networkv1.DeletePoolResponse{Id: id, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED}
	err = s.Call(ctx, api.SLB, "DeleteVServerGroup", api.Params{}.Set("VServerGroupId", id), nil)
	switch {
	case err == nil, noGroup(err), api.HasCode(err, "InvalidParameter"):
		return done, nil
	case api.HasCode(err, "RspoolVipExist"):
		return nil, poolInUse(ctx, s, id, err)
	}
	return nil, refusal(err, balance.TypePool, id)
}

// poolInUse is the IN_USE of a pool, naming the listeners that send to it.
func poolInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	blockers := kind.Blockers{}
	v, err := readGroup(ctx, s, id)
	if err != nil {
		return sdk.InUse(balance.TypePool, id, cause)
	}
	all, err := listenersOf(ctx, s, v.LoadBalancerID)
	if err != nil {
		return sdk.InUse(balance.TypePool, id, cause)
	}
	for i := range all {
		if all[i].VServerGroupID == id {
			blockers.Add(balance.TypeListener, listenerID(&all[i]))
		}
	}
	return sdk.InUse(balance.TypePool, id, cause, blockers.List()...)
}

// ListPools reads a page of pools. The API lists the groups of one instance at a
// time, so that without vip_id there is one call for each instance.
func (n *server) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	vipIDs := []string{req.GetVipId()}
	if req.GetVipId() == "" {
		if vipIDs, err = allVIPs(ctx, s); err != nil {
			return nil, err
		}
	}
	var found []*networkv1.Pool
	for _, vipID := range vipIDs {
		groups, err := groupsOf(ctx, s, vipID, nil)
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			continue
		}
		if err != nil {
			return nil, err
		}
		own, err := settingsOf(ctx, s, vipID, groups)
		if err != nil {
			return nil, err
		}
		for i := range groups {
			found = append(found, toProtoPool(&groups[i], vipID, own[groups[i].VServerGroupID], s.Region))
		}
	}
	p, err := kind.Slice(found, req, func(v **networkv1.Pool) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListPoolsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if balance.KeepsPool(req, v) {
			resp.Pools = append(resp.Pools, v)
		}
	}
	return resp, nil
}

func allVIPs(ctx context.Context, s *session.Session) ([]string, error) {
	all, err := vips().All(ctx, s, api.Params{}.Set("ResourceGroupId", s.ResourceGroup))
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(all))
	for i := range all {
		ids = append(ids, all[i].LoadBalancerID)
	}
	return ids, nil
}
