package tenant

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/compute"
	"github.com/yunqiao/yunqiao/drivers/openstack/network"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/storage"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// limiter is a service that keeps limits of projects.
type limiter struct {
	client *gophercloud.ServiceClient // nil: the cloud has none
	path   []string                   // of a project's limits, without its id
	member string                     // around them
	words  map[string]string          // by the names of the contract
}

func (l *limiter) url(projectID string) string {
	return l.client.ServiceURL(append(slices.Clone(l.path), projectID)...)
}

// limiters are the services, whose words are those of their quota APIs: Compute API
// os-quota-sets, Networking API v2.0 quotas, Block Storage API v3 os-quota-sets, Octavia
// API v2 quotas.
func (c *cloud) limiters() []*limiter {
	return []*limiter{
		{c.Compute, []string{"os-quota-sets"}, "quota_set", map[string]string{
			"compute.vm.count": "instances", "compute.vm.vcpus": "cores", "compute.vm.memory": "ram", "compute.key_pair.count": "key_pairs",
		}},
		{c.Network, []string{"quotas"}, "quota", map[string]string{
			"network.network.count": "network", "network.subnet.count": "subnet", "network.router.count": "router", "network.nic.count": "port",
			"network.security_group.count": "security_group", "network.security_group_rule.count": "security_group_rule", "network.public_ip.count": "floatingip",
		}},
		{c.Volume, []string{"os-quota-sets"}, "quota_set", map[string]string{
			"storage.disk.count": "volumes", "storage.disk.size": "gigabytes", "storage.snapshot.count": "snapshots",
		}},
		{c.LoadBalancer, []string{"lbaas", "quotas"}, "quota", map[string]string{
			"network.vip.count": "load_balancer", "network.listener.count": "listener", "network.pool.count": "pool", "network.member.count": "member",
		}},
	}
}

// checkQuotas refuses limits that no service of this cloud keeps.
func (c *cloud) checkQuotas(quotas []*driverv1.TenantQuota) error {
	known := map[string]bool{}
	for _, l := range c.limiters() {
		for name := range l.words {
			known[name] = l.client != nil
		}
	}
	for _, q := range quotas {
		if !known[q.GetName()] {
			return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("quotas"), sdk.Violation("quotas", "the cloud has no quota "+q.GetName()))
		}
	}
	return nil
}

// setQuotas sets a project's limits, in one call for each service concerned.
func (c *cloud) setQuotas(ctx context.Context, projectID string, quotas []*driverv1.TenantQuota) error {
	for _, l := range c.limiters() {
		set := map[string]int32{}
		for _, q := range quotas {
			if word, ok := l.words[q.GetName()]; ok {
				set[word] = q.GetLimit()
			}
		}
		if len(set) == 0 {
			continue
		}
		_, err := l.client.Put(ctx, l.url(projectID), map[string]any{l.member: set}, nil, &gophercloud.RequestOpts{OkCodes: []int{200, 202}})
		if err != nil {
			return session.Error(err, typeTenant, projectID, sdk.Field("quotas"))
		}
	}
	return nil
}

// resetQuotas makes the services forget a project's limits.
func (c *cloud) resetQuotas(ctx context.Context, projectID string) error {
	for _, l := range c.limiters() {
		if l.client == nil {
			continue
		}
		_, err := l.client.Delete(ctx, l.url(projectID), &gophercloud.RequestOpts{OkCodes: []int{200, 202, 204}})
		if err != nil && !session.IsNotFound(err) {
			return session.Error(err, typeTenant, projectID)
		}
	}
	return nil
}

// quotas reads a project's limits of all services.
func (c *cloud) quotas(ctx context.Context, projectID string) ([]*apiv1.Quota, error) {
	var all []*apiv1.Quota
	for _, of := range []struct {
		client *gophercloud.ServiceClient
		read   func(context.Context, *session.Session, string) ([]*apiv1.Quota, error)
	}{
		{c.Compute, compute.Quotas}, {c.Network, network.Quotas}, {c.Volume, storage.Quotas},
	} {
		if of.client == nil {
			continue
		}
		list, err := of.read(ctx, c.Session, projectID)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
