package entry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Keep is a tenant's retention; zero members do not limit.
type Keep struct {
	Age   time.Duration
	Bytes int64
}

// removedAtOnce bounds what one transaction of retention removes, so that writers
// wait for milliseconds only.
const removedAtOnce = 2000

// Tenants lists those that have entries.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.store.Read.WithContext(ctx).Raw(`SELECT DISTINCT tenant_id FROM logging_usage`).Scan(&ids).Error
	return ids, err
}

// Trim removes what a tenant does not keep: what is older than the age, and the
// oldest hours of what is more than the bytes. It returns how many entries went.
func (s *Store) Trim(ctx context.Context, tenant string, keep Keep) (int, error) {
	var until time.Time
	if keep.Age > 0 {
		until = s.opts.Now().Add(-keep.Age)
	}
	if keep.Bytes > 0 {
		full, err := s.fullSince(ctx, tenant, keep.Bytes)
		if err != nil {
			return 0, err
		}
		if full.After(until) {
			until = full
		}
	}
	if until.IsZero() {
		return 0, nil
	}
	removed := 0
	for level := Unknown; level <= Fatal; level++ {
		for {
			n, err := s.removeSome(ctx, tenant, level, keyAt(until))
			if err != nil {
				return removed, fmt.Errorf("remove old log entries: %w", err)
			}
			removed += n
			if n < removedAtOnce {
				break
			}
		}
	}
	write := s.store.Write.WithContext(ctx)
	if err := write.Exec(`DELETE FROM logging_record_ids WHERE tenant_id = ? AND key < ?`, tenant, keyAt(until)).Error; err != nil {
		return removed, err
	}
	return removed, write.Exec(`DELETE FROM logging_usage WHERE tenant_id = ? AND hour < ?`, tenant, until.Unix()/3600).Error
}

// fullSince is the end of the newest hour that no longer fits; zero: all fits. The
// current hour always stays.
func (s *Store) fullSince(ctx context.Context, tenant string, limit int64) (time.Time, error) {
	var hours []struct{ Hour, Bytes int64 }
	err := s.store.Read.WithContext(ctx).Raw(`SELECT hour, bytes FROM logging_usage WHERE tenant_id = ? ORDER BY hour DESC`, tenant).Scan(&hours).Error
	if err != nil {
		return time.Time{}, err
	}
	var sum int64
	for i, h := range hours {
		if sum += h.Bytes; sum > limit && i > 0 {
			return time.Unix((h.Hour+1)*3600, 0), nil
		}
	}
	return time.Time{}, nil
}

func (s *Store) removeSome(ctx context.Context, tenant string, level Level, before int64) (int, error) {
	var keys []int64
	err := s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Raw(`SELECT key FROM logging_entries WHERE tenant_id = ? AND level = ? AND key < ? ORDER BY key LIMIT ?`,
			tenant, int64(level), before, removedAtOnce).Scan(&keys).Error
		if err != nil || len(keys) == 0 {
			return err
		}
		args := make([]any, len(keys))
		for i, k := range keys {
			args[i] = k
		}
		in := "(" + strings.TrimSuffix(strings.Repeat("?,", len(keys)), ",") + ")"
		if !s.postgres {
			if err := tx.Exec(`DELETE FROM logging_terms WHERE rowid IN `+in, args...).Error; err != nil {
				return err
			}
		}
		return tx.Exec(`DELETE FROM logging_entries WHERE key IN `+in, args...).Error
	})
	return len(keys), err
}
