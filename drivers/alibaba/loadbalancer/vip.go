package loadbalancer

import (
	"context"

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

// CreateVip makes a CLB instance.
func (n *server) CreateVip(ctx context.Context, req *networkv1.CreateVipRequest) (*networkv1.CreateVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case len(req.GetSubnets()) > 1:
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("subnets"),
			sdk.Violation("subnets", "this cloud's load balancers have an address in one subnet"))
	case req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID:
		return nil, sdk.Unsupported("network.vip.prepaid")
	}
	params := fromProtoVIP(req).Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", withKind(req)).Once(ctx, "")
	if err := addZone(ctx, s, req, params); err != nil {
		return nil, err
	}
	var made struct{ LoadBalancerID string }
	if err := s.Call(ctx, api.SLB, "CreateLoadBalancer", params, &made); err != nil {
		return nil, explainVIP(err)
	}
	if req.Enabled != nil && !req.GetEnabled() {
		if err := setStatus(ctx, s, made.LoadBalancerID, false); err != nil {
			return nil, err
		}
		return &networkv1.CreateVipResponse{Id: made.LoadBalancerID, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED}, nil
	}
	return &networkv1.CreateVipResponse{Id: made.LoadBalancerID, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE}, nil
}

// addZone puts a public instance, which is in no subnet, into the zone of the
// subnet that the request names.
func addZone(ctx context.Context, s *session.Session, req *networkv1.CreateVipRequest, params api.Params) error {
	if req.GetScheme() != networkv1.VipScheme_VIP_SCHEME_INTERNET || len(req.GetSubnets()) == 0 {
		return nil
	}
	subnet := req.GetSubnets()[0]
	if subnet.GetIpAddress() != "" {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("subnets[0].ip_address"),
			sdk.Violation("subnets[0].ip_address", "cannot be chosen for a public load balancer"))
	}
	v, err := vswitch.Kind().Get(ctx, s, subnet.GetSubnetId())
	if err != nil {
		return kind.AsReference(err, "subnets[0].subnet_id")
	}
	params.Set("MasterZoneId", v.ZoneID)
	return nil
}

func explainVIP(err error) error {
	switch {
	case api.HasCode(err, "VSwitchNotExist", "InvalidVSwitchId.NotFound"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, vswitch.Type, "", sdk.Field("subnets[0].subnet_id"))
	case api.HasCode(err, "VSwitchAvailableIpNotExist", "SubnetIpExhaust", "OperationFailed.ZoneResourceLimit", "OperationFailed.RegionResourceLimit", "PRODUCT.NOT_AVAILABLE_IZ", "ShareSlbHaltSales"):
		return api.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, balance.TypeVIP, "")
	case api.HasCode(err, "OperationFailed.TokenIsProcessing"):
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, balance.TypeVIP, "")
	case api.HasCode(err, "MissingParam.LoadBalancerSpec", "IllegalParam.SpecType", "MissingParam.SpecType", "IllegalParam.InstanceChargeType"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, balance.TypeVIP, "", sdk.Field("edition"))
	}
	return refusal(err, balance.TypeVIP, "")
}

// UpdateVip changes what is present.
func (n *server) UpdateVip(ctx context.Context, req *networkv1.UpdateVipRequest) (*networkv1.UpdateVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vips().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	id := v.LoadBalancerID
	if req.Name != nil {
		params := api.Params{}.Set("LoadBalancerId", id).Set("LoadBalancerName", req.GetName())
		if err := s.Call(ctx, api.SLB, "SetLoadBalancerName", params, nil); err != nil {
			return nil, refusal(err, balance.TypeVIP, id)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged("instance", id), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, refusal(err, balance.TypeVIP, id)
		}
	}
	state := toProtoVIPState(v.LoadBalancerStatus)
	if req.Enabled != nil {
		if err := setStatus(ctx, s, id, req.GetEnabled()); err != nil {
			return nil, err
		}
		state = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
		if req.GetEnabled() {
			state = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
		}
	}
	return &networkv1.UpdateVipResponse{Id: id, State: state}, nil
}

func setStatus(ctx context.Context, s *session.Session, id string, enabled bool) error {
	status := "inactive"
	if enabled {
		status = "active"
	}
	params := api.Params{}.Set("LoadBalancerId", id).Set("LoadBalancerStatus", status)
	return refusal(s.Call(ctx, api.SLB, "SetLoadBalancerStatus", params, nil), balance.TypeVIP, id)
}

// DeleteVip removes a CLB instance with its listeners and groups.
func (n *server) DeleteVip(ctx context.Context, req *networkv1.DeleteVipRequest) (*networkv1.DeleteVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	err = s.Call(ctx, api.SLB, "DeleteLoadBalancer", api.Params{}.Set("LoadBalancerId", id), nil)
	switch {
	case err == nil, api.IsGone(err, balance.TypeVIP):
		return &networkv1.DeleteVipResponse{Id: id, State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED}, nil
	case api.HasCode(err, "OperationDenied.DeleteProtectionIsOn"):
		return nil, api.As(apiv1.Reason_REASON_DELETION_PROTECTED, err, balance.TypeVIP, id)
	case api.HasCode(err, "InvalidChargeType"):
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, balance.TypeVIP, id)
	}
	return nil, refusal(err, balance.TypeVIP, id)
}

// GetVip reads one CLB instance and the health of its members.
func (n *server) GetVip(ctx context.Context, req *networkv1.GetVipRequest) (*networkv1.GetVipResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vips().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	members, err := healthOf(ctx, s, v.LoadBalancerID)
	if err != nil {
		return nil, err
	}
	out := toProtoVIP(v, s.Region)
	out.Health = toProtoVIPHealth(members)
	return &networkv1.GetVipResponse{Vip: out}, nil
}

// ListVips reads a page of CLB instances.
func (n *server) ListVips(ctx context.Context, req *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("LoadBalancerName", req.GetName()).Set("VpcId", req.GetNetworkId()).Set("ResourceGroupId", s.ResourceGroup)
	p, err := vips().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListVipsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoVIP(&p.Items[i], s.Region); balance.KeepsVIP(req, v) {
			resp.Vips = append(resp.Vips, v)
		}
	}
	return resp, nil
}
