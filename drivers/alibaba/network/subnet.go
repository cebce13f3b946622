package network

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type subnetServer struct {
	networkv1.UnimplementedSubnetServiceServer
	base
}

var _ networkv1.SubnetServiceServer = (*subnetServer)(nil)

// CreateSubnet makes a vSwitch. VPC makes one at a time in a network: another
// that is under way is RESOURCE_BUSY.
func (n *subnetServer) CreateSubnet(ctx context.Context, req *networkv1.CreateSubnetRequest) (*networkv1.CreateSubnetResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseSubnet(req); err != nil {
		return nil, err
	}
	var made struct{ VSwitchID string }
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("ZoneId", req.GetZoneId()).Set("CidrBlock", req.GetCidr()).
		Set("VSwitchName", req.GetName()).Set("Description", req.GetDescription()).Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.VPC, "CreateVSwitch", params, &made); err != nil {
		return nil, explainCreateSubnet(ctx, s, req, err)
	}
	return &networkv1.CreateSubnetResponse{Id: made.VSwitchID, State: networkv1.SubnetState_SUBNET_STATE_PENDING}, nil
}

// refuseSubnet refuses what a vSwitch has no parameter for.
func refuseSubnet(req *networkv1.CreateSubnetRequest) error {
	switch {
	case req.GetIpVersion() > apiv1.IpVersion_IP_VERSION_IPV4:
		return sdk.Unsupported("network.subnet.ipv6")
	case req.GetGatewayIp() != "":
		return sdk.Unsupported("network.subnet.gateway_ip")
	case req.DhcpEnabled != nil, len(req.GetAllocationPools()) > 0:
		return sdk.Unsupported("network.subnet.dhcp")
	case len(req.GetDnsServers()) > 0:
		return sdk.Unsupported("network.subnet.dns")
	}
	return nil
}

func explainCreateSubnet(ctx context.Context, s *session.Session, req *networkv1.CreateSubnetRequest, err error) error {
	switch {
	case api.HasCode(err, "InvalidCidrBlock.Overlapped", "OperationFailed.CidrAcross", "RouteConflict.AlreadyExist"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeSubnet, "", sdk.Field("cidr"))
	case api.HasCode(err, "InvalidCidrBlock.Malformed", "InvalidCirdrBlock.MaskLength", "IllegalParam.CidrBlock"):
		return api.Error(err, typeSubnet, "", sdk.Field("cidr"))
	case api.HasCode(err, "IncorrectVSwitchStatus", "TaskConflict", "OperationConflict", "OperationDenied.OtherSubnetCreating",
		"OperationDenied.OtherSubnetProcessing", "OperationFailed.ResourceConflict"):
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, typeNetwork, req.GetNetworkId())
	case api.HasCode(err, "IncorrectVpcStatus"):
		return networks().Refusal(ctx, s, err, req.GetNetworkId(), changingNetwork)
	}
	return api.Error(err, typeSubnet, "")
}

// DeleteSubnet removes a vSwitch.
func (n *subnetServer) DeleteSubnet(ctx context.Context, req *networkv1.DeleteSubnetRequest) (*networkv1.DeleteSubnetResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := deleteSubnet(ctx, s, req.GetId()); err != nil {
		return nil, err
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &networkv1.DeleteSubnetResponse{Id: req.GetId(), State: networkv1.SubnetState_SUBNET_STATE_DELETING}, nil
}

// deleteSubnet begins the removal of a vSwitch; absent is success. Errors: IN_USE,
// naming what has an address in it or routes it.
func deleteSubnet(ctx context.Context, s *session.Session, id string) error {
	err := s.Call(ctx, api.VPC, "DeleteVSwitch", api.Params{}.Set("VSwitchId", id), nil)
	switch {
	case err == nil, api.IsGone(err, typeSubnet), api.HasCode(err, "IncorrectVSwitchId"):
		return nil
	case api.HasCode(err, "DependencyViolation*"):
		return subnetInUse(ctx, s, id, err)
	case api.HasCode(err, "OperationDenied.OtherSubnetProcessing"):
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, typeSubnet, id)
	}
	return subnets().Refusal(ctx, s, err, id, changingSubnet)
}

func changingSubnet(v *vSwitch) bool { return !strings.EqualFold(v.Status, "Available") }

func subnetInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	blockers := kind.Blockers{}
	interfaces, err := nics().All(ctx, s, api.Params{}.Set("VSwitchId", id))
	if err != nil {
		return api.As(apiv1.Reason_REASON_IN_USE, cause, typeSubnet, id)
	}
	addNICBlockers(blockers, interfaces)
	if v, err := subnets().Get(ctx, s, id); err == nil && api.HasCode(cause, "DependencyViolation.RouteTable") {
		blockers.Add(typeRouter, v.RouteTable.RouteTableID)
	}
	return sdk.InUse(typeSubnet, id, cause, blockers.List()...)
}

// UpdateSubnet changes what is present.
func (n *subnetServer) UpdateSubnet(ctx context.Context, req *networkv1.UpdateSubnetRequest) (*networkv1.UpdateSubnetResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.GetDnsServers() != nil:
		return nil, sdk.Unsupported("network.subnet.dns")
	case req.GetAllocationPools() != nil:
		return nil, sdk.Unsupported("network.subnet.dhcp")
	}
	v, err := subnets().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if params := words(api.Params{}, "VSwitchName", req.Name, req.Description); len(params) > 0 {
		if err := s.Call(ctx, api.VPC, "ModifyVSwitchAttribute", params.Set("VSwitchId", v.VSwitchID), nil); err != nil {
			return nil, subnets().Refusal(ctx, s, err, v.VSwitchID, changingSubnet)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(api.VPC, "VSWITCH", v.VSwitchID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeSubnet, v.VSwitchID)
		}
	}
	return &networkv1.UpdateSubnetResponse{Id: v.VSwitchID, State: toProtoSubnetState(v.Status)}, nil
}

// GetSubnet reads one vSwitch.
func (n *subnetServer) GetSubnet(ctx context.Context, req *networkv1.GetSubnetRequest) (*networkv1.GetSubnetResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := subnets().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetSubnetResponse{Subnet: toProtoSubnet(v, s.Region)}, nil
}

// ListSubnets reads a page of vSwitches.
func (n *subnetServer) ListSubnets(ctx context.Context, req *networkv1.ListSubnetsRequest) (*networkv1.ListSubnetsResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("ZoneId", req.GetZoneId()).Set("VSwitchName", req.GetName()).
		Set("ResourceGroupId", s.ResourceGroup)
	p, err := subnets().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListSubnetsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoSubnet(&p.Items[i], s.Region); keepsSubnet(req, v) {
			resp.Subnets = append(resp.Subnets, v)
		}
	}
	return resp, nil
}
