package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/yunqiao/yunqiao/internal/outbox"
)

const (
	// refreshEvery is how old the index may be of what other replicas record.
	refreshEvery = time.Second
	// refreshWindow is how many of the last events are looked at each time: positions
	// are given before transactions commit, so that a lower one may turn up later.
	refreshWindow = 500
)

// Recall reads from the store who owns a resource, or owned it before it was gone.
// The index learns what another replica has recorded. ok is false for a resource
// that was never recorded.
func (i *Inventory) Recall(ctx context.Context, id string) (o Ownership, gone, ok bool, err error) {
	var r row
	found := i.db.Read.WithContext(ctx).Select(indexColumns).Where("id = ?", id).Limit(1).Find(&r)
	if found.Error != nil {
		return Ownership{}, false, false, fmt.Errorf("read inventory of %s: %w", id, found.Error)
	}
	if found.RowsAffected == 0 {
		return Ownership{}, false, false, nil
	}
	i.learn(r)
	return r.ownership(), r.GoneAt != nil, true, nil
}

// indexColumns are what the index is made of.
const indexColumns = "id, tenant_id, owner_id, managed, deletion_protected, gone_at, sequence"

// Run brings the index up to date with what other replicas record, until the
// context ends.
func (i *Inventory) Run(ctx context.Context, log *slog.Logger) error {
	return i.db.Follow(ctx, refreshEvery, func(ctx context.Context) {
		if err := i.refresh(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "ownership not refreshed", slog.String("error", err.Error()))
		}
	})
}

// refresh reads the resources of the last events anew.
func (i *Inventory) refresh(ctx context.Context) error {
	ids, err := outbox.LastResources(i.db.Read.WithContext(ctx), refreshWindow)
	if err != nil || len(ids) == 0 {
		return err
	}
	var rows []row
	if err := i.db.Read.WithContext(ctx).Select(indexColumns).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return fmt.Errorf("read owners: %w", err)
	}
	for _, r := range rows {
		i.learn(r)
	}
	return nil
}
