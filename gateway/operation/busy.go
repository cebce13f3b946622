package operation

import (
	"context"
	"fmt"
)

// Busy lists the resources of an account that operations work on, by public id, and
// the types of which one is being made whose id is not known yet.
func (e *Engine) Busy(ctx context.Context, accountID string) (resources, making map[string]bool, err error) {
	var rows []row
	err = e.store.Read.WithContext(ctx).Where("account_id = ? AND status IN ?", accountID, openStatuses).
		Select("resource_id, resource_type").Find(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("open operations of %s: %w", accountID, err)
	}
	resources, making = map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if r.ResourceID == "" {
			making[r.ResourceType] = true
		} else {
			resources[r.ResourceID] = true
		}
	}
	return resources, making, nil
}
