package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
)

// dropBatch is how many events one statement deletes: on SQLite other writers wait
// for its end.
const dropBatch = 500

// Reader is whoever takes events over into tables of its own.
type Reader interface {
	// Position is that of the last event which it will not read again.
	Position(ctx context.Context) (int64, error)
}

// KeeperOptions tunes a Keeper. The zero value is ready for production.
type KeeperOptions struct {
	// Keep is how long events are kept; default 90 days.
	Keep time.Duration
	// Every is the time between two looks; default an hour.
	Every time.Duration
	Now   func() time.Time
}

// Keeper deletes old events that every reader has taken over.
type Keeper struct {
	log     *slog.Logger
	store   *db.Store
	readers []Reader
	opts    KeeperOptions
}

// NewKeeper makes a Keeper; Run must be called.
func NewKeeper(log *slog.Logger, store *db.Store, opts KeeperOptions, readers ...Reader) *Keeper {
	if opts.Keep == 0 {
		opts.Keep = 90 * 24 * time.Hour
	}
	if opts.Every == 0 {
		opts.Every = time.Hour
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Keeper{log: log, store: store, readers: readers, opts: opts}
}

// Run deletes now and then, until the context ends.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(k.opts.Every)
	defer ticker.Stop()
	for {
		if err := k.drop(ctx); err != nil && ctx.Err() == nil {
			k.log.LogAttrs(ctx, slog.LevelWarn, "old events not dropped", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// drop deletes events in the order in which they were written, up to the first that
// is young or that a reader has not taken over.
func (k *Keeper) drop(ctx context.Context) error {
	before := k.opts.Now().Add(-max(k.opts.Keep, Settling))
	for n := dropBatch; n == dropBatch; {
		var oldest []row
		read := k.store.Read.WithContext(ctx)
		if err := read.Select("position", "recorded_at").Order("position").Limit(dropBatch).Find(&oldest).Error; err != nil {
			return fmt.Errorf("read old events: %w", err)
		}
		taken, err := k.taken(ctx, oldest)
		if err != nil {
			return err
		}
		n = slices.IndexFunc(oldest, func(r row) bool { return r.Position > taken || !r.RecordedAt.Before(before) })
		if n < 0 {
			n = len(oldest)
		}
		if n == 0 {
			return nil
		}
		write := k.store.Write.WithContext(ctx)
		if err := write.Where("position <= ?", oldest[n-1].Position).Delete(&row{}).Error; err != nil {
			return fmt.Errorf("delete old events: %w", err)
		}
	}
	return nil
}

// taken is the position up to which every reader has come.
func (k *Keeper) taken(ctx context.Context, events []row) (int64, error) {
	if len(events) == 0 {
		return 0, nil
	}
	least := events[len(events)-1].Position
	for _, r := range k.readers {
		position, err := r.Position(ctx)
		if err != nil {
			return 0, fmt.Errorf("position of a reader of events: %w", err)
		}
		least = min(least, position)
	}
	return least, nil
}
