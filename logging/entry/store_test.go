package entry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging/entry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// running is a store that writes until the end of the test.
func running(t testing.TB, store *db.Store, opts entry.Options) *entry.Store {
	t.Helper()
	if err := store.Migrate(t.Context(), db.Module{Name: "logging", Migrations: entry.Migrations()}); err != nil {
		t.Fatal(err)
	}
	s := entry.New(slog.New(slog.DiscardHandler), store, opts)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { stop(); work.Wait() })
	return s
}

func add(t testing.TB, s *entry.Store, records ...entry.Record) entry.Result {
	t.Helper()
	result, err := s.Append(t.Context(), records, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func messages(records []entry.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, r.Message)
	}
	return out
}

func text(t testing.TB, query string) entry.Text {
	t.Helper()
	parsed, problem := entry.ParseText(query)
	if problem != "" {
		t.Fatalf("%q: %s", query, problem)
	}
	return parsed
}

func TestList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		s := running(t, store, entry.Options{})
		base := time.Now().UTC().Truncate(time.Hour)
		add(t, s,
			entry.Record{TenantID: "a", At: base, ResourceID: "m.vm1", Level: entry.Info, Message: "虚机启动完成 in 3s", ProcessName: "nova", ProcessID: "12"},
			entry.Record{TenantID: "a", At: base.Add(time.Second), ResourceID: "m.vm1", Level: entry.Error, Message: "磁盘写入失败 disk_full ENOSPC", RequestID: "r1"},
			entry.Record{TenantID: "b", At: base.Add(2 * time.Second), ResourceID: "m.vm2", Level: entry.Warn, Message: "Quick brown-fox o'clock \\ x"},
			entry.Record{TenantID: "a", At: base.Add(-time.Hour), Message: "old one", Attributes: map[string]string{"k": "值"}},
		)
		old, all := "old one", []string{"Quick brown-fox o'clock \\ x", "磁盘写入失败 disk_full ENOSPC", "虚机启动完成 in 3s", "old one"}
		for name, tc := range map[string]struct {
			filter entry.Filter
			want   []string
		}{
			"everything":      {entry.Filter{}, all},
			"tenant":          {entry.Filter{Tenants: []string{"a"}}, all[1:]},
			"two tenants":     {entry.Filter{Tenants: []string{"a", "b"}}, all},
			"resource":        {entry.Filter{ResourceID: "m.vm1"}, all[1:3]},
			"level":           {entry.Filter{Tenants: []string{"a"}, MinLevel: entry.Warn}, all[1:2]},
			"level of all":    {entry.Filter{MinLevel: entry.Warn}, all[:2]},
			"process":         {entry.Filter{ProcessName: "nova", ProcessID: "12"}, all[2:3]},
			"request":         {entry.Filter{RequestID: "r1"}, all[1:2]},
			"until":           {entry.Filter{Until: base}, []string{old}},
			"since":           {entry.Filter{Since: base.Add(time.Second)}, all[:2]},
			"two characters":  {entry.Filter{Text: text(t, "启动")}, all[2:3]},
			"more characters": {entry.Filter{Text: text(t, "写入失败")}, all[1:2]},
			"not together":    {entry.Filter{Text: text(t, "写失")}, nil},
			"word":            {entry.Filter{Text: text(t, "QUICK")}, all[:1]},
			"part of a word":  {entry.Filter{Text: text(t, "Qui")}, nil},
			"words apart":     {entry.Filter{Text: text(t, "fox quick")}, all[:1]},
			"phrase":          {entry.Filter{Text: text(t, `"disk_full enospc"`)}, all[1:2]},
			"phrase turned":   {entry.Filter{Text: text(t, `"enospc disk_full"`)}, nil},
			"quote":           {entry.Filter{Text: text(t, `o'clock`)}, all[:1]},
			"text of another": {entry.Filter{Text: text(t, "quick"), Tenants: []string{"a"}}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				found, next, err := s.List(t.Context(), tc.filter, 10)
				if err != nil || next != 0 {
					t.Fatalf("got next %d, %v", next, err)
				}
				if got, want := fmt.Sprint(messages(found)), fmt.Sprint(tc.want); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	})
}

func TestPagesNeitherLoseNorRepeat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		s := running(t, store, entry.Options{})
		at := time.Now().UTC()
		var records []entry.Record
		for i := range 250 {
			records = append(records, entry.Record{TenantID: "a", At: at, ResourceID: "r", Level: entry.Level(i % 7), Message: fmt.Sprintf("行号 %d 同时", i)})
		}
		add(t, s, records...)
		for name, filter := range map[string]entry.Filter{"resource": {ResourceID: "r"}, "text": {Text: text(t, "同时")}, "all": {}} {
			seen := map[string]bool{}
			for {
				found, next, err := s.List(t.Context(), filter, 37)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range found {
					if seen[r.Message] {
						t.Errorf("%s: %q twice", name, r.Message)
					}
					seen[r.Message] = true
				}
				if filter.Before = next; next == 0 {
					break
				}
			}
			if len(seen) != 250 {
				t.Errorf("%s: got %d, want 250", name, len(seen))
			}
		}
	})
}

func TestRepeatsAreStoredOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		s := running(t, store, entry.Options{})
		records := func() []entry.Record {
			return []entry.Record{{TenantID: "a", RecordID: "1", Message: "one"}, {TenantID: "a", RecordID: "1", Message: "again"}, {TenantID: "b", RecordID: "1", Message: "other"}}
		}
		if got := add(t, s, records()...); got != (entry.Result{Stored: 2, Repeated: 1}) {
			t.Errorf("first: got %+v", got)
		}
		if got := add(t, s, records()...); got != (entry.Result{Repeated: 3}) {
			t.Errorf("repeat: got %+v", got)
		}
	})
}

// TestPositionAndRecordsGoTogether: nothing is stored of a batch whose position
// could not be, and others in the same commit are not touched by it.
func TestPositionAndRecordsGoTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		s := running(t, store, entry.Options{})
		refused := errors.New("no")
		var work sync.WaitGroup
		for i := range 40 {
			work.Go(func() {
				_, err := s.Append(t.Context(), []entry.Record{{TenantID: "a", Message: fmt.Sprint(i)}}, func(ctx context.Context, tx *sql.Tx) error {
					if i%4 == 0 {
						return refused
					}
					return nil
				})
				if errors.Is(err, refused) != (i%4 == 0) {
					t.Errorf("%d: got %v", i, err)
				}
			})
		}
		work.Wait()
		found, _, err := s.List(t.Context(), entry.Filter{}, 100)
		if err != nil || len(found) != 30 {
			t.Errorf("got %d records, %v, want 30", len(found), err)
		}
	})
}

func TestOriginal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		s := running(t, store, entry.Options{})
		records := []entry.Record{{TenantID: "a", Message: "a\x00b"}, {TenantID: "a", Message: "中", Original: []byte{0xd6, 0xd0}}}
		if _, err := s.Append(t.Context(), records, nil); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"a\x00b", "\xd6\xd0"} {
			got, err := s.Get(t.Context(), records[i].Key)
			if err != nil || string(got.Original) != want {
				t.Errorf("got %q, %v, want %q", got.Original, err, want)
			}
		}
		if _, err := s.Get(t.Context(), 1); !errors.Is(err, entry.ErrAbsent) {
			t.Errorf("absent: got %v", err)
		}
	})
}

func TestTrim(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		now := time.Now().UTC().Truncate(time.Hour).Add(30 * time.Minute)
		s := running(t, store, entry.Options{Now: func() time.Time { return now }})
		for hour := range 10 {
			add(t, s, entry.Record{TenantID: "a", At: now.Add(-time.Duration(hour) * time.Hour), Message: fmt.Sprintf("%0100d 旧的", hour), RecordID: fmt.Sprint(hour)},
				entry.Record{TenantID: "b", At: now.Add(-time.Duration(hour) * time.Hour), Message: "kept"})
		}
		if n, err := s.Trim(t.Context(), "a", entry.Keep{Age: 5*time.Hour + time.Minute}); err != nil || n != 4 {
			t.Errorf("by age: got %d, %v, want 4", n, err)
		}
		if n, err := s.Trim(t.Context(), "a", entry.Keep{Bytes: 350}); err != nil || n != 3 {
			t.Errorf("by size: got %d, %v, want 3", n, err)
		}
		if found, _, err := s.List(t.Context(), entry.Filter{Tenants: []string{"a"}, Text: text(t, "旧的")}, 100); err != nil || len(found) != 3 {
			t.Errorf("left of a: got %d, %v, want 3", len(found), err)
		}
		if found, _, err := s.List(t.Context(), entry.Filter{Tenants: []string{"b"}}, 100); err != nil || len(found) != 10 {
			t.Errorf("left of b: got %d, %v, want 10", len(found), err)
		}
	})
}

func TestListener(t *testing.T) {
	s := running(t, dbtest.Open(t, dbtest.SQLite(t)), entry.Options{})
	filter := entry.Filter{Tenants: []string{"a"}, Text: text(t, "告警")}
	l := s.Listen(filter.Matches)
	defer l.Close()
	add(t, s, entry.Record{TenantID: "b", Message: "告警"}, entry.Record{TenantID: "a", Message: "no"}, entry.Record{TenantID: "a", Message: "新告警"})
	if r := <-l.Records(); r.Message != "新告警" || len(l.Records()) != 0 {
		t.Errorf("got %q and %d more", r.Message, len(l.Records()))
	}
}

func FuzzTerms(f *testing.F) {
	f.Add("虚机 vm-1 启动", "启动")
	f.Fuzz(func(t *testing.T, message, query string) {
		parsed, problem := entry.ParseText(query)
		if problem == "" {
			parsed.Matches(message)
		}
	})
}
