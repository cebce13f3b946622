package operation

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// CheckQuotas refuses what would take an organization over a limit. It counts what
// is owned and what is being made, in the caller's transaction, so that two calls
// cannot both take the last place.
func CheckQuotas(tx *gorm.DB, quotas []pipeline.Quota) error {
	if len(quotas) > 0 && tx.Name() == "postgres" {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(835502)").Error; err != nil {
			return err
		}
	}
	for _, q := range quotas {
		used, err := QuotaUse(tx, q)
		if err != nil {
			return err
		}
		if used+q.Making > q.Limit {
			return sdk.NewError(apiv1.Reason_REASON_TENANT_QUOTA_EXCEEDED,
				sdk.Violation("tenant_id", fmt.Sprintf("the limit is %d %s, this would make %d", q.Limit, q.ResourceType, used+q.Making)))
		}
	}
	return nil
}

// QuotaUse counts what is owned and what is being made of what a limit is on.
func QuotaUse(tx *gorm.DB, q pipeline.Quota) (int, error) {
	owned := tx.Table("inventory_resources").Where("gone_at IS NULL AND type = ? AND tenant_id IN ?", q.ResourceType, q.TenantIDs)
	making := tx.Model(&row{}).Where("resource_id = '' AND status IN ? AND resource_type = ? AND tenant_id IN ?",
		openStatuses, q.ResourceType, q.TenantIDs)
	if q.AccountID != "" {
		owned, making = owned.Where("account_id = ?", q.AccountID), making.Where("account_id = ?", q.AccountID)
	}
	var have, coming int64
	if err := owned.Count(&have).Error; err != nil {
		return 0, fmt.Errorf("count %s against the quota: %w", q.ResourceType, err)
	}
	if err := making.Count(&coming).Error; err != nil {
		return 0, fmt.Errorf("count %s against the quota: %w", q.ResourceType, err)
	}
	return int(have + coming), nil
}
