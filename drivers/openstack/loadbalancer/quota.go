package loadbalancer

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/quotas"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Quotas reads a project's limits. Octavia does not tell how far they are used,
// and by some policies not even the limits: then there are none.
func Quotas(ctx context.Context, s *session.Session, projectID string) ([]*apiv1.Quota, error) {
	if s.LoadBalancer == nil {
		return nil, nil
	}
	limits, err := quotas.Get(ctx, s.LoadBalancer, projectID).Extract()
	if session.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, session.Error(err, "", "")
	}
	return toProtoQuotas(limits), nil
}

func toProtoQuotas(limits *quotas.Quota) []*apiv1.Quota {
	return []*apiv1.Quota{
		toProtoQuota("network.vip.count", limits.Loadbalancer),
		toProtoQuota("network.listener.count", limits.Listener),
		toProtoQuota("network.pool.count", limits.Pool),
		toProtoQuota("network.member.count", limits.Member),
	}
}

// toProtoQuota maps one limit; -1 is no limit.
func toProtoQuota(name string, limit int) *apiv1.Quota {
	q := &apiv1.Quota{Name: name, Unit: "count"}
	if limit >= 0 {
		number := int32(limit)
		q.Limit = &number
	}
	return q
}
