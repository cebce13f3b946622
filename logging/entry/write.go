package entry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// How far an entry's own time may be from the present before the time at which it
// came takes its place: keys, and partitions with them, follow that time.
const (
	oldest = 3650 * 24 * time.Hour
	newest = 24 * time.Hour
)

// maxTries bounds repeats of a transaction whose keys another replica took.
const maxTries = 5

func (s *Store) write(ctx context.Context, batch []*appending) error {
	for try := 1; ; try++ {
		err := s.prepare(ctx, batch)
		if err == nil {
			err = s.transact(ctx, batch)
		}
		if err == nil || !db.IsDuplicate(err) || try == maxTries {
			return err
		}
	}
}

// prepare gives records their times and keys, and makes partitions.
func (s *Store) prepare(ctx context.Context, batch []*appending) error {
	now := s.opts.Now().UTC()
	for _, a := range batch {
		for i := range a.records {
			r := &a.records[i]
			r.ReceivedAt = now
			if r.At.IsZero() {
				r.At = now
			}
			if r.At.Before(now.Add(-oldest)) || r.At.After(now.Add(newest)) {
				r.Attributes = withAttribute(r.Attributes, "sent_at", r.At.UTC().Format(time.RFC3339Nano))
				r.At = now
			}
			s.counter = (s.counter + 1) & (1<<keyBits - 1)
			r.Key = keyAt(r.At) | s.counter
			if !s.postgres {
				continue
			}
			if name := r.At.UTC().Format("200601"); !s.partitions[name] {
				err := s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return partitionOf(tx, r.At) })
				if err != nil {
					return fmt.Errorf("partition %s: %w", name, err)
				}
				s.partitions[name] = true
			}
		}
	}
	return nil
}

func withAttribute(attributes map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range attributes {
		out[k] = v
	}
	return out
}

func (s *Store) transact(ctx context.Context, batch []*appending) (err error) {
	pool, err := s.store.Write.DB()
	if err != nil {
		return err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to store log entries: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	var fresh []*Record
	for _, a := range batch {
		added, err := s.claim(ctx, tx, a)
		if err != nil {
			return fmt.Errorf("claim record ids: %w", err)
		}
		fresh = append(fresh, added...)
	}
	insert := s.insertSQLite
	if s.postgres {
		insert = s.insertPostgres
	}
	for len(fresh) > 0 {
		n := min(len(fresh), 500)
		if err := insert(ctx, tx, fresh[:n]); err != nil {
			return fmt.Errorf("store log entries: %w", err)
		}
		if err := s.count(ctx, tx, fresh[:n]); err != nil {
			return fmt.Errorf("count log entries: %w", err)
		}
		if s.opts.Also != nil {
			if err := s.opts.Also(ctx, tx, fresh[:n]); err != nil {
				return err
			}
		}
		fresh = fresh[n:]
	}
	for _, a := range batch {
		if a.with == nil {
			continue
		}
		if err := a.with(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// claim sorts out the records that were stored before.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, a *appending) ([]*Record, error) {
	a.result = Result{}
	fresh := make([]*Record, 0, len(a.records))
	for i := range a.records {
		r := &a.records[i]
		if r.RecordID != "" {
			done, err := tx.ExecContext(ctx, `INSERT INTO logging_record_ids (tenant_id, record_id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
				r.TenantID, r.RecordID, r.Key)
			if err != nil {
				return nil, err
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				r.Key = 0
				a.result.Repeated++
				continue
			}
		}
		a.result.Stored++
		fresh = append(fresh, r)
	}
	return fresh, nil
}

func (s *Store) insertPostgres(ctx context.Context, tx *sql.Tx, records []*Record) error {
	n := len(records)
	numbers := [5][]int64{}
	texts := [12][]string{}
	originals := make([][]byte, n)
	for i, r := range records {
		for j, v := range []int64{r.Key, int64(r.Level), r.At.UnixMicro(), r.ReceivedAt.UnixMicro(), int64(r.Bytes())} {
			numbers[j] = append(numbers[j], v)
		}
		for j, v := range []string{
			r.TenantID, r.ResourceID, r.ProcessName, r.ProcessID, r.Message, r.RequestID, encode(r.Attributes), r.SubmissionID,
			r.LocationID, r.Source, r.RecordID, strings.Join(terms(r.Message), " "),
		} {
			texts[j] = append(texts[j], storable(v))
		}
		if originals[i] = r.Original; r.Original == nil && strings.ContainsRune(r.Message, 0) {
			originals[i] = []byte(r.Message)
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO logging_entries (key, level, at_us, received_us, size, tenant_id, resource_id, process_name,
			process_id, message, request_id, attributes, submission_id, location_id, source, record_id, terms, original)
		SELECT u.key, u.level, u.at, u.received, u.size, u.tenant, u.resource, u.process, u.pid, u.message, u.request, u.attributes, u.submission,
			u.location, u.source, u.record, array_to_tsvector(string_to_array(u.terms, ' ')), u.original
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
			$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[])
			AS u(key, level, at, received, size, tenant, resource, process, pid, message, request, attributes, submission, location, source,
				record, terms, original)`,
		numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6],
		texts[7], texts[8], texts[9], texts[10], texts[11], originals)
	return err
}

// storable: PostgreSQL's text holds neither NUL nor what is not UTF-8.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func encode(attributes map[string]string) string {
	if len(attributes) == 0 {
		return ""
	}
	text, err := json.Marshal(attributes)
	if err != nil { // strings can always be marshalled
		return ""
	}
	return string(text)
}

// count adds to what tenants have stored, by hour.
func (s *Store) count(ctx context.Context, tx *sql.Tx, records []*Record) error {
	type bucket struct {
		tenant string
		hour   int64
	}
	sums := map[bucket][2]int64{}
	for _, r := range records {
		b := bucket{r.TenantID, r.At.Unix() / 3600}
		sum := sums[b]
		sums[b] = [2]int64{sum[0] + int64(r.Bytes()), sum[1] + 1}
	}
	for b, sum := range sums {
		_, err := tx.ExecContext(ctx, `INSERT INTO logging_usage (tenant_id, hour, bytes, entries) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, hour) DO UPDATE SET bytes = logging_usage.bytes + excluded.bytes, entries = logging_usage.entries + excluded.entries`,
			b.tenant, b.hour, sum[0], sum[1])
		if err != nil {
			return err
		}
	}
	return nil
}
