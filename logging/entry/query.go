package entry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrAbsent tells that there is no such entry.
var ErrAbsent = errors.New("there is no such log entry")

// Filter says which entries are wanted; zero members do not filter.
type Filter struct {
	Tenants      []string // empty: all
	ResourceID   string
	ProcessName  string
	ProcessID    string
	MinLevel     Level
	Since, Until time.Time // half open
	Text         Text
	RequestID    string
	SubmissionID string
	LocationID   string
	Before       int64 // key; 0: from the newest
}

// Matches compares a record without the store.
func (f *Filter) Matches(r *Record) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return (len(f.Tenants) == 0 || slices.Contains(f.Tenants, r.TenantID)) && same(f.ResourceID, r.ResourceID) &&
		same(f.ProcessName, r.ProcessName) && same(f.ProcessID, r.ProcessID) && r.Level >= f.MinLevel &&
		same(f.RequestID, r.RequestID) && same(f.SubmissionID, r.SubmissionID) && same(f.LocationID, r.LocationID) &&
		(f.Since.IsZero() || !r.At.Before(f.Since)) && (f.Until.IsZero() || r.At.Before(f.Until)) && f.Text.Matches(r.Message)
}

// maxScanned bounds what one page looks at in the index for texts whose words are
// common but never stand together. The page is short then, and says where to go on.
const maxScanned = 20000

// List finds at most limit entries, newest first. next is the key before which the
// next page begins; 0: this is the last.
func (s *Store) List(ctx context.Context, f Filter, limit int) (found []Record, next int64, err error) {
	scanned := 0
	for {
		want := limit + 1 - len(found)
		if !f.Text.Empty() {
			want = max(want, 100)
		}
		rows, err := s.page(ctx, f, want)
		if err != nil {
			return nil, 0, err
		}
		for i := range rows {
			if len(found) == limit {
				return found, found[limit-1].Key, nil
			}
			if f.Text.Empty() || f.Text.matches(rows[i].Message) {
				found = append(found, rows[i])
			}
		}
		if len(rows) < want {
			return found, 0, nil
		}
		f.Before = rows[len(rows)-1].Key
		if scanned += len(rows); scanned >= maxScanned {
			return found, f.Before, nil
		}
	}
}

// page reads the next entries that the index finds. Where a level or more is wanted,
// or an index begins with the level, each level is asked alone and the answers are
// merged: the order of the index is then the order wanted, and nothing is sorted.
func (s *Store) page(ctx context.Context, f Filter, limit int) ([]Record, error) {
	byLevel := f.Text.Empty() && f.RequestID == "" && (f.ResourceID != "" || len(f.Tenants) == 1)
	if !byLevel {
		return s.query(ctx, f, limit, "level >= ?", int64(f.MinLevel))
	}
	var all []Record
	for level := f.MinLevel; level <= Fatal; level++ {
		rows, err := s.query(ctx, f, limit, "level = ?", int64(level))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b Record) int {
		if a.Key > b.Key {
			return -1
		}
		return 1
	})
	return all[:min(limit, len(all))], nil
}

const readColumns = `e.key, e.tenant_id, e.resource_id, e.level, e.at_us, e.received_us, e.process_name, e.process_id, e.message, e.request_id,
	e.attributes, e.submission_id, e.location_id, e.source, e.record_id`

func (s *Store) query(ctx context.Context, f Filter, limit int, levels string, level int64) ([]Record, error) {
	from, key := "logging_entries e", "e.key"
	var where []string
	var args []any
	and := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if !f.Text.Empty() {
		quoted := make([]string, len(f.Text.terms))
		for i, term := range f.Text.terms {
			quoted[i] = quote(term, s.postgres)
		}
		if s.postgres {
			and("e.terms @@ CAST(? AS tsquery)", strings.Join(quoted, " & "))
		} else {
			from, key = "logging_terms CROSS JOIN logging_entries e ON e.key = logging_terms.rowid", "logging_terms.rowid"
			and("logging_terms MATCH ?", strings.Join(quoted, " AND "))
		}
	}
	if level > 0 || levels == "level = ?" {
		and("e."+levels, level)
	}
	if len(f.Tenants) > 0 {
		marks := make([]any, len(f.Tenants))
		for i, t := range f.Tenants {
			marks[i] = t
		}
		column := "e.tenant_id"
		if !s.postgres && f.ResourceID != "" {
			column = "+e.tenant_id" // not by this index: that of the resource is narrower
		}
		and(column+" IN ("+strings.TrimSuffix(strings.Repeat("?,", len(marks)), ",")+")", marks...)
	}
	for column, value := range map[string]string{
		"resource_id": f.ResourceID, "process_name": f.ProcessName, "process_id": f.ProcessID, "request_id": f.RequestID,
		"submission_id": f.SubmissionID, "location_id": f.LocationID,
	} {
		if value != "" {
			and("e."+column+" = ?", value)
		}
	}
	if f.RequestID != "" {
		and("e.request_id <> ''") // the condition of the index
	}
	if !f.Since.IsZero() {
		and(key+" >= ?", keyAt(f.Since))
		and("e.at_us >= ?", f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		and(key+" < ?", keyAt(f.Until)+1<<keyBits)
		and("e.at_us < ?", f.Until.UnixMicro())
	}
	if f.Before > 0 {
		and(key+" < ?", f.Before)
	}
	if len(where) == 0 {
		where = []string{"1 = 1"}
	}
	args = append(args, limit)
	rows, err := s.store.Read.WithContext(ctx).Raw(`SELECT `+readColumns+` FROM `+from+` WHERE `+strings.Join(where, " AND ")+
		` ORDER BY `+key+` DESC LIMIT ?`, args...).Rows()
	if err != nil {
		return nil, fmt.Errorf("find log entries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []Record
	for rows.Next() {
		var r Record
		if err := scan(rows, &r); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// ByKeys reads entries, by their keys; those that are not there are left out.
func (s *Store) ByKeys(ctx context.Context, keys []int64) ([]Record, error) {
	rows, err := s.store.Read.WithContext(ctx).Raw(`SELECT `+readColumns+` FROM logging_entries e WHERE e.key IN ? ORDER BY e.key`, keys).Rows()
	if err != nil {
		return nil, fmt.Errorf("read log entries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []Record
	for rows.Next() {
		var r Record
		if err := scan(rows, &r); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// quote makes one term of a query of the index.
func quote(term string, postgres bool) string {
	if postgres {
		return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(term) + "'"
	}
	return `"` + strings.ReplaceAll(term, `"`, `""`) + `"`
}

// Get reads one entry; Original is what came.
func (s *Store) Get(ctx context.Context, key int64) (Record, error) {
	rows, err := s.store.Read.WithContext(ctx).Raw(`SELECT `+readColumns+`, e.original FROM logging_entries e WHERE e.key = ?`, key).Rows()
	if err != nil {
		return Record{}, fmt.Errorf("read log entry: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return Record{}, errors.Join(ErrAbsent, rows.Err())
	}
	var r Record
	if err := scan(rows, &r, &r.Original); err != nil {
		return Record{}, err
	}
	if r.Original == nil {
		r.Original = []byte(r.Message)
	}
	return r, rows.Err()
}

func scan(rows *sql.Rows, r *Record, more ...any) error {
	var at, received int64
	var attributes string
	err := rows.Scan(append([]any{
		&r.Key, &r.TenantID, &r.ResourceID, &r.Level, &at, &received, &r.ProcessName, &r.ProcessID, &r.Message, &r.RequestID,
		&attributes, &r.SubmissionID, &r.LocationID, &r.Source, &r.RecordID,
	}, more...)...)
	if err != nil {
		return fmt.Errorf("read log entry: %w", err)
	}
	r.At, r.ReceivedAt = time.UnixMicro(at).UTC(), time.UnixMicro(received).UTC()
	if attributes != "" {
		return json.Unmarshal([]byte(attributes), &r.Attributes)
	}
	return nil
}
