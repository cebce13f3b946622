package network

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type publicIPServer struct {
	networkv1.UnimplementedPublicIpServiceServer
	base
}

var _ networkv1.PublicIpServiceServer = (*publicIPServer)(nil)

// CreatePublicIp allocates an EIP that is paid for as it goes.
func (n *publicIPServer) CreatePublicIp(ctx context.Context, req *networkv1.CreatePublicIpRequest) (*networkv1.CreatePublicIpResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.GetExternalNetworkId() != "":
		return nil, sdk.Unsupported("network.public_ip.pool")
	case req.GetIpAddress() != "":
		return nil, sdk.Unsupported("network.public_ip.address")
	case req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID:
		return nil, sdk.Unsupported("network.public_ip.prepaid")
	}
	var made struct{ AllocationID string }
	params := api.Params{}.Set("Name", req.GetName()).Set("Description", req.GetDescription()).
		Int("Bandwidth", req.GetBandwidthMbps()).Set("InternetChargeType", fromProtoBandwidthCharge(req.GetBandwidthCharge())).
		Set("InstanceChargeType", "PostPaid").Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "AllocateEipAddress", params, &made); err != nil {
		return nil, explainAllocate(err)
	}
	return &networkv1.CreatePublicIpResponse{Id: made.AllocationID, State: networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE}, nil
}

func explainAllocate(err error) error {
	switch {
	case api.HasCode(err, "OperationFailed.InsufficientEIP", "ReserveIpFail", "OperationFailed.ResourceNotEnough"):
		return api.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, typePublicIP, "")
	case api.HasCode(err, "InvalidBandwidth.Malformed", "InvalidComponent.EipBandwidthMax", "IllegalParam.Bandwidth"):
		return api.Error(err, typePublicIP, "", sdk.Field("bandwidth_mbps"))
	}
	return api.Error(err, typePublicIP, "")
}

// UpdatePublicIp changes what is present; at last what the address is bound to.
func (n *publicIPServer) UpdatePublicIp(ctx context.Context, req *networkv1.UpdatePublicIpRequest) (*networkv1.UpdatePublicIpResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := publicIPs().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.BandwidthCharge != nil && req.GetBandwidthCharge() != toProtoBandwidthCharge(v.InternetChargeType) {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Resource(typePublicIP, v.AllocationID), sdk.Field("bandwidth_charge"),
			sdk.Violation("bandwidth_charge", "cannot be changed after the address was allocated"))
	}
	if sdk.CallFrom(ctx).NextStep == "" {
		if err := describePublicIP(ctx, s, req, v); err != nil {
			return nil, err
		}
	}
	state := toProtoPublicIPState(v.Status)
	switch {
	case sdk.CallFrom(ctx).Undo: // an address that was freed for this stays free
	case req.GetUnbind():
		state, err = unbind(ctx, s, v)
	case req.GetNicId() != "":
		state, err = bind(ctx, s, req, v)
	}
	if err != nil {
		return nil, err
	}
	return &networkv1.UpdatePublicIpResponse{Id: v.AllocationID, State: state}, nil
}

// describePublicIP changes words, bandwidth and tags.
func describePublicIP(ctx context.Context, s *session.Session, req *networkv1.UpdatePublicIpRequest, v *eip) error {
	params := words(api.Params{}, "Name", req.Name, req.Description).Int("Bandwidth", req.GetBandwidthMbps())
	if len(params) > 0 {
		err := s.Call(ctx, api.VPC, "ModifyEipAddressAttribute", params.Set("AllocationId", v.AllocationID), nil)
		if api.HasCode(err, "Forbidden.ChargeTypeIsPrepaid") {
			return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typePublicIP, v.AllocationID)
		}
		if err != nil {
			return publicIPs().Refusal(ctx, s, err, v.AllocationID, changingPublicIP)
		}
	}
	if req.GetTags() != nil {
		err := tags.Replace(ctx, s, tagged(api.VPC, "EIP", v.AllocationID), v.Tags.ToProto(), req.GetTags().GetEntries())
		return api.Error(err, typePublicIP, v.AllocationID)
	}
	return nil
}

func changingPublicIP(v *eip) bool {
	state := toProtoPublicIPState(v.Status)
	return state != networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE && state != networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE
}

// GetPublicIp reads one EIP.
func (n *publicIPServer) GetPublicIp(ctx context.Context, req *networkv1.GetPublicIpRequest) (*networkv1.GetPublicIpResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := publicIPs().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	nicOfVM, err := primaryInterfaces(ctx, s, vmsOf([]eip{*v}))
	if err != nil {
		return nil, err
	}
	return &networkv1.GetPublicIpResponse{PublicIp: toProtoPublicIP(v, s.Region, nicOfVM)}, nil
}

// ListPublicIps reads a page of EIPs and, where some are bound to VMs, the primary
// interfaces of these.
func (n *publicIPServer) ListPublicIps(ctx context.Context, req *networkv1.ListPublicIpsRequest) (*networkv1.ListPublicIpsResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("EipName", req.GetName()).Set("EipAddress", req.GetIpAddress()).Set("ResourceGroupId", s.ResourceGroup)
	p, err := publicIPs().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	nicOfVM, err := primaryInterfaces(ctx, s, vmsOf(p.Items))
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListPublicIpsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoPublicIP(&p.Items[i], s.Region, nicOfVM); keepsPublicIP(req, v) {
			resp.PublicIps = append(resp.PublicIps, v)
		}
	}
	return resp, nil
}

// primaryInterfaces tells the primary interface of each VM: of one by its id, of
// more from the list of all primary ones, since the action takes one id only.
func primaryInterfaces(ctx context.Context, s *session.Session, vmIDs []string) (map[string]string, error) {
	if len(vmIDs) == 0 {
		return nil, nil
	}
	params := api.Params{}.Set("Type", "Primary")
	if len(vmIDs) == 1 {
		params.Set("InstanceId", vmIDs[0])
	}
	all, err := nics().All(ctx, s, params)
	if err != nil {
		return nil, err
	}
	nicOfVM := make(map[string]string, len(all))
	for i := range all {
		if isPrimary(&all[i]) {
			nicOfVM[all[i].InstanceID] = all[i].NetworkInterfaceID
		}
	}
	return nicOfVM, nil
}
