package network

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// GetNetworkQuota reads the project's limits and how far they are used, with those
// of the load balancer service.
func (n *networkServer) GetNetworkQuota(ctx context.Context, _ *networkv1.GetNetworkQuotaRequest) (*networkv1.GetNetworkQuotaResponse, error) {
	s, _, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := Quotas(ctx, s, s.ProjectID)
	return &networkv1.GetNetworkQuotaResponse{Quotas: list}, err
}

// Quotas reads a project's limits and how far they are used, with those of the load
// balancer service.
func Quotas(ctx context.Context, s *session.Session, projectID string) ([]*apiv1.Quota, error) {
	set, err := quotas.GetDetail(ctx, s.Network, projectID).Extract()
	if err != nil {
		return nil, session.Error(err, "", "")
	}
	balancing, err := loadbalancer.Quotas(ctx, s, projectID)
	if err != nil {
		return nil, err
	}
	return append(toProtoQuotas(set), balancing...), nil
}

func toProtoQuotas(set *quotas.QuotaDetailSet) []*apiv1.Quota {
	return []*apiv1.Quota{
		toProtoQuota("network.network.count", set.Network),
		toProtoQuota("network.subnet.count", set.Subnet),
		toProtoQuota("network.router.count", set.Router),
		toProtoQuota("network.security_group.count", set.SecurityGroup),
		toProtoQuota("network.security_group_rule.count", set.SecurityGroupRule),
		toProtoQuota("network.nic.count", set.Port),
		toProtoQuota("network.public_ip.count", set.FloatingIP),
	}
}

// toProtoQuota maps one limit; -1 is no limit. What is reserved counts as used.
func toProtoQuota(name string, d quotas.QuotaDetail) *apiv1.Quota {
	used := int32(d.Used + d.Reserved)
	q := &apiv1.Quota{Name: name, Unit: "count", Used: &used}
	if d.Limit >= 0 {
		limit := int32(d.Limit)
		q.Limit = &limit
	}
	return q
}
