package network

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// toProtoSecurityGroup maps a Neutron security group without its rules.
func toProtoSecurityGroup(v *securityGroup, region string) *networkv1.SecurityGroup {
	return &networkv1.SecurityGroup{
		Id:          v.ID,
		Name:        v.Name,
		Description: rest.Unmarked(v.Description),
		Tags:        tags.ToProto(v.Tags),
		CreatedAt:   rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:   rest.ToProtoTime(v.UpdatedAt),
		RegionId:    region,
	}
}

// keepsSecurityGroup tells whether a group fits the filters of a request.
func keepsSecurityGroup(req *networkv1.ListSecurityGroupsRequest, v *networkv1.SecurityGroup) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		req.GetNetworkId() == ""
}

// toProtoMembers maps the ports that have a security group.
func toProtoMembers(ports []port) []*networkv1.SecurityGroupMember {
	members := make([]*networkv1.SecurityGroupMember, 0, len(ports))
	for i := range ports {
		m := &networkv1.SecurityGroupMember{NicId: ports[i].ID}
		if isVM(&ports[i]) {
			m.VmId = ports[i].DeviceID
		}
		members = append(members, m)
	}
	return members
}
