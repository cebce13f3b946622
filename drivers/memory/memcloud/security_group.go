package memcloud

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type securityGroupService struct {
	networkv1.UnimplementedSecurityGroupServiceServer
	c *Cloud
}

var _ networkv1.SecurityGroupServiceServer = (*securityGroupService)(nil)

// CreateSecurityGroup makes a group that lets everything out and nothing in.
func (s *securityGroupService) CreateSecurityGroup(ctx context.Context, req *networkv1.CreateSecurityGroupRequest) (*networkv1.CreateSecurityGroupResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateSecurityGroupResponse, error) {
		if err := v.within(use{"network.security_group.count", 1}, use{"network.security_group_rule.count", 2}); err != nil {
			return nil, err
		}
		group := &networkv1.SecurityGroup{}
		fill(group, req)
		group.Charge = chargeOrPostpaid(nil)
		r, _ := groups.add(v, group)
		for _, everywhere := range []string{"0.0.0.0/0", "::/0"} {
			rules.add(v, &networkv1.SecurityGroupRule{
				SecurityGroupId: r.id,
				Direction:       apiv1.Direction_DIRECTION_EGRESS,
				Protocol:        networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL,
				RemoteCidr:      everywhere,
				Action:          networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW,
				Priority:        defaultPriority,
			})
		}
		return &networkv1.CreateSecurityGroupResponse{Id: r.id}, nil
	})
}

// DeleteSecurityGroup removes a group that has no members and that no other
// group's rule refers to, with its rules.
func (s *securityGroupService) DeleteSecurityGroup(ctx context.Context, req *networkv1.DeleteSecurityGroupRequest) (*networkv1.DeleteSecurityGroupResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteSecurityGroupResponse, error) {
		r, _, ok := groups.find(v, req.GetId())
		if !ok {
			return &networkv1.DeleteSecurityGroupResponse{Id: req.GetId()}, nil
		}
		used := nics.blockers(v, func(nic *networkv1.Nic) bool { return slices.Contains(nic.GetSecurityGroupIds(), r.id) })
		used = append(used, rules.blockers(v, func(rule *networkv1.SecurityGroupRule) bool {
			return rule.GetRemoteSecurityGroupId() == r.id && rule.GetSecurityGroupId() != r.id
		})...)
		if len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		for _, rule := range rulesOf(v, r.id) {
			v.remove(key{rules.kind, v.project, rule.GetId()})
		}
		v.remove(r.key)
		return &networkv1.DeleteSecurityGroupResponse{Id: r.id}, nil
	})
}

func rulesOf(v *view, groupID string) []*networkv1.SecurityGroupRule {
	var found []*networkv1.SecurityGroupRule
	for _, rule := range rules.mine(v) {
		if rule.GetSecurityGroupId() == groupID {
			found = append(found, rule)
		}
	}
	return found
}

// UpdateSecurityGroup changes name, description and tags.
func (s *securityGroupService) UpdateSecurityGroup(ctx context.Context, req *networkv1.UpdateSecurityGroupRequest) (*networkv1.UpdateSecurityGroupResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateSecurityGroupResponse, error) {
		r, _, err := groups.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		_, group := groups.edit(v, r)
		fill(group, req)
		return &networkv1.UpdateSecurityGroupResponse{Id: r.id}, nil
	})
}

// GetSecurityGroup reads one group with its rules and the number of its members.
func (s *securityGroupService) GetSecurityGroup(ctx context.Context, req *networkv1.GetSecurityGroupRequest) (*networkv1.GetSecurityGroupResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetSecurityGroupResponse, error) {
		_, group, err := groups.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		shown := proto.CloneOf(group)
		shown.Rules = rulesOf(v, group.GetId())
		shown.MemberCount = proto.Int32(int32(len(membersOf(v, group.GetId()))))
		return &networkv1.GetSecurityGroupResponse{SecurityGroup: shown}, nil
	})
}

// ListSecurityGroups reads a page of groups; lists carry no rules.
func (s *securityGroupService) ListSecurityGroups(ctx context.Context, req *networkv1.ListSecurityGroupsRequest) (*networkv1.ListSecurityGroupsResponse, error) {
	p, err := list(s.c, ctx, groups, req, nil)
	return &networkv1.ListSecurityGroupsResponse{SecurityGroups: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
