package network

import (
	"context"
	"net/url"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type securityGroupServer struct {
	networkv1.UnimplementedSecurityGroupServiceServer
	base
}

var _ networkv1.SecurityGroupServiceServer = (*securityGroupServer)(nil)

// CreateSecurityGroup makes a group. Neutron puts the two rules into it that let
// everything out.
func (n *securityGroupServer) CreateSecurityGroup(ctx context.Context, req *networkv1.CreateSecurityGroupRequest) (*networkv1.CreateSecurityGroupResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetNetworkId() != "" {
		return nil, sdk.Unsupported("network.security_group.network_scoped")
	}
	v, err := securityGroups.CreateMarked(ctx, client, map[string]any{"name": req.GetName()}, req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, session.Error(err, securityGroups.Type, "")
	}
	return &networkv1.CreateSecurityGroupResponse{Id: v.ID}, nil
}

// DeleteSecurityGroup removes a group with its rules. The rules of others that
// name it are read first, because Neutron would remove them along.
func (n *securityGroupServer) DeleteSecurityGroup(ctx context.Context, req *networkv1.DeleteSecurityGroupRequest) (*networkv1.DeleteSecurityGroupResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if err := refuseReferenced(ctx, client, id); err != nil {
		return nil, err
	}
	if err := securityGroups.Delete(ctx, client, id); err != nil {
		if rest.FaultCode(err) == "SecurityGroupInUse" {
			return nil, portsInUse(ctx, client, securityGroups.Type, id, url.Values{"security_groups": {id}}, err)
		}
		return nil, session.Error(err, securityGroups.Type, id)
	}
	return &networkv1.DeleteSecurityGroupResponse{Id: id}, nil
}

// refuseReferenced is IN_USE if rules of other groups name the group.
func refuseReferenced(ctx context.Context, client *rest.Client, id string) error {
	if !session.IsUUID(id) {
		return nil
	}
	referring, err := rules.List(ctx, client, url.Values{"remote_group_id": {id}})
	if err != nil {
		return err
	}
	var blockers []string
	for i := range referring {
		if referring[i].SecurityGroupID != id && len(blockers) < rest.MaxBlockers {
			blockers = append(blockers, rest.Blocker(rules.Type, referring[i].ID))
		}
	}
	if len(blockers) > 0 {
		return sdk.InUse(securityGroups.Type, id, nil, blockers...)
	}
	return nil
}

// UpdateSecurityGroup changes what is present.
func (n *securityGroupServer) UpdateSecurityGroup(ctx context.Context, req *networkv1.UpdateSecurityGroupRequest) (*networkv1.UpdateSecurityGroupResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := securityGroups.Apply(ctx, client, req.GetId(), rest.Edit{Name: req.Name, Description: req.Description, Tags: req.GetTags()})
	if err != nil {
		return nil, session.Error(err, securityGroups.Type, req.GetId())
	}
	return &networkv1.UpdateSecurityGroupResponse{Id: v.ID}, nil
}

// GetSecurityGroup reads one group, which brings its rules.
func (n *securityGroupServer) GetSecurityGroup(ctx context.Context, req *networkv1.GetSecurityGroupRequest) (*networkv1.GetSecurityGroupResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := securityGroups.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	out := toProtoSecurityGroup(v, s.Region)
	for i := range v.Rules {
		out.Rules = append(out.Rules, toProtoRule(&v.Rules[i], s.Region))
	}
	return &networkv1.GetSecurityGroupResponse{SecurityGroup: out}, nil
}

// ListSecurityGroups reads a page of groups, without rules.
func (n *securityGroupServer) ListSecurityGroups(ctx context.Context, req *networkv1.ListSecurityGroupsRequest) (*networkv1.ListSecurityGroupsResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := securityGroups.Find(ctx, client, req, query)
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
