package zonal

import (
	"cmp"
	"context"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// groupHealth is how the members of one pool are, as its listeners see them. The zero
// value is a pool that no listener sends to.
type groupHealth struct {
	watched   bool // some listener told of it
	unwatched bool // and said that nobody looks
	abnormal  map[string]networkv1.MemberHealth
}

// listenerHealth is what a listener tells: only those servers that are not normal.
type listenerHealth struct {
	ListenerHealthStatus []struct {
		ServerGroupInfos []struct {
			ServerGroupID      string
			HealthCheckEnabled api.Text // ALB: on, off
			HeathCheckEnabled  api.Text // NLB: true, false
			NonNormalServers   []struct {
				ServerID string
				ServerIP string
				Port     int32
				Status   string
			}
		}
	}
}

// healthOf asks the listeners that send to a pool: one call each, beside those that
// find them.
func (p *Product) healthOf(ctx context.Context, s *session.Session, poolID string) (groupHealth, error) {
	out := groupHealth{abnormal: map[string]networkv1.MemberHealth{}}
	all, err := p.listenersTo(ctx, s, poolID)
	if err != nil {
		return out, err
	}
	for i := range all {
		var answer listenerHealth
		err := s.Call(ctx, p.API, "GetListenerHealthStatus", api.Params{}.Set("ListenerId", all[i].ListenerID), &answer)
		switch {
		case gone(err, wordListener, wordBalancer): // it has gone meanwhile
		case err != nil:
			return out, p.refusal(err, balance.TypeListener, p.publicID(all[i].ListenerID))
		default:
			out.add(answer, p.own(poolID))
		}
	}
	return out, nil
}

// add takes in what a listener tells of a group.
func (h *groupHealth) add(answer listenerHealth, groupID string) {
	for _, l := range answer.ListenerHealthStatus {
		for _, g := range l.ServerGroupInfos {
			if g.ServerGroupID != groupID {
				continue
			}
			h.watched = true
			enabled := strings.ToLower(string(cmp.Or(g.HealthCheckEnabled, g.HeathCheckEnabled)))
			h.unwatched = h.unwatched || enabled == "off" || enabled == "false"
			for _, server := range g.NonNormalServers {
				v := backend{ServerID: server.ServerID, ServerIP: server.ServerIP, Port: server.Port}
				if was := h.abnormal[v.key()]; was != networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY {
					h.abnormal[v.key()] = toProtoHealth(server.Status)
				}
			}
		}
	}
}

// of is how a member is; weight 0 drains it.
func (h *groupHealth) of(v *backend) networkv1.MemberHealth {
	health, abnormal := h.abnormal[v.key()]
	switch {
	case v.Weight == 0:
		return networkv1.MemberHealth_MEMBER_HEALTH_DRAINING
	case !h.watched:
		return networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	case abnormal:
		return health
	case h.unwatched:
		return networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR
	}
	return networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY
}

// toProtoHealth maps the health of a server. Source: GetListenerHealthStatus, Status.
func toProtoHealth(status string) networkv1.MemberHealth {
	switch status {
	case "Unhealthy":
		return networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY
	case "Unused":
		return networkv1.MemberHealth_MEMBER_HEALTH_DRAINING
	case "Unavailable":
		return networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR
	default:
		return networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED
	}
}
