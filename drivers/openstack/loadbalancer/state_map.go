package loadbalancer

import (
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// statusError is the provisioning status of what has failed.
const statusError = "ERROR"

// toProtoState maps the provisioning status. Source: octavia-lib,
// octavia_lib/common/constants.py.
func toProtoState(s status) networkv1.LoadBalancerState {
	switch s.Provisioning {
	case "PENDING_CREATE":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING
	case "ACTIVE":
		if !s.AdminStateUp {
			return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
		}
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
	case "PENDING_UPDATE":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING
	case "PENDING_DELETE":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING
	case "DELETED":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED
	case statusError:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR
	default:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED
	}
}

func stateReason(s status) string {
	if s.Provisioning != statusError {
		return ""
	}
	return sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
}

// toProtoVIPHealth maps the operating status of a load balancer, which is OFFLINE
// until an amphora has reported.
func toProtoVIPHealth(operating string) networkv1.VipHealth {
	switch operating {
	case "ONLINE":
		return networkv1.VipHealth_VIP_HEALTH_HEALTHY
	case "DEGRADED":
		return networkv1.VipHealth_VIP_HEALTH_DEGRADED
	case "ERROR":
		return networkv1.VipHealth_VIP_HEALTH_UNHEALTHY
	case "NO_MONITOR":
		return networkv1.VipHealth_VIP_HEALTH_NO_MONITOR
	default:
		return networkv1.VipHealth_VIP_HEALTH_UNSPECIFIED
	}
}

// toProtoMemberHealth maps the operating status of a member.
func toProtoMemberHealth(operating string) networkv1.MemberHealth {
	switch operating {
	case "ONLINE":
		return networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY
	case "ERROR", "DEGRADED":
		return networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY
	case "DRAINING":
		return networkv1.MemberHealth_MEMBER_HEALTH_DRAINING
	case "NO_MONITOR":
		return networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR
	default:
		return networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	}
}
