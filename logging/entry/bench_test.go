package entry_test

import (
	"database/sql"
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

// BenchmarkAppend measures batches that are on disk when Append returns against "bare":
// the same rows and the same terms in the same tables by plain statements without this
// package, one batch of each by turns. The terms of the bare batch are made before its
// clock starts. Figures are medians of the pairs.
func BenchmarkAppend(b *testing.B) {
	s := running(b, dbtest.Open(b, dbtest.SQLite(b)), entry.Options{})
	bare := openBare(b)
	var mine, other []time.Duration
	var ratios []float64
	for n := 0; b.Loop(); n++ {
		records, same := benchRecords(n, time.Now()), benchRecords(n, time.Now())
		store := func() {
			at := time.Now()
			if _, err := s.Append(b.Context(), records, nil); err != nil {
				b.Fatal(err)
			}
			mine = append(mine, time.Since(at))
		}
		plain := func() { other = append(other, bare.write(b, same)) }
		if n%2 == 0 {
			store()
			plain()
		} else {
			plain()
			store()
		}
		ratios = append(ratios, other[n].Seconds()/mine[n].Seconds())
	}
	for name, times := range map[string][]time.Duration{"records/s": mine, "bare-records/s": other} {
		slices.Sort(times)
		b.ReportMetric(benchBatch/times[len(times)/2].Seconds(), name)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-bare")
	b.ReportMetric(ratios[len(ratios)/4], "of-bare-lower-quarter")
}

// bareTables are those of a Store, written without it.
type bareTables struct {
	pool *sql.DB
	key  int64
}

func openBare(b *testing.B) *bareTables {
	b.Helper()
	store := dbtest.Open(b, dbtest.SQLite(b))
	running(b, store, entry.Options{})
	pool, err := store.Write.DB()
	if err != nil {
		b.Fatal(err)
	}
	return &bareTables{pool: pool, key: 1}
}

func (t *bareTables) write(b *testing.B, records []entry.Record) time.Duration {
	b.Helper()
	indexed := make([]string, len(records))
	for i := range records {
		indexed[i] = strings.Join(entry.Terms(records[i].Message), " ")
	}
	row, term := "("+strings.Repeat("?,", 15)+"?)", "(?,?)"
	at := time.Now()
	tx, err := t.pool.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for begin := 0; begin < len(records); begin += 500 {
		var args, index []any
		for i, r := range records[begin : begin+500] {
			t.key++
			args = append(args, t.key, "t", r.ResourceID, int64(r.Level), r.At.UnixMicro(), r.At.UnixMicro(), "app", "", r.Message, "", "", "", "", "", "", int64(80))
			index = append(index, t.key, indexed[begin+i])
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
	return time.Since(at)
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
