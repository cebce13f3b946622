package compute

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// GetComputeQuota reads the project's limits.
func (v *VMs) GetComputeQuota(ctx context.Context, _ *computev1.GetComputeQuotaRequest) (*computev1.GetComputeQuotaResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	quotas, err := Quotas(ctx, s, "")
	return &computev1.GetComputeQuotaResponse{Quotas: quotas}, err
}

// Quotas reads a project's limits; "" is the account's own.
func Quotas(ctx context.Context, s *session.Session, projectID string) ([]*apiv1.Quota, error) {
	absolute, err := readLimits(ctx, s, projectID)
	if err != nil {
		return nil, session.Error(err, "", "")
	}
	return toQuotas(absolute), nil
}

func readLimits(ctx context.Context, s *session.Session, projectID string) (*limits.Absolute, error) {
	l, err := limits.Get(ctx, s.Compute, limits.GetOpts{TenantID: projectID}).Extract()
	if err != nil {
		return nil, err
	}
	return &l.Absolute, nil
}

func toQuotas(a *limits.Absolute) []*apiv1.Quota {
	return []*apiv1.Quota{
		toQuota("compute.vm.count", "count", a.MaxTotalInstances, &a.TotalInstancesUsed),
		toQuota("compute.vm.vcpus", "count", a.MaxTotalCores, &a.TotalCoresUsed),
		toQuota("compute.vm.memory", "mib", a.MaxTotalRAMSize, &a.TotalRAMUsed),
		toQuota("compute.key_pair.count", "count", a.MaxTotalKeypairs, nil),
	}
}

// toQuota maps one limit; -1 is Nova's word for none.
func toQuota(name, unit string, limit int, used *int) *apiv1.Quota {
	q := &apiv1.Quota{Name: name, Unit: unit}
	if limit >= 0 {
		n := int32(limit)
		q.Limit = &n
	}
	if used != nil {
		n := int32(*used)
		q.Used = &n
	}
	return q
}

// need is how much of the quota a request would take.
type need struct {
	instances, cores, ramMiB int
}

// needOf is what a VM of this flavor takes; false: the flavor is not known.
func needOf(ctx context.Context, s *session.Session, flavorID string) (need, bool) {
	f, err := flavorByID(ctx, s, flavorID)
	if err != nil || f == nil {
		return need{}, false
	}
	return need{cores: f.VCPUs, ramMiB: f.RAM}, true
}

// fits tells whether the limits leave room for n.
func fits(a *limits.Absolute, n need) bool {
	room := func(limit, used, more int) bool { return limit < 0 || more <= 0 || used+more <= limit }
	return room(a.MaxTotalInstances, a.TotalInstancesUsed, n.instances) &&
		room(a.MaxTotalCores, a.TotalCoresUsed, n.cores) &&
		room(a.MaxTotalRAMSize, a.TotalRAMUsed, n.ramMiB)
}

// refusedByQuota tells what a 403 meant, which Nova answers both for an exceeded
// quota and for a missing permission, by reading the limits once.
func refusedByQuota(ctx context.Context, s *session.Session, n need, refusal error, vmID string) error {
	absolute, err := readLimits(ctx, s, "")
	if err == nil && !fits(absolute, n) {
		return session.As(apiv1.Reason_REASON_QUOTA_EXCEEDED, refusal, typeVM, vmID)
	}
	return session.Error(refusal, typeVM, vmID)
}
