package loadbalancer

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// toProtoPool maps a VServer group of a VIP with its settings.
func toProtoPool(v *group, vipID string, s settings, region string) *networkv1.Pool {
	return &networkv1.Pool{
		Id:                 v.VServerGroupID,
		Name:               v.VServerGroupName,
		Tags:               v.Tags.ToProto(),
		State:              networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE,
		CreatedAt:          kind.ToProtoTime(v.CreateTime),
		RegionId:           region,
		VipId:              vipID,
		Protocol:           s.protocol,
		Algorithm:          s.algorithm,
		SessionPersistence: s.sticky,
		MemberKind:         networkv1.MemberKind_MEMBER_KIND_VM_OR_NIC,
		HealthMonitor:      s.monitor,
	}
}
