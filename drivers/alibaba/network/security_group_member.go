package network

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AddSecurityGroupMember puts one NIC, or all that a VM has now, into a group.
// JoinSecurityGroup adds to the groups that there are, where the calls that replace
// them would lose what somebody else adds meanwhile.
func (n *securityGroupServer) AddSecurityGroupMember(ctx context.Context, req *networkv1.AddSecurityGroupMemberRequest) (*networkv1.AddSecurityGroupMemberResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	interfaces, err := memberInterfaces(ctx, s, req.GetVmId(), req.GetNicId())
	if err != nil {
		return nil, err
	}
	for i := range interfaces {
		v := &interfaces[i]
		if slices.Contains(v.SecurityGroupIDs.SecurityGroupID, req.GetId()) {
			continue
		}
		err := s.Call(ctx, api.ECS, "JoinSecurityGroup", memberParams(v, req.GetId()), nil)
		if err != nil && !api.HasCode(err, "InvalidInstanceId.AlreadyExists") {
			return nil, explainMember(err, req.GetId())
		}
	}
	return &networkv1.AddSecurityGroupMemberResponse{Id: req.GetId()}, nil
}

// RemoveSecurityGroupMember takes one NIC, or all that a VM has, out of a group.
// Before anything is touched it is refused where a NIC would be left without one.
func (n *securityGroupServer) RemoveSecurityGroupMember(ctx context.Context, req *networkv1.RemoveSecurityGroupMemberRequest) (*networkv1.RemoveSecurityGroupMemberResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	interfaces, err := memberInterfaces(ctx, s, req.GetVmId(), req.GetNicId())
	if err != nil {
		return nil, err
	}
	interfaces = slices.DeleteFunc(interfaces, func(v networkInterface) bool {
		return !slices.Contains(v.SecurityGroupIDs.SecurityGroupID, req.GetId())
	})
	for i := range interfaces {
		if len(interfaces[i].SecurityGroupIDs.SecurityGroupID) == 1 {
			return nil, sdk.InvalidState(typeNIC, interfaces[i].NetworkInterfaceID, nil)
		}
	}
	for i := range interfaces {
		err := s.Call(ctx, api.ECS, "LeaveSecurityGroup", memberParams(&interfaces[i], req.GetId()), nil)
		if err != nil && !api.HasCode(err, "InvalidSecurityGroupAssociation.NotFound", "InstanceNotInSecurityGroup") {
			return nil, explainMember(err, req.GetId())
		}
	}
	return &networkv1.RemoveSecurityGroupMemberResponse{Id: req.GetId()}, nil
}

// memberInterfaces are the NICs that a request about members is about: one, or
// all of a VM. Errors: REFERENCE_NOT_FOUND.
func memberInterfaces(ctx context.Context, s *session.Session, vmID, nicID string) ([]networkInterface, error) {
	if vmID == "" {
		v, err := nics().Get(ctx, s, nicID)
		if err != nil {
			return nil, kind.AsReference(err, "nic_id")
		}
		return []networkInterface{*v}, nil
	}
	all, err := nics().All(ctx, s, api.Params{}.Set("InstanceId", vmID))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeVM, vmID), sdk.Field("vm_id"))
	}
	return all, nil
}

// memberParams names a NIC as the cloud wants it: a primary one by its instance.
func memberParams(v *networkInterface, groupID string) api.Params {
	params := api.Params{}.Set("SecurityGroupId", groupID)
	if isPrimary(v) {
		return params.Set("InstanceId", v.InstanceID)
	}
	return params.Set("NetworkInterfaceId", v.NetworkInterfaceID)
}

func explainMember(err error, groupID string) error {
	switch {
	case api.HasCode(err, "InstanceLastSecurityGroup", "InvalidOperation.AtLeastInOneGroup", "InvalidOperation.InvalidEniState",
		"InvalidOperation.EniServiceManaged", "InvalidOperation.InvalidEniType", "IncorrectInstanceStatus"):
		return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeNIC, "")
	case api.HasCode(err, "InvalidOperation.VpcMismatch", "InvalidInstanceId.Mismatch", "InvalidOperation.MultiGroupType", "InvalidOperation.NotSupportEnterpriseGroup"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeSecurityGroup, groupID)
	}
	return api.Error(err, typeSecurityGroup, groupID)
}

// ListSecurityGroupMembers reads the NICs that have a group.
func (n *securityGroupServer) ListSecurityGroupMembers(ctx context.Context, req *networkv1.ListSecurityGroupMembersRequest) (*networkv1.ListSecurityGroupMembersResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	members, err := nics().All(ctx, s, api.Params{}.Set("SecurityGroupId", req.GetId()))
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		if _, err := securityGroups().Get(ctx, s, req.GetId()); err != nil {
			return nil, err
		}
	}
	resp := &networkv1.ListSecurityGroupMembersResponse{}
	for i := range members {
		resp.Members = append(resp.Members, &networkv1.SecurityGroupMember{NicId: members[i].NetworkInterfaceID, VmId: vmOf(&members[i])})
	}
	return resp, nil
}
