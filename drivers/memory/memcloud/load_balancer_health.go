package memcloud

import (
	"slices"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// vipHealth sums up the watched members behind a VIP; those that are being drained
// do not count.
func vipHealth(v *view, id string) networkv1.VipHealth {
	healthy, unhealthy := 0, 0
	for _, pool := range pools.mine(v) {
		if pool.GetVipId() != id {
			continue
		}
		for _, member := range members.mine(v) {
			if member.GetPoolId() != pool.GetId() {
				continue
			}
			switch memberHealth(v, member) {
			case networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY:
				healthy++
			case networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY:
				unhealthy++
			}
		}
	}
	switch {
	case healthy+unhealthy == 0:
		return networkv1.VipHealth_VIP_HEALTH_NO_MONITOR
	case unhealthy == 0:
		return networkv1.VipHealth_VIP_HEALTH_HEALTHY
	case healthy == 0:
		return networkv1.VipHealth_VIP_HEALTH_UNHEALTHY
	default:
		return networkv1.VipHealth_VIP_HEALTH_DEGRADED
	}
}

// memberHealth looks at the NIC that has the member's address: a member answers as
// long as its link is up.
func memberHealth(v *view, member *networkv1.Member) networkv1.MemberHealth {
	_, pool, ok := pools.find(v, member.GetPoolId())
	switch {
	case !ok || !slices.Contains(balancedStates(), member.GetState()):
		return networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	case member.GetWeight() == 0:
		return networkv1.MemberHealth_MEMBER_HEALTH_DRAINING
	case pool.GetHealthMonitor() == nil:
		return networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR
	}
	for _, nic := range nics.mine(v) {
		if nic.GetSubnetId() == member.GetSubnetId() && slices.Contains(nic.GetIpAddresses(), member.GetAddress()) &&
			nic.GetLinkState() == networkv1.NicLink_NIC_LINK_UP {
			return networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY
		}
	}
	return networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY
}
