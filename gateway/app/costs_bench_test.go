package app

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

const (
	costBatch     = 20_000 // lines of a transaction
	costRequests  = 400    // of one number of connections
	costPairs     = 5
	costSummaries = 40 // of one side in one pair
)

// BenchmarkCosts adds a month up by organization and kind, of YUNQIAO_BILLING_LINES lines
// (200,000) in a year of 100 organizations: in the process against bare SQL on the sums
// (x bare), and over HTTP (p50 and p99 in ms, by connections).
//
//	YUNQIAO_BILLING_LINES=10000000 go test -run '^$' -bench Costs -benchtime 1x -timeout 30m ./gateway/app
func BenchmarkCosts(b *testing.B) {
	lines := 200_000
	if text := os.Getenv("YUNQIAO_BILLING_LINES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		lines = n
	}
	for name, config := range map[string]func(*Config){
		"sqlite": func(*Config) {},
		"postgres": func(c *Config) {
			c.Store.DSN.File = filepath.Join(b.TempDir(), "dsn")
			if err := os.WriteFile(c.Store.DSN.File, []byte(dbtest.Postgres(b)), 0o600); err != nil {
				b.Fatal(err)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			gateway := started(b, config)
			begin := time.Now()
			fillCosts(b, gateway, lines)
			filled := time.Since(begin)
			for b.Loop() {
				b.ReportMetric(summaries(b, gateway), "xbare")
				for _, connections := range []int{1, 8} {
					took := askSummaries(b, gateway, connections)
					b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, fmt.Sprint("p50ms/", connections))
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, fmt.Sprint("p99ms/", connections))
				}
			}
			b.ReportMetric(float64(lines)/filled.Seconds(), "lines/s")
		})
	}
}

// fillCosts writes lines as billing does, with their sums.
func fillCosts(b *testing.B, gateway *App, lines int) {
	b.Helper()
	rows := make([]ledger.Row, costBatch)
	for first := 0; first < lines; first += costBatch {
		for n := range rows {
			i := first + n
			mixed := uint64(i) * 0x9e3779b97f4a7c15 // whose parts are spread and do not go together
			month, day, account := 1+i%12, 1+i/12%28, mixed>>61&3
			rows[n] = ledger.Row{
				ID: fmt.Sprintf("%032x", mixed), Period: fmt.Sprintf("2025-%02d", month), UsageMonth: fmt.Sprintf("2025-%02d", month),
				Day: fmt.Sprintf("2025-%02d-%02d", month, day), Origin: ledger.FromEntry, Category: "Usage", Digest: fmt.Sprintf("%032x", i),
				ResourceID: fmt.Sprintf("c%d.vm-%06d", account, i%20_000), ResourceType: []string{"compute.vm", "storage.disk", "network.public_ip", "database.instance"}[mixed>>40&3],
				AccountID: fmt.Sprint("c", account), Driver: "driver", Region: "region-1", OrganizationID: fmt.Sprintf("org%03d", mixed>>32%100), Begins: int64(1_735_660_800 + i), Ends: int64(1_735_747_200 + i),
				State: "VM_STATE_RUNNING", Spec: `{"memory_mib":"8192","vcpus":"4"}`, Meter: []string{"vcpus", "memory_mib", "instance"}[mixed>>20%3], Quantity: 40_000, Usage: 40_000 * 86_400,
				Unit: "HOUR", PriceID: "00000000000000000000000000000001", PriceVersion: 1, UnitPrice: 1_200_000_000, Book: "default", Currency: "CNY",
				List: int64(48_000_000 + i), Cost: int64(40_000_000 + i), FirstEvent: fmt.Sprintf("%032x", i%20_000), RecordedAt: 1_735_660_800,
			}
		}
		err := gateway.store.Write.WithContext(b.Context()).Transaction(func(tx *gorm.DB) error { return ledger.Append(tx, rows[:min(costBatch, lines-first)]) })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// bareSummary is what a month by organization and kind is in SQL.
const bareSummary = `SELECT organization_id, resource_type, currency, CAST(SUM(list) AS BIGINT), CAST(SUM(cost) AS BIGINT), CAST(SUM(lines) AS BIGINT),
	CAST(SUM(CASE WHEN unpriced THEN lines ELSE 0 END) AS BIGINT)
	FROM billing_rollups WHERE period = '2025-03' GROUP BY organization_id, resource_type, currency ORDER BY organization_id, resource_type, currency`

// summaries is how much longer the product takes than bare SQL: the median of pairs that
// take turns.
func summaries(b *testing.B, gateway *App) float64 {
	b.Helper()
	pool, err := gateway.store.Read.DB()
	if err != nil {
		b.Fatal(err)
	}
	ours := func() error {
		_, err := ledger.Summarize(gateway.store.Read.WithContext(b.Context()), ledger.Filter{Period: "2025-03"}, []string{"organization_id", "resource_type"}, time.UTC)
		return err
	}
	bare := func() error {
		rows, err := pool.QueryContext(b.Context(), bareSummary)
		if err != nil {
			return err
		}
		defer rows.Close()
		var texts [3]string
		var numbers [4]int64
		for rows.Next() {
			if err := rows.Scan(&texts[0], &texts[1], &texts[2], &numbers[0], &numbers[1], &numbers[2], &numbers[3]); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	timed := func(side func() error) float64 {
		begin := time.Now()
		for range costSummaries {
			if err := side(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begin).Seconds()
	}
	var ratios []float64
	for pair := range costPairs {
		if pair%2 == 0 {
			ratios = append(ratios, timed(ours)/timed(bare))
		} else {
			bareTook := timed(bare)
			ratios = append(ratios, timed(ours)/bareTook)
		}
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// askSummaries asks over HTTP and returns how long each answer took, in order of length.
func askSummaries(b *testing.B, gateway *App, connections int) []time.Duration {
	b.Helper()
	url := gateway.URL() + "/billing/v1/cost/summarize?period=2025-03&group_by=COST_DIMENSION_ORGANIZATION&group_by=COST_DIMENSION_RESOURCE_TYPE"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, costRequests)
	var work errgroup.Group
	for c := range connections {
		work.Go(func() error {
			for n := c; n < len(took); n += connections {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
				if err != nil {
					return err
				}
				r.Header.Set("Authorization", "Bearer "+gateway.FirstToken)
				begin := time.Now()
				answer, err := client.Do(r)
				if err != nil {
					return err
				}
				text, err := io.ReadAll(answer.Body)
				took[n] = time.Since(begin)
				if err := answer.Body.Close(); err != nil {
					return err
				}
				if err != nil || answer.StatusCode != http.StatusOK {
					return fmt.Errorf("status %d, %w: %.200s", answer.StatusCode, err, text)
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	return took
}
