package loadbalancer

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// readGroup reads one VServer group with its servers. Errors: NOT_FOUND.
func readGroup(ctx context.Context, s *session.Session, id string) (*group, error) {
	var v group
	err := s.Call(ctx, api.SLB, "DescribeVServerGroupAttribute", api.Params{}.Set("VServerGroupId", id), &v)
	switch {
	case err == nil && v.VServerGroupID != "":
		return &v, nil
	case err == nil, noGroup(err), api.HasCode(err, "InvalidParameter"):
		return nil, sdk.NotFound(balance.TypePool, id, err)
	}
	return nil, refusal(err, balance.TypePool, id)
}

// groupsOf reads the VServer groups of an instance, with the listeners that send
// to them and without servers. A filter by tag may be nil.
func groupsOf(ctx context.Context, s *session.Session, vipID string, tag map[string]string) ([]group, error) {
	var answer struct {
		VServerGroups struct{ VServerGroup []group }
	}
	params := api.Params{}.Set("LoadBalancerId", vipID).Bool("IncludeListener", true).Tags("Tag", tag)
	if err := s.Call(ctx, api.SLB, "DescribeVServerGroups", params, &answer); err != nil {
		return nil, refusal(err, balance.TypeVIP, vipID)
	}
	return answer.VServerGroups.VServerGroup, nil
}

// listenersOf reads the listeners of an instance.
func listenersOf(ctx context.Context, s *session.Session, vipID string) ([]listener, error) {
	return listeners().All(ctx, s, api.Params{}.List("LoadBalancerId", vipID))
}

// settingsOf are the settings of groups of one instance, by group: of those that
// were made elsewhere, what their first listener says, which is one call for all.
func settingsOf(ctx context.Context, s *session.Session, vipID string, groups []group) (map[string]settings, error) {
	out := make(map[string]settings, len(groups))
	foreign := false
	for i := range groups {
		own, ok := fromTags(groups[i].Tags.All())
		foreign = foreign || !ok
		out[groups[i].VServerGroupID] = own
	}
	if !foreign {
		return out, nil
	}
	all, err := listenersOf(ctx, s, vipID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if own, ok := out[all[i].VServerGroupID]; ok && own.protocol == 0 {
			out[all[i].VServerGroupID] = fromListener(&all[i])
		}
	}
	return out, nil
}
