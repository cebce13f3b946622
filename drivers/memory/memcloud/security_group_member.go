package memcloud

import (
	"context"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// AddSecurityGroupMember puts a NIC, or every NIC that a VM has now, into a group.
func (s *securityGroupService) AddSecurityGroupMember(ctx context.Context, req *networkv1.AddSecurityGroupMemberRequest) (*networkv1.AddSecurityGroupMemberResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.AddSecurityGroupMemberResponse, error) {
		r, _, err := groups.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		members, err := memberNICs(v, req.GetVmId(), req.GetNicId())
		if err != nil {
			return nil, err
		}
		for _, nr := range members {
			if slices.Contains(nr.msg.(*networkv1.Nic).GetSecurityGroupIds(), r.id) {
				continue
			}
			_, nic := nics.edit(v, nr)
			nic.SecurityGroupIds = append(nic.SecurityGroupIds, r.id)
			refreshVM(v, nic.GetVmId())
		}
		return &networkv1.AddSecurityGroupMemberResponse{Id: r.id}, nil
	})
}

// RemoveSecurityGroupMember takes NICs out of a group. Not a member is success;
// the last group of a NIC cannot be left.
func (s *securityGroupService) RemoveSecurityGroupMember(ctx context.Context, req *networkv1.RemoveSecurityGroupMemberRequest) (*networkv1.RemoveSecurityGroupMemberResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.RemoveSecurityGroupMemberResponse, error) {
		r, _, err := groups.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		members, err := memberNICs(v, req.GetVmId(), req.GetNicId())
		if err != nil {
			return nil, err
		}
		for _, nr := range members {
			in := nr.msg.(*networkv1.Nic).GetSecurityGroupIds()
			if !slices.Contains(in, r.id) {
				continue
			}
			if len(in) == 1 {
				return nil, sdk.InvalidState(string(nr.kind), nr.id, nil)
			}
			_, nic := nics.edit(v, nr)
			nic.SecurityGroupIds = slices.DeleteFunc(nic.SecurityGroupIds, func(id string) bool { return id == r.id })
			refreshVM(v, nic.GetVmId())
		}
		return &networkv1.RemoveSecurityGroupMemberResponse{Id: r.id}, nil
	})
}

func memberNICs(v *view, vmID, nicID string) ([]*record, error) {
	if nicID != "" {
		r, _, err := nics.ref(v, "nic_id", nicID)
		return []*record{r}, err
	}
	_, vm, err := vms.ref(v, "vm_id", vmID)
	if err != nil {
		return nil, err
	}
	var members []*record
	for _, of := range vm.GetNics() {
		if r, _, ok := nics.find(v, of.GetNicId()); ok {
			members = append(members, r)
		}
	}
	return members, nil
}

// ListSecurityGroupMembers reads the NICs in a group.
func (s *securityGroupService) ListSecurityGroupMembers(ctx context.Context, req *networkv1.ListSecurityGroupMembersRequest) (*networkv1.ListSecurityGroupMembersResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.ListSecurityGroupMembersResponse, error) {
		r, _, err := groups.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		return &networkv1.ListSecurityGroupMembersResponse{Members: membersOf(v, r.id)}, nil
	})
}

func membersOf(v *view, groupID string) []*networkv1.SecurityGroupMember {
	var members []*networkv1.SecurityGroupMember
	for _, nic := range nics.mine(v) {
		if slices.Contains(nic.GetSecurityGroupIds(), groupID) {
			members = append(members, &networkv1.SecurityGroupMember{NicId: nic.GetId(), VmId: nic.GetVmId()})
		}
	}
	return members
}
