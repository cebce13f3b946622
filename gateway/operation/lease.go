package operation

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/db"
)

// leaseEnd is when a lease that is taken or renewed now will end.
func (e *Engine) leaseEnd(tx *gorm.DB) clause.Expr {
	return gorm.Expr(fmt.Sprintf("%s + %d", db.NowMillis(tx), e.opts.LeaseTime.Milliseconds()))
}

// renew prolongs the leases of operations.
func (e *Engine) renew(tx *gorm.DB, ids []string) error {
	for part := range slices.Chunk(ids, batch) {
		err := tx.Model(&row{}).Where("id IN ? AND lease_owner = ?", part, e.owner).UpdateColumn("lease_until", e.leaseEnd(tx)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// batch bounds the rows of one housekeeping statement.
const batch = 500

// Run takes up what a dead process has left, keeps the leases of what runs here,
// forgets old keys and operations, and posts results, until the context ends.
func (e *Engine) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { e.keepLeases(ctx) })
	work.Go(func() { e.deliver(ctx) })
	work.Wait()
	return nil
}

func (e *Engine) keepLeases(ctx context.Context) {
	ticker := time.NewTicker(e.opts.LeaseTime / 3)
	defer ticker.Stop()
	abandoned := e.store.Embedded // whatever is open was left by a process that has ended
	var forgotten time.Time
	for e.ctx.Err() == nil {
		err := e.takeUp(ctx, abandoned)
		abandoned = abandoned && err != nil
		e.logFailure(ctx, "sweep", err)
		if now := e.now(); now.Sub(forgotten) >= e.opts.KeyLife/24 {
			forgotten = now
			e.logFailure(ctx, "old keys", e.forgetKeys(ctx))
			e.logFailure(ctx, "ended operations", e.dropEnded(ctx))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.logFailure(ctx, "lease renewal", e.renew(e.store.Write.WithContext(ctx), e.liveIDs()))
	}
}

func (e *Engine) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		e.log.LogAttrs(ctx, slog.LevelWarn, "operations: housekeeping failed", slog.String("what", what), slog.String("error", err.Error()))
	}
}

// takeUp claims operations whose owner is silent, or (all) every one of another
// owner: a store with a single user has had no other. What runs in this process is
// left alone, however late its lease is. Every claim raises the fence, so that a
// late write of the former owner changes nothing; a claim between steps counts as
// an attempt, since the former owner may have called.
func (e *Engine) takeUp(ctx context.Context, all bool) error {
	condition, args := "status IN ? AND lease_until < "+db.NowMillis(e.store.Write), []any{openStatuses}
	if all {
		condition, args = "status IN ? AND lease_owner <> ?", []any{openStatuses, e.owner}
	}
	var claimed []row
	err := e.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var ids []string
		if err := tx.Model(&row{}).Where(condition, args...).Limit(batch).Pluck("id", &ids).Error; err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return e.task(id) != nil })
		if len(ids) == 0 {
			return nil
		}
		updated := tx.Model(&row{}).Where("id IN ?", ids).Where(condition, args...).Updates(map[string]any{
			"lease_owner": e.owner, "lease_until": e.leaseEnd(tx), "fence": gorm.Expr("fence + 1"),
			"attempts": gorm.Expr("attempts + CASE WHEN next_step <> '' THEN 1 ELSE 0 END"),
		})
		if updated.Error != nil {
			return updated.Error
		}
		return tx.Where("id IN ? AND lease_owner = ?", ids, e.owner).Find(&claimed).Error
	})
	if err != nil {
		return fmt.Errorf("take up operations: %w", err)
	}
	for _, r := range claimed {
		t, err := e.loadTask(r)
		if err != nil {
			e.logFailure(ctx, "operation "+r.ID, err)
			continue
		}
		e.launch(t)
	}
	return nil
}

// forgetKeys frees idempotency keys that are older than their life.
func (e *Engine) forgetKeys(ctx context.Context) error {
	return e.store.Write.WithContext(ctx).Model(&row{}).
		Where("idempotency_key IS NOT NULL AND created_at < ? AND status NOT IN ?", e.now().Add(-e.opts.KeyLife), openStatuses).
		Update("idempotency_key", nil).Error
}
