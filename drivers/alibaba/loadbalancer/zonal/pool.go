package zonal

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreatePool makes a server group in the network of the VIP, which is read for it.
func (n *Server) CreatePool(ctx context.Context, req *networkv1.CreatePoolRequest) (*networkv1.CreatePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	remove := n.takeBack(ctx, s, "DeleteServerGroup", "ServerGroupId", balance.TypePool)
	if at, id, err := n.resume(ctx, s, balance.TypePool, remove); at != fresh {
		return &networkv1.CreatePoolResponse{Id: id, State: creating}, err
	}
	params, err := n.newPool(req)
	if err != nil {
		return nil, err
	}
	vip, err := n.balancers().Get(ctx, s, req.GetVipId())
	if err != nil {
		return nil, kind.AsReference(err, "vip_id")
	}
	params.Set("VpcId", vip.VpcID).Set("ResourceGroupId", s.ResourceGroup)
	made, err := n.change(ctx, s, "CreateServerGroup", params, "")
	switch {
	case err != nil:
		return nil, n.refusal(err, balance.TypePool, "")
	case made.ServerGroupID == "":
		return nil, errNoID(balance.TypePool, "CreateServerGroup")
	}
	return &networkv1.CreatePoolResponse{Id: n.publicID(made.ServerGroupID), State: creating}, nil
}

// newPool are the parameters of a new server group, but for its network.
func (p *Product) newPool(req *networkv1.CreatePoolRequest) (api.Params, error) {
	protocol, ok := p.poolProtocol(req.GetProtocol())
	if !ok {
		return nil, balance.Mismatch(balance.TypeVIP, req.GetVipId(), "protocol")
	}
	if err := p.checkAlgorithm(req.GetAlgorithm(), false); err != nil {
		return nil, err
	}
	if err := p.checkSticky(req.GetSessionPersistence()); err != nil {
		return nil, err
	}
	if err := p.checkMonitor(req.GetHealthMonitor(), req.GetProtocol()); err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ServerGroupName", req.GetName()).Set("ServerGroupType", groupOfInstances).Set("Protocol", protocol).
		Set("Scheduler", p.scheduler(req.GetAlgorithm())).Object("HealthCheckConfig", p.monitorParams(req.GetHealthMonitor()))
	if req.GetMemberKind() == networkv1.MemberKind_MEMBER_KIND_ADDRESS {
		params.Set("ServerGroupType", groupOfAddresses)
	}
	if !p.isNLB() {
		params.Object("StickySessionConfig", stickyParams(req.GetSessionPersistence()))
	}
	all := map[string]string{tagVIP: req.GetVipId()}
	for key, value := range req.GetTags() {
		all[key] = value
	}
	return params.Tags("Tag", all), nil
}

// readPool reads one server group by our id. Errors: NOT_FOUND.
func (p *Product) readPool(ctx context.Context, s *session.Session, id string) (*serverGroup, error) {
	v, err := p.groups().Get(ctx, s, p.own(id))
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil, sdk.NotFound(balance.TypePool, id, err)
	}
	return v, err
}

// GetPool reads one server group.
func (n *Server) GetPool(ctx context.Context, req *networkv1.GetPoolRequest) (*networkv1.GetPoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := n.readPool(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetPoolResponse{Pool: n.toProtoPool(v, s.Region)}, nil
}

// UpdatePool changes what is present.
func (n *Server) UpdatePool(ctx context.Context, req *networkv1.UpdatePoolRequest) (*networkv1.UpdatePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.UpdatePoolResponse{Id: req.GetId(), State: updating}
	if at, _, err := n.resume(ctx, s, balance.TypePool, nil); at != fresh {
		return resp, err
	}
	v, err := n.readPool(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	resp.State = toProtoState(v.ServerGroupStatus)
	params, err := n.poolChange(req, toProtoProtocol(v.Protocol))
	if err != nil {
		return nil, err
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, n.tagged("servergroup", v.ServerGroupID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, n.refusal(err, balance.TypePool, req.GetId())
		}
	}
	if len(params) > 0 {
		if _, err := n.change(ctx, s, "UpdateServerGroupAttribute", params.Set("ServerGroupId", v.ServerGroupID), ""); err != nil {
			return nil, n.refusal(err, balance.TypePool, req.GetId())
		}
		resp.State = updating
	}
	return resp, nil
}

// poolChange is what a request changes of a server group itself.
func (p *Product) poolChange(req *networkv1.UpdatePoolRequest, protocol networkv1.LoadBalancerProtocol) (api.Params, error) {
	params := api.Params{}.Set("ServerGroupName", req.GetName())
	if req.Algorithm != nil {
		if err := p.checkAlgorithm(req.GetAlgorithm(), true); err != nil {
			return nil, err
		}
		params.Set("Scheduler", p.scheduler(req.GetAlgorithm()))
	}
	if sticky := req.GetSessionPersistence(); sticky != nil {
		if err := p.checkSticky(sticky); err != nil {
			return nil, err
		}
		if !p.isNLB() {
			params.Object("StickySessionConfig", stickyParams(sticky))
		}
	}
	if err := p.checkMonitor(req.GetHealthMonitor(), protocol); err != nil {
		return nil, err
	}
	if req.GetHealthMonitor() != nil || req.GetRemoveHealthMonitor() {
		params.Object("HealthCheckConfig", p.monitorParams(req.GetHealthMonitor()))
	}
	return params, nil
}

// DeletePool removes a server group with its servers; absent is success.
func (n *Server) DeletePool(ctx context.Context, req *networkv1.DeletePoolRequest) (*networkv1.DeletePoolResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeletePoolResponse{Id: req.GetId(), State: deleting}
	if at, _, err := n.resume(ctx, s, balance.TypePool, nil); at != fresh {
		return resp, err
	}
	_, err = n.change(ctx, s, "DeleteServerGroup", api.Params{}.Set("ServerGroupId", n.own(req.GetId())), "")
	switch {
	case err == nil:
		return resp, nil
	case gone(err, wordGroup):
		resp.State = deleted
		return resp, nil
	case inUse(err):
		return nil, n.poolInUse(ctx, s, req.GetId(), err)
	}
	return nil, n.refusal(err, balance.TypePool, req.GetId())
}

// poolInUse is the IN_USE of a pool, naming the listeners that send to it.
func (p *Product) poolInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	blockers := kind.Blockers{}
	all, err := p.listenersTo(ctx, s, id)
	if err != nil {
		return sdk.InUse(balance.TypePool, id, cause)
	}
	for i := range all {
		blockers.Add(balance.TypeListener, p.publicID(all[i].ListenerID))
	}
	return sdk.InUse(balance.TypePool, id, cause, blockers.List()...)
}

// listenersTo reads the listeners that send to a pool: one call for the pool, one for
// the listeners of its VIPs.
func (p *Product) listenersTo(ctx context.Context, s *session.Session, poolID string) ([]listener, error) {
	v, err := p.readPool(ctx, s, poolID)
	if err != nil || len(v.RelatedLoadBalancerIDs) == 0 {
		return nil, err
	}
	all, err := p.listeners().All(ctx, s, api.Params{}.List("LoadBalancerIds", v.RelatedLoadBalancerIDs...))
	if err != nil {
		return nil, err
	}
	var out []listener
	for i := range all {
		if all[i].poolID() == v.ServerGroupID {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// ListPools reads a page of pools. Which VIP a pool is of is no filter of the cloud's,
// so that with vip_id a page may be short.
func (n *Server) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.List("ServerGroupNames", filled(req.GetName())...).Set("ResourceGroupId", s.ResourceGroup)
	page, err := find(ctx, s, n.Product, n.groups(), req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListPoolsResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := n.toProtoPool(&page.Items[i], s.Region); balance.KeepsPool(req, v) {
			resp.Pools = append(resp.Pools, v)
		}
	}
	return resp, nil
}
