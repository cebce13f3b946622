package loadbalancer

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// maxWeight is the contract's; Octavia's is 256.
const maxWeight = 100

// toProtoMember maps a member of a pool, but for its health.
func toProtoMember(v *member, poolID, region string) *networkv1.Member {
	return &networkv1.Member{
		Id:            nativeid.Join(poolID, v.ID),
		Name:          v.Name,
		State:         toProtoState(v.status),
		ProviderState: v.Provisioning,
		StateReason:   stateReason(v.status),
		CreatedAt:     rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:     rest.ToProtoTime(v.UpdatedAt),
		RegionId:      region,
		PoolId:        poolID,
		VmId:          fact(v.Tags, factVM),
		NicId:         fact(v.Tags, factNIC),
		Address:       v.Address,
		SubnetId:      v.SubnetID,
		Port:          v.Port,
		Weight:        min(v.Weight, maxWeight),
		Backup:        v.Backup,
	}
}

// fromProtoCreateMember maps what a request says of a new member, whose address
// is known now, but for its tags.
func fromProtoCreateMember(req *networkv1.CreateMemberRequest, at fixedIP) map[string]any {
	attributes := map[string]any{
		"name": req.GetName(), "address": at.Address, "protocol_port": req.GetPort(), "backup": req.GetBackup(),
	}
	if at.SubnetID != "" {
		attributes["subnet_id"] = at.SubnetID
	}
	if req.Weight != nil {
		attributes["weight"] = req.GetWeight()
	}
	return attributes
}

func memberFacts(req *networkv1.CreateMemberRequest) map[string]string {
	return map[string]string{factVM: req.GetVmId(), factNIC: req.GetNicId()}
}

func fromProtoUpdateMember(req *networkv1.UpdateMemberRequest) map[string]any {
	attributes := map[string]any{}
	if req.Name != nil {
		attributes["name"] = req.GetName()
	}
	if req.Weight != nil {
		attributes["weight"] = req.GetWeight()
	}
	if req.Backup != nil {
		attributes["backup"] = req.GetBackup()
	}
	return attributes
}

// isMember tells whether a member is the one that a request describes.
func isMember(v *member, req *networkv1.CreateMemberRequest) bool {
	return (req.Weight == nil || req.GetWeight() == v.Weight) && req.GetBackup() == v.Backup
}

func keepsMember(req *networkv1.ListMembersRequest, v *networkv1.Member) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetPoolId() == "" || req.GetPoolId() == v.GetPoolId())
}
