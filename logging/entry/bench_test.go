package entry_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging/entry"
)

const benchBatch = 2000

func benchRecords(n int, at time.Time) []entry.Record {
	records := make([]entry.Record, benchBatch)
	for i := range records {
		number := n*benchBatch + i
		level := entry.Info
		if number%100 == 0 {
			level = entry.Error
		}
		message := fmt.Sprintf("request %d of tenant took %d ms 磁盘读取完成 path=/a/b/%d", number, number%997, number%31)
		if number%50000 == 0 {
			message += " 快照失败 rareword"
		}
		records[i] = entry.Record{
			TenantID: "t", At: at.Add(time.Duration(number) * time.Millisecond), ResourceID: "r" + strconv.Itoa(number%200), Level: level, ProcessName: "app", Message: message,
		}
	}
	return records
}

// BenchmarkAppend measures batches that are on disk when Append returns, and, as
// "bare", the same rows in the same tables by plain statements without this package.
func BenchmarkAppend(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		s := running(b, dbtest.Open(b, dbtest.SQLite(b)), entry.Options{})
		n := 0
		for b.Loop() {
			if _, err := s.Append(b.Context(), benchRecords(n, time.Now()), nil); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n*benchBatch)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("bare", func(b *testing.B) {
		store := dbtest.Open(b, dbtest.SQLite(b))
		running(b, store, entry.Options{})
		pool, err := store.Write.DB()
		if err != nil {
			b.Fatal(err)
		}
		row, term := "("+strings.Repeat("?,", 15)+"?)", "(?,?)"
		n, key := 0, int64(1)
		for b.Loop() {
			tx, err := pool.BeginTx(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			for records := benchRecords(n, time.Now()); len(records) > 0; records = records[500:] {
				var args, index []any
				for _, r := range records[:500] {
					key++
					args = append(args, key, "t", r.ResourceID, int64(r.Level), r.At.UnixMicro(), r.At.UnixMicro(), "app", "", r.Message, "", "", "", "", "", "", int64(80))
					index = append(index, key, r.Message)
				}
				_, err := tx.ExecContext(b.Context(), `INSERT INTO logging_entries (key, tenant_id, resource_id, level, at_us, received_us, process_name,
					process_id, message, request_id, attributes, submission_id, location_id, source, record_id, size) VALUES `+row+strings.Repeat(","+row, 499), args...)
				if err == nil {
					_, err = tx.ExecContext(b.Context(), `INSERT INTO logging_terms (rowid, terms) VALUES `+term+strings.Repeat(","+term, 499), index...)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n*benchBatch)/b.Elapsed().Seconds(), "records/s")
	})
}

// TestQuerySpeed prints the 99th percentile of queries over YUNQIAO_LOG_LINES lines.
func TestQuerySpeed(t *testing.T) {
	lines, err := strconv.Atoi(os.Getenv("YUNQIAO_LOG_LINES"))
	if err != nil {
		t.Skip("set YUNQIAO_LOG_LINES to a number of lines, such as 1000000")
	}
	s := running(t, dbtest.Open(t, dbtest.SQLite(t)), entry.Options{})
	base := time.Now().Add(-time.Duration(lines) * time.Millisecond)
	begin := time.Now()
	for n := range lines / benchBatch {
		add(t, s, benchRecords(n, base)...)
	}
	t.Logf("%d lines in %s", lines, time.Since(begin))
	for name, filter := range map[string]entry.Filter{
		"resource, level, time": {Tenants: []string{"t"}, ResourceID: "r7", MinLevel: entry.Info, Since: base.Add(time.Minute), Until: base.Add(time.Hour)},
		"rare level":            {Tenants: []string{"t"}, MinLevel: entry.Error},
		"rare word":             {Tenants: []string{"t"}, Text: text(t, "rareword")},
		"Chinese word, rare":    {Tenants: []string{"t"}, Text: text(t, "快照")},
		"Chinese word, common":  {Tenants: []string{"t"}, Text: text(t, "磁盘")},
	} {
		var times []time.Duration
		for range 200 {
			at := time.Now()
			if _, _, err := s.List(t.Context(), filter, 50); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(at))
		}
		slices.Sort(times)
		t.Logf("%-24s p50 %s p99 %s", name, times[100], times[197])
	}
}
