package memcloud

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// quotaRule is one limit of every project.
type quotaRule struct {
	name  string
	unit  string
	limit int32 // unless the knobs say otherwise
	used  func(*view) int
}

func quotaRules() []quotaRule {
	return []quotaRule{
		{"compute.container.count", "count", 2000, count(containers)},
		{"compute.container.memory", "mib", 4 << 20, sum(containers, (*computev1.Container).GetMemoryMib)},
		{"compute.key_pair.count", "count", 200, count(keyPairs)},
		{"compute.vm.count", "count", 2000, count(vms)},
		{"compute.vm.memory", "mib", 16 << 20, sum(vms, (*computev1.Vm).GetMemoryMib)},
		{"compute.vm.vcpus", "count", 8000, sum(vms, (*computev1.Vm).GetVcpus)},
		{"database.instance.count", "count", 200, count(instances)},
		{"database.instance.storage", "gib", 1 << 18, sum(instances, (*databasev1.Instance).GetStorageGib)},
		{"network.listener.count", "count", 1000, count(listeners)},
		{"network.member.count", "count", 10000, count(members)},
		{"network.network.count", "count", 200, count(networks)},
		{"network.nic.count", "count", 10000, count(nics)},
		{"network.pool.count", "count", 1000, count(pools)},
		{"network.public_ip.count", "count", 200, count(publicIPs)},
		{"network.router.count", "count", 200, count(routers)},
		{"network.security_group.count", "count", 500, count(groups)},
		{"network.security_group_rule.count", "count", 10000, count(rules)},
		{"network.subnet.count", "count", 1000, count(subnets)},
		{"security.antivirus.count", "count", 2000, count(antiviruses)},
		{"security.firewall.count", "count", 200, count(firewalls)},
		{"security.firewall_policy.count", "count", 500, count(firewallPolicies)},
		{"security.firewall_rule.count", "count", 10000, count(firewallRules)},
		{"security.ike_policy.count", "count", 200, count(ikePolicies)},
		{"security.ipsec_connection.count", "count", 500, count(ipsecConnections)},
		{"security.ipsec_policy.count", "count", 200, count(ipsecPolicies)},
		{"security.vpn_service.count", "count", 100, count(vpnServices)},
		{"security.waf.count", "count", 500, count(wafs)},
		{"network.vip.count", "count", 200, count(vips)},
		{"storage.disk.count", "count", 4000, count(disks)},
		{"storage.disk.size", "gib", 1 << 20, sum(disks, (*storagev1.Disk).GetSizeGib)},
		{"storage.snapshot.count", "count", 4000, count(snapshots)},
	}
}

func count[T proto.Message](c collection[T]) func(*view) int { return c.count }

func sum[T proto.Message](c collection[T], of func(T) int32) func(*view) int {
	return func(v *view) int {
		total := 0
		for _, msg := range c.mine(v) {
			total += int(of(msg))
		}
		return total
	}
}

func (v *view) limit(q quotaRule) int32 {
	if limit, ok := v.tenantLimit(q.name); ok {
		return limit
	}
	if limit, ok := v.knobs.Quotas[q.name]; ok {
		return limit
	}
	return q.limit
}

// quotas tells limits and use of the quotas whose name begins so.
func (v *view) quotas(prefix string) []*apiv1.Quota {
	var told []*apiv1.Quota
	for _, q := range quotaRules() {
		if !strings.HasPrefix(q.name, prefix) {
			continue
		}
		quota := &apiv1.Quota{Name: q.name, Unit: q.unit, Used: proto.Int32(int32(q.used(v)))}
		if limit := v.limit(q); limit >= 0 {
			quota.Limit = proto.Int32(limit)
		}
		told = append(told, quota)
	}
	return told
}

// use is how much of a quota a call is about to take; negative gives back.
type use struct {
	quota string
	more  int32
}

// within refuses with QUOTA_EXCEEDED what does not fit; the resource of the
// error is the kind that the quota counts.
func (v *view) within(uses ...use) error {
	all := quotaRules()
	for _, u := range uses {
		i := slices.IndexFunc(all, func(q quotaRule) bool { return q.name == u.quota })
		limit := v.limit(all[i])
		if u.more > 0 && limit >= 0 && all[i].used(v)+int(u.more) > int(limit) {
			kind := u.quota[:strings.LastIndexByte(u.quota, '.')]
			return sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED, sdk.Resource(kind, ""))
		}
	}
	return nil
}
