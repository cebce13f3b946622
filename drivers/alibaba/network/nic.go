package network

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type nicServer struct {
	networkv1.UnimplementedNicServiceServer
	base
}

var _ networkv1.NicServiceServer = (*nicServer)(nil)

// CreateNic makes a secondary network interface.
func (n *nicServer) CreateNic(ctx context.Context, req *networkv1.CreateNicRequest) (*networkv1.CreateNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetMacAddress() != "" {
		return nil, sdk.Unsupported("network.nic.mac")
	}
	var made struct{ NetworkInterfaceID, Status string }
	params := api.Params{}.Set("VSwitchId", req.GetSubnetId()).Set("NetworkInterfaceName", req.GetName()).
		Set("Description", req.GetDescription()).Set("PrimaryIpAddress", req.GetIpAddress()).
		List("SecurityGroupIds", req.GetSecurityGroupIds()...).Set("ResourceGroupId", s.ResourceGroup).
		Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.ECS, "CreateNetworkInterface", params, &made); err != nil {
		return nil, explainNIC(err, "")
	}
	return &networkv1.CreateNicResponse{Id: made.NetworkInterfaceID, State: networkv1.NicState_NIC_STATE_CREATING}, nil
}

// explainNIC tells what a refusal of a NIC's attributes is about.
func explainNIC(err error, id string) error {
	switch {
	case api.HasCode(err, "InvalidVSwitchId.IpInvalid", "InvalidIp.Address", "InvalidOperation.AddressNotInVSwitchCidr"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeNIC, id, sdk.Field("ip_address"))
	case api.HasCode(err, "InvalidIp.IpRepeated", "InvalidIp.IpAssigned", "InvalidOperation.AddressAlreadyAllocated", "InvalidPrivateIpAddress.Duplicated"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeNIC, id, sdk.Field("ip_address"))
	case api.HasCode(err, "InvalidOperation.VpcMismatch", "InvalidSecurityGroupId.NotVpc", "EnterpriseGroupLimited.MutliGroupType"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, "", "", sdk.Field("security_group_ids"))
	case api.HasCode(err, "IncorrectVSwitchStatus", "InvalidVSwitch.IllegalStatus"):
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, typeSubnet, "")
	}
	return api.Error(err, typeNIC, id)
}

// UpdateNic changes what is present. Groups are replaced as a whole.
func (n *nicServer) UpdateNic(ctx context.Context, req *networkv1.UpdateNicRequest) (*networkv1.UpdateNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.PortSecurityEnabled != nil {
		return nil, sdk.Unsupported("network.nic.port_security")
	}
	v, err := nics().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := words(api.Params{}, "NetworkInterfaceName", req.Name, req.Description)
	if groups := req.GetSecurityGroupIds(); groups != nil {
		if len(groups.GetValues()) == 0 {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("security_group_ids"),
				sdk.Violation("security_group_ids", "must name at least one group"))
		}
		params.List("SecurityGroupId", groups.GetValues()...)
	}
	if len(params) > 0 {
		if err := s.Call(ctx, api.ECS, "ModifyNetworkInterfaceAttribute", params.Set("NetworkInterfaceId", v.NetworkInterfaceID), nil); err != nil {
			return nil, explainNIC(err, v.NetworkInterfaceID)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(api.ECS, "eni", v.NetworkInterfaceID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeNIC, v.NetworkInterfaceID)
		}
	}
	return &networkv1.UpdateNicResponse{Id: v.NetworkInterfaceID, State: toProtoNICState(v.Status)}, nil
}

// DeleteNic removes a network interface that nothing has.
func (n *nicServer) DeleteNic(ctx context.Context, req *networkv1.DeleteNicRequest) (*networkv1.DeleteNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	gone := &networkv1.DeleteNicResponse{Id: id, State: networkv1.NicState_NIC_STATE_DELETED}
	err = s.Call(ctx, api.ECS, "DeleteNetworkInterface", api.Params{}.Set("NetworkInterfaceId", id), nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return &networkv1.DeleteNicResponse{Id: id, State: networkv1.NicState_NIC_STATE_DELETING}, nil
	case api.IsGone(err, typeNIC):
		return gone, nil
	case api.HasCode(err, "InvalidOperation.InvalidEniState", "InvalidOperation.DetachPrimaryEniNotAllowed",
		"InvalidOperation.InvalidEniType", "InvalidOperation.EniServiceManaged", "InvalidOperation.HasSlaveEniBonded"):
		return nil, nicInUse(ctx, s, id, err)
	}
	return nil, api.Error(err, typeNIC, id)
}

// nicInUse tells why a NIC is not free: it has a device, or it is changing.
func nicInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	v, err := nics().Get(ctx, s, id)
	switch {
	case err != nil:
		return api.Error(cause, typeNIC, id)
	case v.InstanceID != "" && !v.ServiceManaged:
		return sdk.InUse(typeNIC, id, cause, kind.Blocker(typeVM, v.InstanceID))
	case v.InstanceID != "":
		return sdk.InUse(typeNIC, id, cause)
	}
	return api.WrongState(cause, typeNIC, id, changingNIC(v))
}

func changingNIC(v *networkInterface) bool {
	state := toProtoNICState(v.Status)
	return state != networkv1.NicState_NIC_STATE_AVAILABLE && state != networkv1.NicState_NIC_STATE_IN_USE
}

// GetNic reads one network interface.
func (n *nicServer) GetNic(ctx context.Context, req *networkv1.GetNicRequest) (*networkv1.GetNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := nics().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetNicResponse{Nic: toProtoNIC(v, s.Region)}, nil
}

// ListNics reads a page of network interfaces.
func (n *nicServer) ListNics(ctx context.Context, req *networkv1.ListNicsRequest) (*networkv1.ListNicsResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("NetworkInterfaceName", req.GetName()).Set("InstanceId", req.GetVmId()).
		Set("VpcId", req.GetNetworkId()).Set("VSwitchId", req.GetSubnetId()).Set("SecurityGroupId", req.GetSecurityGroupId()).
		Set("ResourceGroupId", s.ResourceGroup)
	p, err := nics().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListNicsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoNIC(&p.Items[i], s.Region); keepsNIC(req, v) {
			resp.Nics = append(resp.Nics, v)
		}
	}
	return resp, nil
}
