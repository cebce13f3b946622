package loadbalancer

import (
	"context"
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

// unlimited is the bandwidth of a listener that the instance alone limits.
const unlimited = "-1"

// CreateListener makes a listener with the settings of its pool, and starts it: a
// new one is stopped. There is no token for it; its port is its key.
func (n *server) CreateListener(ctx context.Context, req *networkv1.CreateListenerRequest) (*networkv1.CreateListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseListener(req); err != nil {
		return nil, err
	}
	pool, err := readGroup(ctx, s, req.GetDefaultPoolId())
	if err != nil {
		return nil, kind.AsReference(err, "default_pool_id")
	}
	if req.GetVipId() != "" && req.GetVipId() != pool.LoadBalancerID {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(balance.TypePool, pool.VServerGroupID), sdk.Field("default_pool_id"))
	}
	own, err := settingsOf(ctx, s, pool.LoadBalancerID, []group{*pool})
	if err != nil {
		return nil, err
	}
	v := &listener{LoadBalancerID: pool.LoadBalancerID, ListenerProtocol: fromProtoProtocol(req.GetProtocol()), ListenerPort: req.GetPort()}
	of := own[pool.VServerGroupID]
	if of.protocol != 0 && of.protocol != poolProtocol(v.ListenerProtocol) {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(balance.TypePool, pool.VServerGroupID), sdk.Field("protocol"))
	}
	made := &networkv1.CreateListenerResponse{Id: listenerID(v), State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING}
	params := of.params(v.ListenerProtocol, true)
	params.Set("LoadBalancerId", v.LoadBalancerID).Int("ListenerPort", v.ListenerPort).Set("Bandwidth", unlimited).
		Set("VServerGroupId", pool.VServerGroupID).Set("Description", req.GetName()).Tags("Tag", markListener(ctx, req.GetTags()))
	if len(req.GetCertificateIds()) > 0 {
		params.Set("ServerCertificateId", req.GetCertificateIds()[0])
	}
	if err := s.Call(ctx, api.SLB, "CreateLoadBalancer"+v.word()+"Listener", params, nil); err != nil {
		if err := explainListener(ctx, s, v, err); err != nil {
			return nil, err
		}
	}
	return made, startListener(ctx, s, v)
}

// refuseListener refuses what CLB has no parameter for.
func refuseListener(req *networkv1.CreateListenerRequest) error {
	switch {
	case fromProtoProtocol(req.GetProtocol()) == "":
		return balance.Rejected("protocol", "TLS that ends at the listener "+needsZones)
	case len(req.GetAllowedCidrs()) > 0:
		return sdk.Unsupported("network.listener.allowed_cidrs")
	case req.GetConnectionLimit() != 0:
		return sdk.Unsupported("network.listener.connection_limit")
	}
	return balance.OneCertificate(req.GetCertificateIds())
}

// markListener adds the hidden tag by which a repeat knows the listener of its request.
func markListener(ctx context.Context, user map[string]string) map[string]string {
	all := map[string]string{api.MarkerTag: api.Token(ctx, "")}
	for key, value := range user {
		all[key] = value
	}
	return all
}

// explainListener tells what a refusal of a new listener means; nil: this request
// has made it before.
func explainListener(ctx context.Context, s *session.Session, v *listener, err error) error {
	switch {
	case api.HasCode(err, "ListenerAlreadyExists", "InvalidParameter.ListenerPortConflict", "ListenerPortConflict"):
		found, readErr := readListener(ctx, s, v)
		if readErr == nil && found.Tags.All()[api.MarkerTag] == api.Token(ctx, "") {
			return nil
		}
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, balance.TypeListener, listenerID(v), sdk.Field("port"))
	case api.HasCode(err, "CertificateNotExist", "InvalidParameter.ServerCertificateId"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, "", "", sdk.Field("certificate_ids"))
	}
	return refusal(err, balance.TypeListener, "")
}

// startListener starts a new listener. While the instance takes in another change
// the request goes on with the same step.
func startListener(ctx context.Context, s *session.Session, v *listener) error {
	err := s.Call(ctx, api.SLB, "StartLoadBalancerListener", v.params().Set("ListenerProtocol", v.ListenerProtocol), nil)
	if busy(err) {
		sdk.SetNextStep(ctx, "start", pollAfter)
		return nil
	}
	return refusal(err, balance.TypeListener, listenerID(v))
}

// readListener reads one listener. Errors: NOT_FOUND.
func readListener(ctx context.Context, s *session.Session, v *listener) (*listener, error) {
	params := api.Params{}.List("LoadBalancerId", v.LoadBalancerID).Set("ListenerProtocol", v.ListenerProtocol).Int("ListenerPort", v.ListenerPort)
	all, err := listeners().All(ctx, s, params)
	if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND && sdk.ReasonOf(err) != apiv1.Reason_REASON_REFERENCE_NOT_FOUND {
		return nil, err
	}
	for i := range all {
		if listenerID(&all[i]) == listenerID(v) {
			return &all[i], nil
		}
	}
	return nil, sdk.NotFound(balance.TypeListener, listenerID(v), err)
}

// GetListener reads one listener.
func (n *server) GetListener(ctx context.Context, req *networkv1.GetListenerRequest) (*networkv1.GetListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	key, err := splitListenerID(req.GetId())
	if err != nil {
		return nil, err
	}
	v, err := readListener(ctx, s, key)
	if err != nil {
		return nil, err
	}
	return &networkv1.GetListenerResponse{Listener: toProtoListener(v, s.Region)}, nil
}

// UpdateListener changes what is present. Another pool brings its settings.
func (n *server) UpdateListener(ctx context.Context, req *networkv1.UpdateListenerRequest) (*networkv1.UpdateListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
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
	key, err := splitListenerID(req.GetId())
	if err != nil {
		return nil, err
	}
	v, err := readListener(ctx, s, key)
	if err != nil {
		return nil, err
	}
	params, err := listenerChange(ctx, s, v, req)
	if err != nil {
		return nil, err
	}
	if len(params) > 0 {
		if err := setListener(ctx, s, v, params); err != nil {
			return nil, err
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged("listener", v.tagID()), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, refusal(err, balance.TypeListener, req.GetId())
		}
	}
	return &networkv1.UpdateListenerResponse{Id: req.GetId(), State: toProtoListenerState(v.Status)}, nil
}

// listenerChange is what a request changes of a listener itself.
func listenerChange(ctx context.Context, s *session.Session, v *listener, req *networkv1.UpdateListenerRequest) (api.Params, error) {
	params := api.Params{}
	if req.DefaultPoolId != nil && req.GetDefaultPoolId() != v.VServerGroupID {
		pool, err := readGroup(ctx, s, req.GetDefaultPoolId())
		if err != nil {
			return nil, kind.AsReference(err, "default_pool_id")
		}
		own, err := settingsOf(ctx, s, pool.LoadBalancerID, []group{*pool})
		if err != nil {
			return nil, err
		}
		of := own[pool.VServerGroupID]
		if pool.LoadBalancerID != v.LoadBalancerID || (of.protocol != 0 && of.protocol != poolProtocol(v.ListenerProtocol)) {
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(balance.TypePool, pool.VServerGroupID), sdk.Field("default_pool_id"))
		}
		params = of.params(strings.ToLower(v.ListenerProtocol), false)
		params.Set("VServerGroup", on).Set("VServerGroupId", pool.VServerGroupID)
	}
	if req.Name != nil {
		params.Set("Description", req.GetName())
	}
	for _, id := range req.GetCertificateIds().GetValues() {
		params.Set("ServerCertificateId", id)
	}
	return params, nil
}

// setListener changes a listener.
func setListener(ctx context.Context, s *session.Session, v *listener, params api.Params) error {
	params.Set("LoadBalancerId", v.LoadBalancerID).Int("ListenerPort", v.ListenerPort)
	err := s.Call(ctx, api.SLB, "SetLoadBalancer"+v.word()+"ListenerAttribute", params, nil)
	return refusal(err, balance.TypeListener, listenerID(v))
}

// DeleteListener removes a listener; absent is success.
func (n *server) DeleteListener(ctx context.Context, req *networkv1.DeleteListenerRequest) (*networkv1.DeleteListenerResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	done := &networkv1.DeleteListenerResponse{Id: req.GetId(), State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED}
	v, err := splitListenerID(req.GetId())
	if err != nil {
		return done, nil
	}
	err = s.Call(ctx, api.SLB, "DeleteLoadBalancerListener", v.params().Set("ListenerProtocol", v.ListenerProtocol), nil)
	switch {
	case err == nil, api.IsGone(err, balance.TypeListener), api.IsNotFound(err):
		return done, nil
	case api.HasCode(err, "ListenerForwardExist"):
		return nil, api.As(apiv1.Reason_REASON_IN_USE, err, balance.TypeListener, req.GetId())
	}
	return nil, refusal(err, balance.TypeListener, req.GetId())
}

// ListListeners reads a page of listeners.
func (n *server) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	if req.GetVipId() != "" {
		params.List("LoadBalancerId", req.GetVipId())
	}
	p, err := listeners().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListListenersResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoListener(&p.Items[i], s.Region); balance.KeepsListener(req, v) {
			resp.Listeners = append(resp.Listeners, v)
		}
	}
	return resp, nil
}
