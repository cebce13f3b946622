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

type securityGroupServer struct {
	networkv1.UnimplementedSecurityGroupServiceServer
	base
}

var _ networkv1.SecurityGroupServiceServer = (*securityGroupServer)(nil)

// CreateSecurityGroup makes a group, and takes away that its members reach each
// other, which only this cloud begins with. A repeat finds the group by its token
// and takes it away again.
func (n *securityGroupServer) CreateSecurityGroup(ctx context.Context, req *networkv1.CreateSecurityGroupRequest) (*networkv1.CreateSecurityGroupResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	var made struct{ SecurityGroupID string }
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("SecurityGroupName", req.GetName()).Set("SecurityGroupType", "normal").
		Set("Description", req.GetDescription()).Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags()).Once(ctx, "")
	if err := s.Call(ctx, api.ECS, "CreateSecurityGroup", params, &made); err != nil {
		if api.HasCode(err, "IncorrectVpcStatus") {
			return nil, networks().Refusal(ctx, s, err, req.GetNetworkId(), changingNetwork)
		}
		return nil, api.Error(err, typeSecurityGroup, "")
	}
	if err := setInner(ctx, s, made.SecurityGroupID, innerDrop); err != nil {
		return nil, api.Error(err, typeSecurityGroup, made.SecurityGroupID)
	}
	return &networkv1.CreateSecurityGroupResponse{Id: made.SecurityGroupID}, nil
}

func setInner(ctx context.Context, s *session.Session, groupID, policy string) error {
	params := api.Params{}.Set("SecurityGroupId", groupID).Set("InnerAccessPolicy", policy).Once(ctx, "inner "+policy)
	return s.Call(ctx, api.ECS, "ModifySecurityGroupPolicy", params, nil)
}

// DeleteSecurityGroup removes a group.
func (n *securityGroupServer) DeleteSecurityGroup(ctx context.Context, req *networkv1.DeleteSecurityGroupRequest) (*networkv1.DeleteSecurityGroupResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	err = s.Call(ctx, api.ECS, "DeleteSecurityGroup", api.Params{}.Set("SecurityGroupId", id), nil)
	switch {
	case err == nil, api.IsGone(err, typeSecurityGroup):
		return &networkv1.DeleteSecurityGroupResponse{Id: id}, nil
	case api.HasCode(err, "DependencyViolation"):
		return nil, securityGroupInUse(ctx, s, id, err)
	case api.HasCode(err, "InvalidOperation.ResourceManagedByCloudProduct"):
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeSecurityGroup, id)
	}
	return nil, api.Error(err, typeSecurityGroup, id)
}

// securityGroupInUse is the IN_USE of a group, naming its members and the groups
// whose rules name it.
func securityGroupInUse(ctx context.Context, s *session.Session, id string, cause error) error {
	blockers := kind.Blockers{}
	members, err := nics().All(ctx, s, api.Params{}.Set("SecurityGroupId", id))
	if err != nil {
		return api.As(apiv1.Reason_REASON_IN_USE, cause, typeSecurityGroup, id)
	}
	addNICBlockers(blockers, members)
	var answer struct {
		SecurityGroupReferences struct {
			SecurityGroupReference []struct {
				ReferencingSecurityGroups struct {
					ReferencingSecurityGroup []struct{ SecurityGroupID string }
				}
			}
		}
	}
	if err := s.Call(ctx, api.ECS, "DescribeSecurityGroupReferences", api.Params{}.List("SecurityGroupId", id), &answer); err != nil {
		return sdk.InUse(typeSecurityGroup, id, cause, blockers.List()...)
	}
	for _, reference := range answer.SecurityGroupReferences.SecurityGroupReference {
		for _, g := range reference.ReferencingSecurityGroups.ReferencingSecurityGroup {
			blockers.Add(typeSecurityGroup, g.SecurityGroupID)
		}
	}
	return sdk.InUse(typeSecurityGroup, id, cause, blockers.List()...)
}

// UpdateSecurityGroup changes what is present.
func (n *securityGroupServer) UpdateSecurityGroup(ctx context.Context, req *networkv1.UpdateSecurityGroupRequest) (*networkv1.UpdateSecurityGroupResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := securityGroups().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if params := words(api.Params{}, "SecurityGroupName", req.Name, req.Description); len(params) > 0 {
		if err := s.Call(ctx, api.ECS, "ModifySecurityGroupAttribute", params.Set("SecurityGroupId", v.SecurityGroupID), nil); err != nil {
			return nil, api.Error(err, typeSecurityGroup, v.SecurityGroupID)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(api.ECS, "securitygroup", v.SecurityGroupID), v.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeSecurityGroup, v.SecurityGroupID)
		}
	}
	return &networkv1.UpdateSecurityGroupResponse{Id: v.SecurityGroupID}, nil
}

// GetSecurityGroup reads one group with its rules.
func (n *securityGroupServer) GetSecurityGroup(ctx context.Context, req *networkv1.GetSecurityGroupRequest) (*networkv1.GetSecurityGroupResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := securityGroups().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	rules, err := rulesOf(ctx, s, v.SecurityGroupID)
	if err != nil {
		return nil, err
	}
	out := toProtoSecurityGroup(v, s.Region)
	out.Rules = toProtoRules(rules, s.Region)
	return &networkv1.GetSecurityGroupResponse{SecurityGroup: out}, nil
}

// ListSecurityGroups reads a page of groups, without rules.
func (n *securityGroupServer) ListSecurityGroups(ctx context.Context, req *networkv1.ListSecurityGroupsRequest) (*networkv1.ListSecurityGroupsResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("VpcId", req.GetNetworkId()).Set("SecurityGroupName", req.GetName()).
		Set("ResourceGroupId", s.ResourceGroup).Bool("IsQueryEcsCount", true)
	p, err := securityGroups().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListSecurityGroupsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoSecurityGroup(&p.Items[i], s.Region); keepsSecurityGroup(req, v) {
			resp.SecurityGroups = append(resp.SecurityGroups, v)
		}
	}
	return resp, nil
}
