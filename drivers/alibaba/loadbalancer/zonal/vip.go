package zonal

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vswitch"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateVip makes an instance.
func (n *Server) CreateVip(ctx context.Context, req *networkv1.CreateVipRequest) (*networkv1.CreateVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params, err := n.newVIP(ctx, s, req)
	if err != nil {
		return nil, err
	}
	var made struct{ LoadBalancerID string }
	if err := s.Call(ctx, n.API, "CreateLoadBalancer", params.Set("ResourceGroupId", s.ResourceGroup).Once(ctx, ""), &made); err != nil {
		return nil, n.explainVIP(err)
	}
	if made.LoadBalancerID == "" {
		return nil, errNoID(balance.TypeVIP, "CreateLoadBalancer")
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &networkv1.CreateVipResponse{Id: made.LoadBalancerID, State: creating}, nil
}

// newVIP are the parameters of a new instance; the zones are those of the subnets,
// which is one call for each.
func (p *Product) newVIP(ctx context.Context, s *session.Session, req *networkv1.CreateVipRequest) (api.Params, error) {
	switch {
	case req.Enabled != nil && !req.GetEnabled():
		return nil, balance.Rejected("enabled", "this kind of VIP cannot be switched off on this cloud")
	case req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID:
		return nil, sdk.Unsupported("network.vip.prepaid")
	}
	params := api.Params{}.Set("LoadBalancerName", req.GetName()).Set("AddressType", addressInternal).Set("LoadBalancerBillingConfig.PayType", "PostPay")
	if req.GetScheme() == networkv1.VipScheme_VIP_SCHEME_INTERNET {
		params.Set("AddressType", addressInternet)
	}
	edition, err := p.edition(req.GetEdition())
	switch {
	case err != nil:
		return nil, err
	case p.isNLB():
		params.Set("LoadBalancerType", "network")
	default:
		params.Set("LoadBalancerEdition", edition)
	}
	var zones []string
	for i, subnet := range req.GetSubnets() {
		field := fmt.Sprintf("subnets[%d].subnet_id", i)
		v, err := vswitch.Kind().Get(ctx, s, subnet.GetSubnetId())
		switch {
		case err != nil:
			return nil, kind.AsReference(err, field)
		case params["VpcId"] != "" && params["VpcId"] != v.VpcID:
			return nil, balance.Mismatch(vswitch.Type, v.VSwitchID, field)
		case slices.Contains(zones, v.ZoneID):
			return nil, balance.Rejected("subnets", "must be in different zones on this cloud")
		}
		zones = append(zones, v.ZoneID)
		params.Set("VpcId", v.VpcID).Object("ZoneMappings."+strconv.Itoa(i+1), api.Params{
			"VSwitchId": v.VSwitchID, "ZoneId": v.ZoneID, p.addressOf: subnet.GetIpAddress(),
		})
	}
	return params.Tags("Tag", req.GetTags()), nil
}

func (p *Product) explainVIP(err error) error {
	switch {
	case gone(err, "VSwitch", "Vpc"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, vswitch.Type, "", sdk.Field("subnets"))
	case api.HasCode(err, "ResourceNotEnough.VSwitchIp"):
		return api.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, balance.TypeVIP, "")
	case api.HasCode(err, "InvalidZones", "DuplicatedParam.ZoneId", "OperationFailed.DuplicateZones*", "Mismatch.ZoneId*", "InvalidParameter"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, balance.TypeVIP, "", sdk.Field("subnets"),
			sdk.Violation("subnets", "must be in two zones at least on this cloud"))
	case api.HasCode(err, "ResourceInUse.IP"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, balance.TypeVIP, "", sdk.Field("subnets"))
	}
	return p.refusal(err, balance.TypeVIP, "")
}

// readVIP reads an instance with its addresses. Errors: NOT_FOUND.
func (p *Product) readVIP(ctx context.Context, s *session.Session, id string) (*balancer, error) {
	var v balancer
	if err := s.Call(ctx, p.API, "GetLoadBalancerAttribute", api.Params{}.Set("LoadBalancerId", id), &v); err != nil {
		return nil, p.refusal(err, balance.TypeVIP, id)
	}
	if v.LoadBalancerID == "" {
		return nil, sdk.NotFound(balance.TypeVIP, id, nil)
	}
	return &v, nil
}

// GetVip reads one instance.
func (n *Server) GetVip(ctx context.Context, req *networkv1.GetVipRequest) (*networkv1.GetVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := n.readVIP(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetVipResponse{Vip: n.toProtoVIP(v, s.Region)}, nil
}

// UpdateVip changes name and tags.
func (n *Server) UpdateVip(ctx context.Context, req *networkv1.UpdateVipRequest) (*networkv1.UpdateVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.UpdateVipResponse{Id: req.GetId(), State: updating}
	if at, _, err := n.resume(ctx, s, balance.TypeVIP, nil); at != fresh {
		return resp, err
	}
	if req.Enabled != nil && !req.GetEnabled() {
		return nil, balance.Rejected("enabled", "this kind of VIP cannot be switched off on this cloud")
	}
	v, err := n.readVIP(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	resp.State = toProtoVIPState(v.LoadBalancerStatus)
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, n.tagged("loadbalancer", req.GetId()), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, n.refusal(err, balance.TypeVIP, req.GetId())
		}
	}
	if req.Name != nil {
		params := api.Params{}.Set("LoadBalancerId", req.GetId()).Set("LoadBalancerName", req.GetName())
		if _, err := n.change(ctx, s, "UpdateLoadBalancerAttribute", params, ""); err != nil {
			return nil, n.refusalOf(ctx, s, err, req.GetId(), balance.TypeVIP, req.GetId())
		}
		resp.State = updating
	}
	return resp, nil
}

// ListVips reads a page of instances.
func (n *Server) ListVips(ctx context.Context, req *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.List("LoadBalancerNames", filled(req.GetName())...).List("VpcIds", filled(req.GetNetworkId())...).
		Set("ResourceGroupId", s.ResourceGroup)
	page, err := n.balancers().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListVipsResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := n.toProtoVIP(&page.Items[i], s.Region); balance.KeepsVIP(req, v) {
			resp.Vips = append(resp.Vips, v)
		}
	}
	return resp, nil
}

// filled is a list of what is not empty.
func filled(values ...string) []string {
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}
