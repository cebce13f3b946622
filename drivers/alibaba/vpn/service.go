package vpn

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vswitch"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type serviceServer struct {
	securityv1.UnimplementedVpnServiceServiceServer
	base
}

var _ securityv1.VpnServiceServiceServer = (*serviceServer)(nil)

// stepWords says that a gateway was ordered and waits for its description and
// tags, which the order does not take; its id follows.
const stepWords = "words:"

// CreateVpnService orders a VPN gateway, which takes minutes; then description and
// tags are set.
func (n *serviceServer) CreateVpnService(ctx context.Context, req *securityv1.CreateVpnServiceRequest) (*securityv1.CreateVpnServiceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if id, ok := strings.CutPrefix(sdk.CallFrom(ctx).NextStep, stepWords); ok {
		if sdk.CallFrom(ctx).Undo {
			return n.undoCreate(ctx, s, id)
		}
		return describe(ctx, s, id, req)
	}
	if err := refuseService(req); err != nil {
		return nil, err
	}
	var made struct{ VpnGatewayID string }
	params := fromProtoService(req).Set("ResourceGroupId", s.ResourceGroup).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "CreateVpnGateway", params, &made); err != nil {
		return nil, explainService(err)
	}
	if req.GetDescription() != "" || len(req.GetTags()) > 0 {
		sdk.SetNextStep(ctx, stepWords+made.VpnGatewayID, gatewayPoll)
	}
	return &securityv1.CreateVpnServiceResponse{Id: made.VpnGatewayID, State: securityv1.VpnServiceState_VPN_SERVICE_STATE_CREATING}, nil
}

// undoCreate releases a gateway as soon as it is active: the cloud takes no deletion
// before.
func (n *serviceServer) undoCreate(ctx context.Context, s *session.Session, id string) (*securityv1.CreateVpnServiceResponse, error) {
	v, err := services().Get(ctx, s, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return &securityv1.CreateVpnServiceResponse{Id: id, State: securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETED}, nil
	}
	if err != nil {
		return nil, err
	}
	state := toProtoServiceState(v.Status)
	if state == securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE {
		gone, err := n.DeleteVpnService(ctx, &securityv1.DeleteVpnServiceRequest{Id: id})
		if err != nil {
			return nil, err
		}
		state = gone.GetState()
	}
	if state != securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETED {
		sdk.SetNextStep(ctx, stepWords+id, pollAfter)
	}
	return &securityv1.CreateVpnServiceResponse{Id: id, State: state}, nil
}

// refuseService refuses what a gateway has no parameter for.
func refuseService(req *securityv1.CreateVpnServiceRequest) error {
	switch {
	case req.GetRouterId() != "":
		return sdk.Unsupported("security.vpn_service.router")
	case req.GetNetworkId() == "":
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("network_id"),
			sdk.Violation("network_id", "must be given on this cloud"))
	case req.Enabled != nil && !req.GetEnabled():
		return sdk.Unsupported("security.vpn_service.disable")
	case req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID:
		return sdk.Unsupported("security.vpn_service.prepaid")
	case len(req.GetSubnetIds()) > 2:
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("subnet_ids"),
			sdk.Violation("subnet_ids", "must be at most two on this cloud"))
	}
	return nil
}

func explainService(err error) error {
	switch {
	case api.HasCode(err, "OperationFailed.IpNotEnough", "InvalidVSwitchId.FirstVswitchIpNotEnough", "InvalidVSwitchId.SecondVswitchIpNotEnough"):
		return api.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, vswitch.Type, "", sdk.Field("subnet_ids"))
	case api.HasCode(err, "InvalidVSwitchId.NotFound"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, vswitch.Type, "", sdk.Field("subnet_ids"))
	case api.HasCode(err, "InvalidVSwitchId.*", "OperationFailed.VSwitchConflict", "OperationFailed.AzNotSupport"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, vswitch.Type, "", sdk.Field("subnet_ids"))
	case api.HasCode(err, "InvalidSpec.NotFound"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeService, "", sdk.Field("bandwidth_mbps"))
	}
	return api.Error(err, typeService, "")
}

// describe sets description and tags of a gateway that has become active.
func describe(ctx context.Context, s *session.Session, id string, req *securityv1.CreateVpnServiceRequest) (*securityv1.CreateVpnServiceResponse, error) {
	v, err := services().Get(ctx, s, id)
	if err != nil {
		return nil, err
	}
	out := &securityv1.CreateVpnServiceResponse{Id: id, State: toProtoServiceState(v.Status)}
	if out.GetState() != securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE {
		sdk.SetNextStep(ctx, stepWords+id, gatewayPoll)
		return out, nil
	}
	if req.GetDescription() != "" && v.Description != req.GetDescription() {
		params := api.Params{}.Set("VpnGatewayId", id).Set("Description", req.GetDescription()).Once(ctx, stepWords)
		if err := s.Call(ctx, api.VPC, "ModifyVpnGatewayAttribute", params, nil); err != nil {
			return nil, services().Refusal(ctx, s, err, id, changingService)
		}
	}
	if err := tags.Replace(ctx, s, tagged("VpnGateway", id), v.Tags.ToProto(), req.GetTags()); err != nil {
		return nil, api.Error(err, typeService, id)
	}
	return out, nil
}

func changingService(v *gateway) bool { return !strings.EqualFold(v.Status, "active") }

// DeleteVpnService releases a gateway.
func (n *serviceServer) DeleteVpnService(ctx context.Context, req *securityv1.DeleteVpnServiceRequest) (*securityv1.DeleteVpnServiceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	err = s.Call(ctx, api.VPC, "DeleteVpnGateway", api.Params{}.Set("VpnGatewayId", id), nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return &securityv1.DeleteVpnServiceResponse{Id: id, State: securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING}, nil
	case api.HasCode(err, "InvalidVpnGatewayInstanceId.NotFound", "InvalidVpnGatewayId.NotFound", "INSTANCE_NOT_EXISTS"):
		return &securityv1.DeleteVpnServiceResponse{Id: id, State: securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETED}, nil
	case api.HasCode(err, "DependencyViolation*"):
		return nil, serviceInUse(ctx, s, id, err)
	case api.HasCode(err, "ForbiddenRelease"):
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeService, id) // a subscription
	}
	return nil, services().Refusal(ctx, s, err, id, changingService)
}

func serviceInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	blockers := kind.Blockers{}
	users, err := connections().All(ctx, s, api.Params{}.Set("VpnGatewayId", id))
	if err != nil {
		return api.As(apiv1.Reason_REASON_IN_USE, cause, typeService, id)
	}
	for i := range users {
		blockers.Add(typeConnection, users[i].VpnConnectionID)
	}
	return sdk.InUse(typeService, id, cause, blockers.List()...)
}

// GetVpnService reads one gateway.
func (n *serviceServer) GetVpnService(ctx context.Context, req *securityv1.GetVpnServiceRequest) (*securityv1.GetVpnServiceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := services().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetVpnServiceResponse{VpnService: toProtoService(v, s.Region)}, nil
}

// ListVpnServices reads a page of gateways.
func (n *serviceServer) ListVpnServices(ctx context.Context, req *securityv1.ListVpnServicesRequest) (*securityv1.ListVpnServicesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := services().Find(ctx, s, req, api.Params{}.Set("VpcId", req.GetNetworkId()).Set("ResourceGroupId", s.ResourceGroup))
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListVpnServicesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoService(&p.Items[i], s.Region); keepsService(req, v) {
			resp.VpnServices = append(resp.VpnServices, v)
		}
	}
	return resp, nil
}
