package tenant

import (
	"context"
	"encoding/json"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// policy is what a tenant's user may do, and where: in a resource group, or in the whole
// account, whose number is its scope then.
type policy struct {
	name, scope, owner string
	actions            []string
}

// policiesOf are the policies of a tenant. Action names are those of "RAM authorization"
// in each product's documentation.
func policiesOf(g *group, ownerID string) []policy {
	name := userName(g.Name)
	return []policy{
		{name, g.ID, ownerID, []string{"ecs:*", "vpc:*", "slb:*", "alb:*", "nlb:*", "rds:*", "eci:*", "cms:Describe*", "cms:Query*"}},
		{name + "-catalogue", ownerID, ownerID, []string{
			"ecs:DescribeRegions", "ecs:DescribeZones", "ecs:DescribeInstanceTypes", "ecs:DescribeInstanceTypeFamilies", "ecs:DescribeAvailableResource",
			"ecs:DescribeImages", "ecs:DescribeAccountAttributes", "ecs:DescribePrice", "vpc:DescribeRegions", "vpc:DescribeZones",
			"slb:DescribeRegions", "slb:DescribeZones", "slb:DescribeAvailableResource", "alb:DescribeZones", "nlb:DescribeZones",
			"rds:DescribeRegions", "rds:DescribeAvailableZones", "rds:DescribeAvailableClasses", "rds:DescribeAvailableResource", "rds:ListClasses",
			"eci:DescribeRegions", "eci:DescribeAvailableResource",
		}},
	}
}

func (p policy) document() string {
	type statement struct {
		Effect   string
		Action   []string
		Resource string
	}
	text, _ := json.Marshal(struct { // text alone: it cannot fail
		Version   string
		Statement []statement
	}{"1", []statement{{"Allow", p.actions, "*"}}})
	return string(text)
}

// attachment are the parameters by which the policy holds for a user.
func (p policy) attachment(user string) api.Params {
	return api.Params{}.Set("ResourceGroupId", p.scope).Set("PolicyType", "Custom").Set("PolicyName", p.name).
		Set("PrincipalType", "IMSUser").Set("PrincipalName", user+"@"+p.owner+".onaliyun.com")
}

// grant lets the user of a group do what a tenant does, if there is the user.
func grant(ctx context.Context, s *session.Session, g *group) error {
	owner, found, err := findUser(ctx, s, userName(g.Name))
	if err != nil || !found || owner != g.ID {
		return err
	}
	for _, p := range policiesOf(g, s.OwnerID) {
		if err := p.ensure(ctx, s, userName(g.Name)); err != nil {
			return err
		}
	}
	return nil
}

// revoke takes from the user of a group what grant has given.
func revoke(ctx context.Context, s *session.Session, g *group) error {
	for _, p := range policiesOf(g, s.OwnerID) {
		if err := p.detach(ctx, s, userName(g.Name)); err != nil {
			return err
		}
	}
	return nil
}

// ensure makes the policy and attaches it; what is there already stays.
func (p policy) ensure(ctx context.Context, s *session.Session, user string) error {
	err := s.Call(ctx, api.RAM, "CreatePolicy", api.Params{}.Set("PolicyName", p.name).Set("PolicyDocument", p.document()), nil)
	if err != nil && api.Reason(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		return api.Error(err, typeTenant, "")
	}
	err = s.Call(ctx, api.ResourceManager, "AttachPolicy", p.attachment(user), nil)
	if err != nil && api.Reason(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		return api.Error(err, typeTenant, "")
	}
	return nil
}

// detach takes the policy from a user. The group of its scope may be gone, and its
// attachments with it.
func (p policy) detach(ctx context.Context, s *session.Session, user string) error {
	err := s.Call(ctx, api.ResourceManager, "DetachPolicy", p.attachment(user), nil)
	if err != nil && api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND {
		return api.Error(err, typeTenant, "")
	}
	return nil
}

func (p policy) remove(ctx context.Context, s *session.Session) error {
	err := s.Call(ctx, api.RAM, "DeletePolicy", api.Params{}.Set("PolicyName", p.name), nil)
	if err != nil && api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND {
		return api.Error(err, typeTenant, "")
	}
	return nil
}
