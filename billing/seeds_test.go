package billing_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// TestSeeds: the same events, shuffled, doubled and heard in any parts, and rated more
// than once, give the same CSV byte by byte. YUNQIAO_BILLING_SEEDS sets how often (20).
func TestSeeds(t *testing.T) {
	seeds := 20
	if n, err := strconv.Atoi(os.Getenv("YUNQIAO_BILLING_SEEDS")); err == nil {
		seeds = n
	}
	for name, dsn := range map[string]string{"sqlite": dbtest.SQLite(t), "postgres": dbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			f := open(t, dsn)
			months := []time.Time{local(1, 1, 0), local(2, 1, 0), local(3, 1, 0)}
			f.now = months[2].Add(time.Hour)
			f.price(t, pricing.Price{
				ID: "00000000000000000000000000000001", Version: 1, Book: "default", ResourceType: "compute.vm", Meter: "vcpus", Unit: pricing.Hour,
				Charge: pricing.Postpaid, Model: pricing.Graduated, Pooled: true, Currency: "CNY", Effective: months[0],
				Tiers: []pricing.Tier{{UpTo: 1000_0000, Price: 3_333_333_333}, {Price: 2_718_281_828}},
			})
			var events []metering.Event
			lives := rand.New(rand.NewPCG(9, 9))
			for n := range 12 {
				_, told := live(lives, n, months[0].Unix(), months[2].Unix())
				events = append(events, told...)
			}
			want := ""
			for seed := range uint64(seeds) {
				for _, table := range []string{"billing_events", "billing_lines", "billing_rollups", "billing_cuts", "billing_changes", "billing_watermarks", "billing_carried"} {
					if err := f.store.Write.Exec("DELETE FROM " + table).Error; err != nil {
						t.Fatal(err)
					}
				}
				got := shuffled(t, f, seed, slices.Clone(events), months)
				if want == "" {
					want = got
				}
				if got != want {
					t.Fatalf("seed %d: the CSV has digest %s, want %s", seed, got, want)
				}
			}
		})
	}
}

// shuffled is the digest of the CSV of events in an order of a seed.
func shuffled(t *testing.T, f *fixture, seed uint64, events []metering.Event, months []time.Time) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	for range r.IntN(len(events)) {
		events = append(events, events[r.IntN(len(events))])
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for len(events) > 0 {
		part := 1 + r.IntN(len(events))
		f.record(t, events[:part]...)
		events = events[part:]
	}
	for range 1 + r.IntN(2) {
		for n := range len(months) - 1 {
			if _, err := f.Rate(t.Context(), months[n], months[n+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	h := sha256.New()
	err := ledger.Snapshot(t.Context(), f.store, func(tx *gorm.DB) error { return f.Export(tx, h, ledger.Filter{}, billing.FormatCSV) })
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
