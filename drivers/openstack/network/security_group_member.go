package network

import (
	"context"
	"net/url"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AddSecurityGroupMember puts one NIC, or all that a VM has now, into a group.
func (n *securityGroupServer) AddSecurityGroupMember(ctx context.Context, req *networkv1.AddSecurityGroupMemberRequest) (*networkv1.AddSecurityGroupMemberResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(securityGroups.Type, req.GetId()); err != nil {
		return nil, err
	}
	if req.GetVmId() != "" {
		err = ports.AddGroup(ctx, s, req.GetVmId(), "", req.GetId())
	} else {
		_, err = modifyNIC(ctx, client, req.GetNicId(), func(p *port) (map[string]any, error) { return joinGroup(p, req.GetId()) })
		err = rest.AsReference(err, "nic_id")
	}
	if err != nil {
		return nil, memberError(req.GetId(), err)
	}
	return &networkv1.AddSecurityGroupMemberResponse{Id: req.GetId()}, nil
}

// RemoveSecurityGroupMember takes one NIC, or all that a VM has, out of a group.
// The last group of a NIC is kept, though Neutron would let it go: other clouds
// do not, and programs shall run on all.
func (n *securityGroupServer) RemoveSecurityGroupMember(ctx context.Context, req *networkv1.RemoveSecurityGroupMemberRequest) (*networkv1.RemoveSecurityGroupMemberResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(securityGroups.Type, req.GetId()); err != nil {
		return nil, err
	}
	if req.GetVmId() != "" {
		err = removeFromVM(ctx, s, req.GetVmId(), req.GetId())
	} else {
		_, err = modifyNIC(ctx, client, req.GetNicId(), func(p *port) (map[string]any, error) { return leaveGroup(p, req.GetId()) })
		err = rest.AsReference(err, "nic_id")
	}
	if err != nil {
		return nil, memberError(req.GetId(), err)
	}
	return &networkv1.RemoveSecurityGroupMemberResponse{Id: req.GetId()}, nil
}

// removeFromVM refuses before it touches anything if a NIC would be left without
// a group.
func removeFromVM(ctx context.Context, s *session.Session, vmID, groupID string) error {
	byVM, err := ports.OfVMs(ctx, s, []string{vmID})
	if err != nil {
		return err
	}
	member := false
	for _, p := range byVM[vmID] {
		if !slices.Contains(p.SecurityGroups, groupID) {
			continue
		}
		if len(p.SecurityGroups) == 1 {
			return sdk.InvalidState(nics.Type, p.ID, nil)
		}
		member = true
	}
	if !member {
		return nil
	}
	return ports.RemoveGroup(ctx, s, vmID, "", groupID)
}

// ListSecurityGroupMembers reads the NICs that have a group, in one call.
func (n *securityGroupServer) ListSecurityGroupMembers(ctx context.Context, req *networkv1.ListSecurityGroupMembersRequest) (*networkv1.ListSecurityGroupMembersResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(securityGroups.Type, req.GetId()); err != nil {
		return nil, err
	}
	members, err := nics.List(ctx, client, url.Values{"security_groups": {req.GetId()}})
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		if _, err := securityGroups.Get(ctx, client, req.GetId()); err != nil {
			return nil, err
		}
	}
	return &networkv1.ListSecurityGroupMembersResponse{Members: toProtoMembers(members)}, nil
}

// joinGroup is the change that puts a port into a group; nil: it is a member.
// Errors: INVALID_STATE where groups do not apply to the port.
func joinGroup(p *port, groupID string) (map[string]any, error) {
	switch {
	case slices.Contains(p.SecurityGroups, groupID):
		return nil, nil
	case p.PortSecurityEnabled != nil && !*p.PortSecurityEnabled:
		return nil, sdk.InvalidState(nics.Type, p.ID, nil)
	default:
		return map[string]any{"security_groups": append(slices.Clone(p.SecurityGroups), groupID)}, nil
	}
}

// leaveGroup is the change that takes a port out of a group; nil: it is no
// member. Errors: INVALID_STATE for the last group.
func leaveGroup(p *port, groupID string) (map[string]any, error) {
	at := slices.Index(p.SecurityGroups, groupID)
	switch {
	case at < 0:
		return nil, nil
	case len(p.SecurityGroups) == 1:
		return nil, sdk.InvalidState(nics.Type, p.ID, nil)
	default:
		return map[string]any{"security_groups": slices.Delete(slices.Clone(p.SecurityGroups), at, at+1)}, nil
	}
}

// memberError turns an absent group, which the call is about, into NOT_FOUND.
func memberError(groupID string, err error) error {
	info := sdk.InfoOf(err)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_REFERENCE_NOT_FOUND && info["resource"] == securityGroups.Type {
		return sdk.NotFound(securityGroups.Type, groupID, err)
	}
	return session.Error(err, securityGroups.Type, groupID)
}
