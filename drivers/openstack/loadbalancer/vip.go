package loadbalancer

import (
	"context"
	"net/url"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	updating = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING
	deleting = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING
	deleted  = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED
)

// CreateVip makes a load balancer.
func (s *server) CreateVip(ctx context.Context, req *networkv1.CreateVipRequest) (*networkv1.CreateVipResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetScheme() == networkv1.VipScheme_VIP_SCHEME_INTERNET {
		return nil, sdk.Unsupported("network.vip.internet")
	}
	if len(req.GetSubnets()) != 1 {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("subnets"),
			sdk.Violation("subnets", "must be exactly one on this cloud"))
	}
	if err := session.ReferenceUUID("network.subnet", req.GetSubnets()[0].GetSubnetId(), "subnets[0].subnet_id"); err != nil {
		return nil, err
	}
	v, err := createTagged(ctx, client, vips, fromProtoCreateVIP(req), req.GetTags(), vipFacts(req))
	if err != nil {
		return nil, explainCreateVIP(req, err)
	}
	return &networkv1.CreateVipResponse{Id: v.ID, State: toProtoState(v.status)}, nil
}

// explainCreateVIP tells what a refusal of a new load balancer is about. What the
// network service refuses comes as a fault of Octavia, with its words.
func explainCreateVIP(req *networkv1.CreateVipRequest, err error) error {
	said := text(err)
	subnet := req.GetSubnets()[0].GetSubnetId()
	switch {
	case strings.Contains(said, "subnet") && strings.Contains(said, "not found"):
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, "network.subnet", subnet, sdk.Field("subnets[0].subnet_id"))
	case strings.Contains(said, "already allocated"), strings.Contains(said, "in use"):
		return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, vips.Type, "", sdk.Field("subnets[0].ip_address"))
	case strings.Contains(said, "no more ip addresses"):
		return session.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, "network.subnet", subnet)
	case strings.Contains(said, "not a valid ip"):
		return session.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, vips.Type, "", sdk.Field("subnets[0].ip_address"))
	case strings.Contains(said, "quota exceeded"):
		return session.As(apiv1.Reason_REASON_QUOTA_EXCEEDED, err, vips.Type, "")
	case strings.Contains(said, "flavor_id"):
		return session.Error(err, vips.Type, "", sdk.Field("edition"))
	}
	return session.Error(err, vips.Type, "")
}

// UpdateVip changes what is present.
func (s *server) UpdateVip(ctx context.Context, req *networkv1.UpdateVipRequest) (*networkv1.UpdateVipResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vips.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	e := edit{name: req.Name, description: req.Description, tags: req.GetTags()}
	if req.Enabled != nil {
		e.attributes = map[string]any{"admin_state_up": req.GetEnabled()}
	}
	attributes := fromProtoEdit(e, v.Tags)
	if len(attributes) == 0 || sdk.CallFrom(ctx).Undo {
		return &networkv1.UpdateVipResponse{Id: v.ID, State: toProtoState(v.status)}, nil
	}
	if v, err = vips.Update(ctx, client, req.GetId(), attributes); err != nil {
		if err = again(ctx, client, req.GetId(), stepAgain, err); err != nil {
			return nil, session.Error(err, vips.Type, req.GetId())
		}
		return &networkv1.UpdateVipResponse{Id: req.GetId(), State: updating}, nil
	}
	return &networkv1.UpdateVipResponse{Id: v.ID, State: toProtoState(v.status)}, nil
}

// DeleteVip removes a load balancer with all that belongs to it.
func (s *server) DeleteVip(ctx context.Context, req *networkv1.DeleteVipRequest) (*networkv1.DeleteVipResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := remove(ctx, client, vips, req.GetId(), "?cascade=true", func() (string, error) {
		return req.GetId(), nil
	})
	if err != nil {
		return nil, err
	}
	return &networkv1.DeleteVipResponse{Id: req.GetId(), State: state}, nil
}

// remove deletes an object and tells how far it is; absent is success. lb
// finds its load balancer, which is asked for when that is locked. Nothing is done
// where the request is taken back before the lock was gone.
func remove[T any](ctx context.Context, client *rest.Client, c rest.Collection[T], id, query string, lb func() (string, error)) (networkv1.LoadBalancerState, error) {
	if !session.IsUUID(id) {
		return deleted, nil
	}
	if sdk.CallFrom(ctx).Undo {
		return 0, nil
	}
	err := c.MayChange(ctx, client, id)
	if err == nil {
		_, err = client.Delete(ctx, client.ServiceURL(c.Path, id)+query, nil)
	}
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return deleting, nil
	case session.IsNotFound(err), sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return deleted, nil
	case !locked(err):
		return 0, session.Error(err, c.Type, id)
	}
	lbID, lbErr := lb()
	if lbErr == nil {
		lbErr = again(ctx, client, lbID, stepAgain, err)
	}
	if sdk.ReasonOf(lbErr) == apiv1.Reason_REASON_NOT_FOUND {
		return deleted, nil
	}
	return deleting, lbErr
}

// GetVip reads one load balancer, its public address and its health.
func (s *server) GetVip(ctx context.Context, req *networkv1.GetVipRequest) (*networkv1.GetVipResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vips.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	public, err := publicAddresses(ctx, account, url.Values{"port_id": {v.PortID}})
	if err != nil {
		return nil, err
	}
	out := toProtoVIP(v, account.Region, public)
	out.Health = toProtoVIPHealth(v.Operating)
	return &networkv1.GetVipResponse{Vip: out}, nil
}

// ListVips reads a page of load balancers, and the public addresses of all in one
// call.
func (s *server) ListVips(ctx context.Context, req *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "vip_network_id", req.GetNetworkId())
	p, err := vips.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListVipsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	if len(p.Items) == 0 {
		return resp, nil
	}
	public, err := publicAddresses(ctx, account, url.Values{})
	if err != nil {
		return nil, err
	}
	for i := range p.Items {
		if v := toProtoVIP(&p.Items[i], account.Region, public); keepsVIP(req, v) {
			resp.Vips = append(resp.Vips, v)
		}
	}
	return resp, nil
}

// publicAddresses are the floating IPs that a query finds, by their ports; none
// where the cloud has no routers.
func publicAddresses(ctx context.Context, account *session.Session, query url.Values) (map[string]string, error) {
	if account.Network == nil || !account.Extensions["router"] {
		return nil, nil
	}
	list, err := floatingIPs.List(ctx, rest.For(account, account.Network), query)
	if err != nil {
		return nil, err
	}
	byPort := make(map[string]string, len(list))
	for _, ip := range list {
		if ip.PortID != "" {
			byPort[ip.PortID] = ip.IPAddress
		}
	}
	return byPort, nil
}
