package billing_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
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
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1" // states of VMs
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// world answers what billing asks of others; everybody may see everything.
type world struct {
	caller  billing.Caller
	renamed string // what organizations are called; "": 频道
}

func (w *world) Caller(context.Context) billing.Caller { return w.caller }

func (w *world) Subtree(id string) []string {
	if id == "" || id == "root" {
		return nil
	}
	return []string{id}
}

func (w *world) Name(id string) string { return cmp.Or(w.renamed, "频道 ") + id }

func (w *world) Cloud(accountID string) (driver, region string) {
	return "driver-" + accountID, "region-1"
}

type fixture struct {
	*billing.Module
	store *db.Store
	world *world
	cloud *chargingCloud
	now   time.Time
}

func open(t testing.TB, dsn string) *fixture {
	t.Helper()
	store := dbtest.Open(t, dsn)
	if err := store.Migrate(t.Context(), outbox.Migrations(), billing.Migrations()); err != nil {
		t.Fatal(err)
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: store, world: &world{}, cloud: &chargingCloud{bills: map[string][]*driverv1.BillLine{}}, now: time.Date(2025, 1, 1, 0, 0, 0, 0, shanghai)}
	f.Module = billing.New(slog.New(slog.DiscardHandler), store, c, f.world, f.world, billing.Options{Now: func() time.Time { return f.now }, Providers: f.cloud,
		Font: "/usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf"})
	return f
}

func (f *fixture) record(t testing.TB, events ...metering.Event) {
	t.Helper()
	if err := f.store.Write.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error { return f.Record(tx, events) }); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) price(t testing.TB, p pricing.Price) {
	t.Helper()
	if err := pricing.Insert(f.store.Write.WithContext(t.Context()), &p); err != nil {
		t.Fatal(err)
	}
}

// life is what one resource truly did: the times at which it ran, with a size.
type life struct {
	id, account, organization string
	runs                      []run
}

type run struct {
	from, to int64 // Unix seconds
	vcpus    int64
}

// live makes a random life in a year, and the events that tell of it.
func live(r *rand.Rand, n int, begin, end int64) (life, []metering.Event) {
	l := life{id: fmt.Sprintf("cloud%d.vm-%04d", n%4, n), account: fmt.Sprintf("cloud%d", n%4), organization: fmt.Sprintf("org%d", n%7)}
	var events []metering.Event
	tell := func(kind metering.Kind, at int64, state string, vcpus int64) {
		e := metering.Event{
			Kind: kind, ResourceID: l.id, ResourceType: "compute.vm", AccountID: l.account, TenantID: l.organization, Sequence: int32(len(events) + 1),
			At: time.Unix(at, r.Int64N(1e9)).UTC(), State: state,
		}
		if vcpus > 0 {
			e.Spec = map[string]string{"vcpus": strconv.FormatInt(vcpus, 10)}
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", l.id, e.Sequence))
		e.ID = hex.EncodeToString(sum[:16])
		events = append(events, e)
	}
	at := begin + r.Int64N(end-begin)
	vcpus := int64(1) << r.IntN(5)
	tell(metering.StateChanged, at, "VM_STATE_RUNNING", vcpus)
	for from := at; ; {
		at = from + 1 + r.Int64N(60*86400)
		if at >= end {
			l.runs = append(l.runs, run{from, end, vcpus})
			return l, events
		}
		l.runs = append(l.runs, run{from, at, vcpus})
		switch r.IntN(4) {
		case 0:
			vcpus = int64(1) << r.IntN(5)
			tell(metering.SpecChanged, at, "VM_STATE_RUNNING", vcpus)
			from = at
		case 1:
			tell(metering.Gone, at, "", 0)
			return l, events
		default:
			tell(metering.StateChanged, at, "VM_STATE_STOPPED", 0)
			if from = at + 1 + r.Int64N(20*86400); from >= end {
				return l, events
			}
			tell(metering.StateChanged, from, "VM_STATE_RUNNING", 0)
		}
	}
}

// tariff is a price by the hour from a time on.
type tariff struct {
	from  int64
	price money.Price
}

// owed recomputes a life in rationals: for each run within a month and a tariff the
// difference of the month's counter, rounded down at both ends.
func owed(l life, tariffs []tariff, months []time.Time) *big.Int {
	total := new(big.Int)
	for n := range len(months) - 1 {
		for i, tariff := range tariffs {
			low, high := max(months[n].Unix(), tariff.from), months[n+1].Unix()
			if i+1 < len(tariffs) {
				high = min(high, tariffs[i+1].from)
			}
			for _, r := range l.runs {
				from, to := max(r.from, low), min(r.to, high)
				if from >= to {
					continue
				}
				counter := func(at int64) *big.Int {
					x := big.NewRat(at-months[n].Unix(), 3600)
					x.Mul(x, big.NewRat(r.vcpus, 1)).Mul(x, big.NewRat(int64(tariff.price), 100))
					return new(big.Int).Quo(x.Num(), x.Denom())
				}
				total.Add(total, counter(to)).Sub(total, counter(from))
			}
		}
	}
	return total
}

// TestYear compares a year of random lives with a recomputation that shares no
// code with the product: events come late, doubled and in any order, the price
// changes in mid month, the rater is cut off, months are closed meanwhile.
func TestYear(t *testing.T) {
	resources := 120
	if text := os.Getenv("YUNQIAO_BILLING_RESOURCES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		resources = n
	}
	for name, dsn := range map[string]string{"sqlite": dbtest.SQLite(t), "postgres": dbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) { year(t, dsn, resources) })
	}
}

func year(t *testing.T, dsn string, resources int) {
	r := rand.New(rand.NewPCG(8, 2024))
	f := open(t, dsn)
	var months []time.Time
	for n := range 13 {
		months = append(months, time.Date(2024, time.Month(1+n), 1, 0, 0, 0, 0, shanghai))
	}
	begin, end := months[0].Unix(), months[12].Unix()
	tariffs := []tariff{{begin, 3_333_333_333}, {months[1].Unix() + 13*86400 + 12345, 2_718_281_828}, {months[7].Unix() + 99, 4_000_000_001}}
	for n, tariff := range tariffs {
		f.price(t, pricing.Price{
			ID: "00000000000000000000000000000001", Version: int32(n + 1), Book: "default", ResourceType: "compute.vm", Meter: "vcpus", Unit: pricing.Hour,
			States: []string{"VM_STATE_RUNNING"}, Charge: pricing.Postpaid, Model: pricing.PerUnit, Price: tariff.price, Currency: "CNY", Effective: time.Unix(tariff.from, 0),
		})
	}
	var lives []life
	var events []metering.Event
	for n := range resources {
		l, told := live(r, n, begin, end)
		lives, events = append(lives, l), append(events, told...)
	}
	// Most events are heard in their month, some a month or more later, some twice.
	heard := make([][]metering.Event, 12)
	for _, e := range events {
		month := int(e.At.In(shanghai).Month()) - 1
		if r.IntN(5) == 0 {
			month = min(11, month+r.IntN(4))
		}
		heard[month] = append(heard[month], e)
		if again := month + r.IntN(12); again < 12 && r.IntN(3) == 0 {
			heard[again] = append(heard[again], e)
		}
	}
	for n := range 12 {
		r.Shuffle(len(heard[n]), func(i, j int) { heard[n][i], heard[n][j] = heard[n][j], heard[n][i] })
		f.now = months[n+1].Add(time.Hour)
		f.record(t, heard[n]...)
		for back := range n + 1 {
			if r.IntN(3) == 0 { // cut off somewhere on the way
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Int64N(int64(5*time.Millisecond))))
				_, _ = f.Rate(ctx, months[back], months[back+1])
				cancel()
			}
			if _, err := f.Rate(t.Context(), months[back], months[back+1]); err != nil {
				t.Fatal(err)
			}
		}
		if n >= 1 { // the month before the last is closed
			closed := ledger.PeriodChange{Period: months[n-1].Format("2006-01"), Version: 1, State: ledger.Closed, ChangedAt: f.now.UTC()}
			if err := f.store.Write.Create(&closed).Error; err != nil {
				t.Fatal(err)
			}
		}
	}
	type sum struct {
		ResourceID string
		Cost       int64
	}
	var sums []sum
	if err := f.store.Read.Model(&ledger.Row{}).Select("resource_id, CAST(SUM(cost) AS BIGINT) AS cost").Group("resource_id").Scan(&sums).Error; err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range sums {
		got[s.ResourceID] = s.Cost
	}
	for _, l := range lives {
		if want := owed(l, tariffs, months); want.Cmp(big.NewInt(got[l.id])) != 0 {
			t.Errorf("%s: the ledger has %s, want %s of 10⁻⁸", l.id, money.Amount(got[l.id]), want)
		}
	}
	sumsAgree(t, f)
	before := digest(t, f)
	for n := range 12 {
		result, err := f.Rate(t.Context(), months[n], months[n+1])
		if err != nil || result.Added+result.TakenBack+result.Corrections != 0 {
			t.Errorf("%s again: got %+v, %v, want nothing new", months[n].Format("2006-01"), result, err)
		}
	}
	if after := digest(t, f); after != before {
		t.Errorf("the ledger after a rerun has digest %s, want %s", after, before)
	}
	// Without watermarks all events are read, and nothing else comes out.
	c := must[*contract.Contract](t)(contract.Linked())
	reads := func() int {
		_, read, err := metering.Usage(f.store.Read, metering.NewContractPhases(c), months[11], months[12])
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	bounded := reads()
	if err := f.store.Write.Exec("DELETE FROM billing_watermarks").Error; err != nil {
		t.Fatal(err)
	}
	if all := reads(); all != len(events) || bounded*3 > all*2 {
		t.Errorf("the last month reads %d events, and %d of all %d without watermarks", bounded, all, len(events))
	}
	for n := range 12 {
		result, err := f.Rate(t.Context(), months[n], months[n+1])
		if err != nil || result.Added+result.TakenBack+result.Corrections != 0 {
			t.Errorf("%s without watermarks: got %+v, %v, want nothing new", months[n].Format("2006-01"), result, err)
		}
	}
	if after := digest(t, f); after != before {
		t.Errorf("the ledger rated without watermarks has digest %s, want %s", after, before)
	}
	t.Logf("%d resources, %d events, of which the last month reads %d", len(lives), len(events), bounded)
}

// sumsAgree compares every rollup with a full scan.
func sumsAgree(t *testing.T, f *fixture) {
	t.Helper()
	const key = "period, organization_id, account_id, resource_type, category, book, currency, meter"
	scan := func(query *gorm.DB, lines string) []string {
		rows, err := query.Select(key + ", CAST(SUM(list) AS BIGINT), CAST(SUM(cost) AS BIGINT), " + lines).Group(key).Rows()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			texts := make([]string, 11)
			into := make([]any, 11)
			for n := range texts {
				into[n] = &texts[n]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(texts))
		}
		slices.Sort(out)
		return out
	}
	want := scan(f.store.Read.Model(&ledger.Row{}), "COUNT(*)")
	got := scan(f.store.Read.Model(&ledger.Rollup{}), "CAST(SUM(lines) AS BIGINT)")
	if !slices.Equal(got, want) {
		t.Errorf("%d rollups differ from the %d sums of a full scan", len(got), len(want))
	}
}

// digest is over all lines.
func digest(t *testing.T, f *fixture) string {
	t.Helper()
	var rows []ledger.Row
	if err := f.store.Read.Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, r := range rows {
		fmt.Fprintf(h, "%+v\n", r)
	}
	return hex.EncodeToString(h.Sum(nil))
}
