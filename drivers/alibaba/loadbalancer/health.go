package loadbalancer

import (
	"context"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// health is how a member is, as one listener sees it.
type health struct {
	ServerID           string
	Port               int32
	ListenerPort       int32
	Protocol           string
	ServerHealthStatus string
}

// healthOf reads the health of all members of all running listeners of an instance.
func healthOf(ctx context.Context, s *session.Session, vipID string) ([]health, error) {
	var answer struct {
		BackendServers struct{ BackendServer []health }
	}
	err := s.Call(ctx, api.SLB, "DescribeHealthStatus", api.Params{}.Set("LoadBalancerId", vipID), &answer)
	return answer.BackendServers.BackendServer, refusal(err, balance.TypeVIP, vipID)
}

// toProtoHealth maps the health of a member. Source: DescribeHealthStatus,
// ServerHealthStatus: unavailable is a listener whose checks are off.
func toProtoHealth(status string) networkv1.MemberHealth {
	switch strings.ToLower(status) {
	case "normal":
		return networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY
	case "abnormal":
		return networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY
	case "unavailable":
		return networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR
	default:
		return networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	}
}

// worst is the health of a member that several listeners see.
func worst(all []health, serverID string, port int32) networkv1.MemberHealth {
	out := networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	for i := range all {
		if all[i].ServerID != serverID || all[i].Port != port {
			continue
		}
		switch h := toProtoHealth(all[i].ServerHealthStatus); {
		case h == networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY:
			return h
		case out == networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED:
			out = h
		}
	}
	return out
}
