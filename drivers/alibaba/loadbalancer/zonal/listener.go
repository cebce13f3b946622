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

// CreateListener makes a listener, which the cloud starts. Its pool is read for it.
func (n *Server) CreateListener(ctx context.Context, req *networkv1.CreateListenerRequest) (*networkv1.CreateListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	remove := n.takeBack(ctx, s, "DeleteListener", "ListenerId", balance.TypeListener)
	if at, id, err := n.resume(ctx, s, balance.TypeListener, remove); at != fresh {
		return &networkv1.CreateListenerResponse{Id: id, State: creating}, err
	}
	if err := refuseListener(req); err != nil {
		return nil, err
	}
	protocol, ok := n.listenerProtocol(req.GetProtocol())
	if !ok {
		return nil, balance.Mismatch(balance.TypeVIP, req.GetVipId(), "protocol")
	}
	pool, err := n.readPool(ctx, s, req.GetDefaultPoolId())
	if err != nil {
		return nil, kind.AsReference(err, "default_pool_id")
	}
	vipID := pool.vipID()
	if vipID == "" || req.GetVipId() != "" && req.GetVipId() != vipID {
		return nil, balance.Mismatch(balance.TypePool, req.GetDefaultPoolId(), "default_pool_id")
	}
	if req.GetProtocol() == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS && pool.PreserveClientIPEnabled {
		return nil, n.hideClients(ctx, s, pool)
	}
	params := api.Params{}.Set("LoadBalancerId", vipID).Set("ListenerProtocol", protocol).Int("ListenerPort", req.GetPort()).
		Set("ListenerDescription", req.GetName()).Tags("Tag", req.GetTags())
	made, err := n.change(ctx, s, "CreateListener", n.certify(n.sendTo(params, pool.ServerGroupID), req.GetCertificateIds()), "")
	switch {
	case err != nil:
		return nil, n.explainListener(ctx, s, err, vipID, "")
	case made.ListenerID == "":
		return nil, errNoID(balance.TypeListener, "CreateListener")
	}
	return &networkv1.CreateListenerResponse{Id: n.publicID(made.ListenerID), State: creating}, nil
}

// refuseListener refuses what the products have no parameter for.
func refuseListener(req *networkv1.CreateListenerRequest) error {
	switch {
	case len(req.GetAllowedCidrs()) > 0:
		return sdk.Unsupported("network.listener.allowed_cidrs")
	case req.GetConnectionLimit() != 0:
		return sdk.Unsupported("network.listener.connection_limit")
	}
	return balance.OneCertificate(req.GetCertificateIds())
}

// hideClients prepares a pool for TLS: its members do not see the client's address
// any more. RESOURCE_BUSY until that is done, then the repeat makes the listener.
func (p *Product) hideClients(ctx context.Context, s *session.Session, pool *serverGroup) error {
	params := api.Params{}.Set("ServerGroupId", pool.ServerGroupID).Bool("PreserveClientIpEnabled", false).Once(ctx, "hide")
	err := s.Call(ctx, p.API, "UpdateServerGroupAttribute", params, nil)
	if err != nil && !busy(err) {
		return p.refusal(err, balance.TypePool, p.publicID(pool.ServerGroupID))
	}
	return sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(balance.TypePool, p.publicID(pool.ServerGroupID)), sdk.RetryAfter(pollAfter))
}

func (p *Product) explainListener(ctx context.Context, s *session.Session, err error, vipID, id string) error {
	switch {
	case api.HasCode(err, "ResourceAlreadyExist.Listener", "Conflict.Port", "DuplicatedParam.listener", "ResourceAlreadyAssociated.Listener"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, balance.TypeListener, id, sdk.Field("port"))
	case api.HasCode(err, "OperationDenied.ServerGroupProtocolNotSupport", "OperationDenied.GRPCServerGroup", "Mismatch.Protocol", "IllegalParam.PreserveClientIpSwitch"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, balance.TypePool, "", sdk.Field("protocol"))
	case api.HasCode(err, "Mismatch.VpcId"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, balance.TypePool, "", sdk.Field("default_pool_id"))
	case api.HasCode(err, "ResourceNotFound.Certificate"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, "", "", sdk.Field("certificate_ids"))
	}
	return p.refusalOf(ctx, s, err, vipID, balance.TypeListener, id)
}

// readListener reads one listener with its certificates. Errors: NOT_FOUND.
func (p *Product) readListener(ctx context.Context, s *session.Session, id string) (*listener, error) {
	var v listener
	if p.own(id) == "" {
		return nil, sdk.NotFound(balance.TypeListener, id, nil)
	}
	err := s.Call(ctx, p.API, "GetListenerAttribute", api.Params{}.Set("ListenerId", p.own(id)), &v)
	switch {
	case err == nil && v.ListenerID != "":
		return &v, nil
	case err == nil, gone(err, wordListener, wordBalancer):
		return nil, sdk.NotFound(balance.TypeListener, id, err)
	}
	return nil, p.refusal(err, balance.TypeListener, id)
}

// GetListener reads one listener.
func (n *Server) GetListener(ctx context.Context, req *networkv1.GetListenerRequest) (*networkv1.GetListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := n.readListener(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetListenerResponse{Listener: n.toProtoListener(v, s.Region)}, nil
}

// UpdateListener changes what is present.
func (n *Server) UpdateListener(ctx context.Context, req *networkv1.UpdateListenerRequest) (*networkv1.UpdateListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.UpdateListenerResponse{Id: req.GetId(), State: updating}
	if at, _, err := n.resume(ctx, s, balance.TypeListener, nil); at != fresh {
		return resp, err
	}
	switch {
	case req.GetAllowedCidrs() != nil:
		return nil, sdk.Unsupported("network.listener.allowed_cidrs")
	case req.ConnectionLimit != nil:
		return nil, sdk.Unsupported("network.listener.connection_limit")
	}
	if err := balance.OneCertificate(req.GetCertificateIds().GetValues()); err != nil {
		return nil, err
	}
	v, err := n.readListener(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	resp.State = toProtoState(v.ListenerStatus)
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, n.tagged("listener", v.ListenerID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, n.refusal(err, balance.TypeListener, req.GetId())
		}
	}
	params := n.certify(api.Params{}.Set("ListenerDescription", req.GetName()), req.GetCertificateIds().GetValues())
	if id := req.GetDefaultPoolId(); id != "" {
		pool, err := n.readPool(ctx, s, id)
		switch {
		case err != nil:
			return nil, kind.AsReference(err, "default_pool_id")
		case pool.vipID() != v.LoadBalancerID:
			return nil, balance.Mismatch(balance.TypePool, id, "default_pool_id")
		}
		n.sendTo(params, pool.ServerGroupID)
	}
	if len(params) > 0 {
		if _, err := n.change(ctx, s, "UpdateListenerAttribute", params.Set("ListenerId", v.ListenerID), ""); err != nil {
			return nil, n.explainListener(ctx, s, err, v.LoadBalancerID, req.GetId())
		}
		resp.State = updating
	}
	return resp, nil
}

// DeleteListener removes a listener; absent is success.
func (n *Server) DeleteListener(ctx context.Context, req *networkv1.DeleteListenerRequest) (*networkv1.DeleteListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeleteListenerResponse{Id: req.GetId(), State: deleting}
	if at, _, err := n.resume(ctx, s, balance.TypeListener, nil); at != fresh {
		return resp, err
	}
	_, err = n.change(ctx, s, "DeleteListener", api.Params{}.Set("ListenerId", n.own(req.GetId())), "")
	switch {
	case err == nil:
		return resp, nil
	case gone(err, wordListener, wordBalancer):
		resp.State = deleted
		return resp, nil
	case api.HasCode(err, "IncorrectStatus.LoadBalancer", "IncorrectStatus.loadbalancer"):
		return nil, api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, balance.TypeListener, req.GetId(), sdk.RetryAfter(pollAfter))
	}
	return nil, n.refusal(err, balance.TypeListener, req.GetId())
}

// ListListeners reads a page of listeners.
func (n *Server) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	page, err := find(ctx, s, n.Product, n.listeners(), req, api.Params{}.List("LoadBalancerIds", filled(req.GetVipId())...))
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListListenersResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := n.toProtoListener(&page.Items[i], s.Region); balance.KeepsListener(req, v) {
			resp.Listeners = append(resp.Listeners, v)
		}
	}
	return resp, nil
}
