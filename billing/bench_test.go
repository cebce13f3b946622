package billing_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/export"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// pairs is how often the two sides of a comparison take turns.
const pairs = 5

// compare runs two sides in turns and reports the median ratio of the bare time to
// ours: 1 is as fast as the bare side. A side is given a round, prepares it outside
// of the clock, and returns what is timed.
func compare(b *testing.B, ours, bare func(round int) func()) {
	b.Helper()
	timed := func(side func(int) func(), round int) float64 {
		run := side(round)
		runtime.GC() // of what was prepared
		start := time.Now()
		run()
		return time.Since(start).Seconds()
	}
	var ratios []float64
	for round := range pairs {
		var x, y float64
		if round%2 == 0 {
			x, y = timed(ours, round), timed(bare, round)
		} else {
			y, x = timed(bare, round), timed(ours, round)
		}
		ratios = append(ratios, y/x)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[pairs/2], "L")
}

// at is a side that needs nothing prepared.
func at(run func()) func(int) func() { return func(int) func() { return run } }

func benchRows(n, round int, prefix string) []ledger.Row {
	rows := make([]ledger.Row, n)
	for i := range rows {
		rows[i] = ledger.Row{
			ID: fmt.Sprintf("%s%02d%029d", prefix, round, i), Period: "2025-01", UsageMonth: "2025-01", Day: "2025-01-" + fmt.Sprintf("%02d", 1+i%28), Origin: "RATING",
			Category: "Usage", Digest: fmt.Sprintf("%032d", i), ResourceID: fmt.Sprintf("c%d.vm-%05d", i%4, i%2000), ResourceType: []string{"compute.vm", "storage.disk"}[i%2],
			AccountID: "c" + strconv.Itoa(i%4), Driver: "driver", Region: "region-1", OrganizationID: "org" + strconv.Itoa(i%7), ApplicantID: "a", OrderID: "o",
			Begins: int64(1735660800 + i), Ends: int64(1735660800 + i + 3600), State: "VM_STATE_RUNNING", Spec: `{"vcpus":"4","memory_mib":"8192"}`, Meter: "vcpus",
			Quantity: 40000, Usage: 40000 * 3600, Unit: "HOUR", PriceID: "00000000000000000000000000000001", PriceVersion: 1, UnitPrice: 1200000000, Book: "default",
			Currency: "CNY", List: int64(48000000 + i), Cost: int64(40000000 + i), FirstEvent: "e", RecordedAt: 1735660800,
		}
	}
	return rows
}

func values(r *ledger.Row) []any {
	v := reflect.ValueOf(r).Elem()
	out := make([]any, v.NumField())
	for i := range out {
		out[i] = v.Field(i).Interface()
	}
	return out
}

func lineColumns(b *testing.B, f *fixture) []string {
	types, err := f.store.Write.Migrator().ColumnTypes(&ledger.Row{})
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for _, c := range types {
		names = append(names, c.Name())
	}
	return names
}

const benchLines = 20_000

// appended writes lines as the product does, with the sums.
func appended(b *testing.B, f *fixture, round int) func() {
	rows := benchRows(benchLines, round, "a")
	return func() {
		if err := f.store.Write.Transaction(func(tx *gorm.DB) error { return ledger.Append(tx, rows) }); err != nil {
			b.Fatal(err)
		}
	}
}

// bareValues are lines as the bare side takes them, without sums.
func bareValues(round int) [][]any {
	rows := benchRows(benchLines, round, "b")
	out := make([][]any, len(rows))
	for n := range rows {
		out[n] = values(&rows[n])
	}
	return out
}

func BenchmarkWriteSQLite(b *testing.B) {
	f := open(b, dbtest.SQLite(b))
	names := lineColumns(b, f)
	pool, err := f.store.Write.DB()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		compare(b, func(round int) func() { return appended(b, f, round) }, func(round int) func() {
			rows := bareValues(round)
			return func() {
				tx, err := pool.Begin()
				if err != nil {
					b.Fatal(err)
				}
				statement, err := tx.Prepare(`INSERT INTO billing_lines ("` + strings.Join(names, `","`) + `") VALUES (?` + strings.Repeat(",?", len(names)-1) + `)`)
				if err != nil {
					b.Fatal(err)
				}
				for _, row := range rows {
					if _, err := statement.Exec(row...); err != nil {
						b.Fatal(err)
					}
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWritePostgres(b *testing.B) {
	dsn := dbtest.Postgres(b)
	f := open(b, dsn)
	names := lineColumns(b, f)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(b.Context()))
	for b.Loop() {
		compare(b, func(round int) func() { return appended(b, f, round) }, func(round int) func() {
			rows := bareValues(round)
			return func() {
				if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"billing_lines"}, names, pgx.CopyFromRows(rows)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSummary adds a month up by organization and kind, over
// YUNQIAO_BILLING_LINES lines (default 200,000).
func BenchmarkSummary(b *testing.B) {
	total := 200_000
	if text := os.Getenv("YUNQIAO_BILLING_LINES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		total = n
	}
	f := open(b, dbtest.SQLite(b))
	for round := range (total + benchLines - 1) / benchLines {
		rows := benchRows(benchLines, round, "a")
		if err := f.store.Write.Transaction(func(tx *gorm.DB) error { return ledger.Append(tx, rows) }); err != nil {
			b.Fatal(err)
		}
	}
	pool, err := f.store.Read.DB()
	if err != nil {
		b.Fatal(err)
	}
	const times = 200
	for b.Loop() {
		compare(b, at(func() {
			for range times {
				if _, err := ledger.Summarize(f.store.Read, ledger.Filter{Period: "2025-01"}, []string{"organization_id", "resource_type"}, shanghai); err != nil {
					b.Fatal(err)
				}
			}
		}), at(func() {
			for range times {
				rows, err := pool.Query(`SELECT organization_id, resource_type, currency, SUM(list), SUM(cost), SUM(lines), SUM(CASE WHEN unpriced THEN lines ELSE 0 END)
					FROM billing_rollups WHERE period = ? GROUP BY organization_id, resource_type, currency ORDER BY organization_id, resource_type, currency`, "2025-01")
				if err != nil {
					b.Fatal(err)
				}
				scanAll(b, rows)
			}
		}))
	}
}

func scanAll(b *testing.B, rows *sql.Rows) {
	defer rows.Close()
	var texts [3]string
	var numbers [4]int64
	for rows.Next() {
		if err := rows.Scan(&texts[0], &texts[1], &texts[2], &numbers[0], &numbers[1], &numbers[2], &numbers[3]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCSV and BenchmarkXLSX compare with the bare libraries given finished
// texts.
func BenchmarkCSV(b *testing.B) {
	rows := benchRows(benchLines*5, 0, "a")
	records := finished(b, rows)
	for b.Loop() {
		compare(b, at(func() { writeAll(b, rows, export.CSV) }), at(func() {
			w := csv.NewWriter(io.Discard)
			if err := w.WriteAll(records); err != nil {
				b.Fatal(err)
			}
		}))
	}
}

func BenchmarkXLSX(b *testing.B) {
	rows := benchRows(benchLines, 0, "a")
	records := finished(b, rows)
	for b.Loop() {
		compare(b, at(func() { writeAll(b, rows, export.XLSX) }), at(func() {
			file := excelize.NewFile()
			defer file.Close()
			sheet, err := file.NewStreamWriter("Sheet1")
			if err != nil {
				b.Fatal(err)
			}
			cells := make([]any, len(records[0]))
			for n, record := range records {
				for i, text := range record {
					cells[i] = text
				}
				cell, err := excelize.CoordinatesToCellName(1, n+1)
				if err == nil {
					err = sheet.SetRow(cell, cells)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := sheet.Flush(); err != nil {
				b.Fatal(err)
			}
			if err := file.Write(io.Discard); err != nil {
				b.Fatal(err)
			}
		}))
	}
}

func writeAll(b *testing.B, rows []ledger.Row, open func(io.Writer, *time.Location) (export.Writer, error)) {
	w, err := open(io.Discard, shanghai)
	if err != nil {
		b.Fatal(err)
	}
	for n := range rows {
		if err := w.Write(&rows[n]); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func finished(b *testing.B, rows []ledger.Row) [][]string {
	var out bytes.Buffer
	w, err := export.CSV(&out, shanghai)
	if err != nil {
		b.Fatal(err)
	}
	for n := range rows {
		if err := w.Write(&rows[n]); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	return records
}
