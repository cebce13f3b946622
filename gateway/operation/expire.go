package operation

import (
	"context"
	"fmt"
)

// dropEnded deletes operations that ended longer ago than Options.KeepEnded, a few at
// a time. One whose result is still to be posted stays, and so does a part of a chain
// that has not ended: its parent finds it by its key.
func (e *Engine) dropEnded(ctx context.Context) error {
	before := e.now().Add(-max(e.opts.KeepEnded, e.opts.KeyLife))
	for ctx.Err() == nil {
		var ids []string
		read := e.store.Read.WithContext(ctx)
		open := read.Model(&row{}).Where("status IN ?", openStatuses).Select("id")
		err := read.Model(&row{}).
			Where("created_at < ? AND finished_at < ? AND status NOT IN ? AND callback_due_at IS NULL", before, before, openStatuses).
			Where("parent_id = '' OR parent_id NOT IN (?)", open).
			Limit(batch).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := e.store.Write.WithContext(ctx).Where("id IN ?", ids).Delete(&row{}).Error; err != nil {
			return fmt.Errorf("delete ended operations: %w", err)
		}
	}
	return nil
}
