package operation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// databaseNow is the database's own clock in milliseconds: leases of several
// replicas must not depend on their clocks.
func databaseNow(tx *gorm.DB) string {
	if tx.Name() == "postgres" {
		return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
	}
	return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
}

// renew prolongs the leases that a condition selects.
func (e *Engine) renew(tx *gorm.DB, condition string, args ...any) error {
	until := gorm.Expr(fmt.Sprintf("%s + %d", databaseNow(tx), e.opts.LeaseTime.Milliseconds()))
	return tx.Model(&row{}).Where(condition, args...).UpdateColumn("lease_until", until).Error
}

// Run takes up what a dead process has left, keeps the leases of what runs here,
// forgets old keys and posts results, until the context ends.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.takeUp(ctx, e.store.Embedded); err != nil {
		return err
	}
	ticker := time.NewTicker(e.opts.LeaseTime / 3)
	defer ticker.Stop()
	for {
		e.logFailure(ctx, "callbacks", e.postDue(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		e.logFailure(ctx, "lease renewal", e.renew(e.store.Write.WithContext(ctx),
			"lease_owner = ? AND status IN ?", e.owner, openStatuses))
		e.logFailure(ctx, "sweep", e.takeUp(ctx, false))
		e.logFailure(ctx, "old keys", e.forgetKeys(ctx))
	}
}

func (e *Engine) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		e.log.LogAttrs(ctx, slog.LevelWarn, "operations: housekeeping failed", slog.String("what", what), slog.String("error", err.Error()))
	}
}

// takeUp claims operations whose owner is silent, or (all) every open one: a store
// with a single user has no other owner. Every claim raises the fence, so that a
// late write of the former owner changes nothing.
func (e *Engine) takeUp(ctx context.Context, all bool) error {
	condition := "status IN ? AND lease_until < " + databaseNow(e.store.Write)
	if all {
		condition = "status IN ?"
	}
	var claimed []row
	err := e.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var ids []string
		if err := tx.Model(&row{}).Where(condition, openStatuses).Limit(500).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
			return err
		}
		updated := tx.Model(&row{}).Where("id IN ?", ids).Where(condition, openStatuses).
			Updates(map[string]any{"lease_owner": e.owner, "fence": gorm.Expr("fence + 1")})
		if updated.Error != nil {
			return updated.Error
		}
		if err := e.renew(tx, "id IN ? AND lease_owner = ?", ids, e.owner); err != nil {
			return err
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
