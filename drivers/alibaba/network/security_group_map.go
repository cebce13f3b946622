package network

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// toProtoSecurityGroup maps a security group; its rules are read by another call.
func toProtoSecurityGroup(v *securityGroup, region string) *networkv1.SecurityGroup {
	return &networkv1.SecurityGroup{
		Id:          v.SecurityGroupID,
		Name:        v.SecurityGroupName,
		Description: noWords(v.Description),
		Tags:        v.Tags.ToProto(),
		CreatedAt:   kind.ToProtoTime(v.CreationTime),
		RegionId:    region,
		NetworkId:   v.VpcID,
		MemberCount: v.EcsCount,
	}
}

// keepsSecurityGroup tells whether a group fits the filters of a request.
func keepsSecurityGroup(req *networkv1.ListSecurityGroupsRequest, v *networkv1.SecurityGroup) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}
