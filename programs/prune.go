package programs

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

const (
	keepSeen      = 30 * 24 * time.Hour // of msgIds; the profile wants a week
	keepStrangers = 7 * 24 * time.Hour  // of refused messages whose sign did not hold
	pruneChunk    = 5000                // rows looked at in one go
)

// prune removes what has been kept long enough: nonces past their time, msgIds, and
// refused messages whose sign did not hold.
func (m *Module) prune(ctx context.Context) error {
	now := m.opts.Now()
	if err := m.pruneKeys(ctx, &nonceRow{}, "until", now.UnixMilli()); err != nil {
		return fmt.Errorf("prune nonces: %w", err)
	}
	if err := m.pruneKeys(ctx, &seenRow{}, "at", now.Add(-keepSeen).UnixMilli()); err != nil {
		return fmt.Errorf("prune msgIds: %w", err)
	}
	if err := m.pruneStrangers(ctx, now.Add(-keepStrangers)); err != nil {
		return fmt.Errorf("prune refused messages: %w", err)
	}
	return nil
}

// pruneStrangers walks the journal from where it came to last, up to the first message
// that is young: ids are in the order of time. What it has passed stays.
func (m *Module) pruneStrangers(ctx context.Context, before time.Time) error {
	for {
		var rows []struct {
			ID       string
			At       time.Time
			KeyUsed  string
			Outgoing bool
		}
		err := m.store.Read.WithContext(ctx).Model(&messageRow{}).Where("id > ?", m.pruned).Order("id").Limit(pruneChunk).Find(&rows).Error
		if err != nil {
			return err
		}
		last, young := m.pruned, false
		var over []string
		for _, r := range rows {
			if young = !r.At.Before(before); young {
				break
			}
			last = r.ID
			if r.KeyUsed == "" && !r.Outgoing {
				over = append(over, r.ID)
			}
		}
		if len(over) > 0 {
			tx := m.store.Write.WithContext(ctx)
			if err := tx.Where(db.AnyOf(tx, "id", over)).Delete(&messageRow{}).Error; err != nil {
				return err
			}
		}
		m.pruned = last
		if young || len(rows) < pruneChunk {
			return nil
		}
	}
}

// pruneKeys walks a table by its key and removes the rows whose time is over. There is
// no index of the times, which each message would have to write; and nothing waits for
// more than one chunk.
func (m *Module) pruneKeys(ctx context.Context, table any, column string, before int64) error {
	last := ""
	for {
		var rows []struct {
			Key string
			At  int64
		}
		err := m.store.Read.WithContext(ctx).Model(table).Select("key, "+column+" AS at").Where("key > ?", last).Order("key").Limit(pruneChunk).Scan(&rows).Error
		if err != nil {
			return err
		}
		var over []string
		for _, r := range rows {
			last = r.Key
			if r.At < before {
				over = append(over, r.Key)
			}
		}
		if len(over) > 0 {
			err := m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				return tx.Where(db.AnyOf(tx, "key", over)).Delete(table).Error
			})
			if err != nil {
				return err
			}
		}
		if len(rows) < pruneChunk {
			return nil
		}
	}
}
