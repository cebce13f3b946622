package storage

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// GetStorageQuota reads the project's limits and how far they are used.
func (d *diskServer) GetStorageQuota(ctx context.Context, _ *storagev1.GetStorageQuotaRequest) (*storagev1.GetStorageQuotaResponse, error) {
	s, _, err := d.cinder(ctx)
	if err != nil {
		return nil, err
	}
	list, err := Quotas(ctx, s, s.ProjectID)
	return &storagev1.GetStorageQuotaResponse{Quotas: list}, err
}

// Quotas reads a project's limits and how far they are used.
func Quotas(ctx context.Context, s *session.Session, projectID string) ([]*apiv1.Quota, error) {
	set, err := quotasets.GetUsage(ctx, s.Volume, projectID).Extract()
	if err != nil {
		return nil, session.Error(err, "", "")
	}
	return []*apiv1.Quota{
		toProtoQuota("storage.disk.count", "count", set.Volumes),
		toProtoQuota("storage.disk.size", "gib", set.Gigabytes),
		toProtoQuota("storage.snapshot.count", "count", set.Snapshots),
	}, nil
}
