package billing_test

import (
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/money"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// envVictim names the store of the process that is killed.
const envVictim = "YUNQIAO_BILLING_VICTIM"

const killPrice = money.Price(2_718_281_828)

// killLives are a quarter of random lives, the same in every process.
func killLives() (lives []life, events []metering.Event, months []time.Time) {
	r := rand.New(rand.NewPCG(5, 5))
	for n := range 4 {
		months = append(months, time.Date(2024, time.Month(1+n), 1, 0, 0, 0, 0, shanghai))
	}
	for n := range 40 {
		l, told := live(r, n, months[0].Unix(), months[3].Unix())
		lives, events = append(lives, l), append(events, told...)
	}
	return lives, events, months
}

// TestVictim is the process that is killed: it hears, rates, closes and exports,
// over and over.
func TestVictim(t *testing.T) {
	dsn := os.Getenv(envVictim)
	if dsn == "" {
		t.Skip("runs as a process of TestKill")
	}
	f := open(t, dsn)
	f.world.caller = billing.Caller{UserID: "anna", OrganizationID: "root"}
	conn := inproc.New()
	f.Register(conn)
	periods := billingv1.NewPeriodServiceClient(conn)
	_, events, months := killLives()
	f.now = months[3].Add(time.Hour)
	for n := 0; ; n++ {
		f.world.caller.UserID = "user" + strconv.Itoa(n%2)
		f.record(t, events[n*7%len(events):min(len(events), n*7%len(events)+7)]...)
		month := months[n%3]
		if _, err := f.Rate(t.Context(), month, month.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
		name := month.Format("2006-01")
		_, _ = periods.ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: name}) // refused where it is closed
		_, _ = periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: name})
		if n%5 == 0 {
			_, _ = periods.ReopenPeriod(t.Context(), &billingv1.ReopenPeriodRequest{Period: name, Reason: "again"})
		}
		if err := ledger.Snapshot(t.Context(), f.store, func(tx *gorm.DB) error { return f.Export(tx, io.Discard, ledger.Filter{}, billing.FormatCSV) }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKill kills a process with SIGKILL while it rates, closes and exports. After
// each, no line is there twice and no month is half closed; in the end the ledger
// is what a recomputation says. YUNQIAO_BILLING_KILLS sets how often.
func TestKill(t *testing.T) {
	kills := 20
	if text := os.Getenv("YUNQIAO_BILLING_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	if testing.Short() {
		kills = 3
	}
	for name, dsn := range map[string]string{"sqlite": dbtest.SQLite(t), "postgres": dbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) { kill(t, dsn, kills) })
	}
}

func kill(t *testing.T, dsn string, kills int) {
	r := rand.New(rand.NewPCG(7, 7))
	lives, events, months := killLives()
	f := open(t, dsn)
	f.now = months[3].Add(time.Hour)
	f.price(t, pricing.Price{
		ID: "00000000000000000000000000000001", Version: 1, Book: "default", ResourceType: "compute.vm", Meter: "vcpus", Unit: pricing.Hour,
		States: []string{"VM_STATE_RUNNING"}, Charge: pricing.Postpaid, Model: pricing.PerUnit, Price: killPrice, Currency: "CNY", Effective: months[0],
	})
	for range kills {
		victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
		victim.Env = append(os.Environ(), envVictim+"="+dsn)
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(100+r.IntN(900))*time.Millisecond, func() { _ = victim.Process.Kill() })
		if err := victim.Wait(); err == nil || victim.ProcessState.Exited() {
			t.Fatalf("the victim ended by itself: %v", err)
		}
		timer.Stop()
		sumsAgree(t, f)
		wholeMonths(t, f)
	}
	var done, lines int64
	f.store.Read.Model(&ledger.PeriodChange{}).Count(&done)
	f.store.Read.Model(&ledger.Row{}).Count(&lines)
	t.Logf("%d kills: %d changes of periods and %d lines were written meanwhile", kills, done, lines)
	f.record(t, events...)
	for _, month := range months[:3] {
		if _, err := f.Rate(t.Context(), month, month.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range lives {
		var got struct{ Cost int64 }
		if err := f.store.Read.Model(&ledger.Row{}).Where("resource_id = ?", l.id).Select("CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost").Scan(&got).Error; err != nil {
			t.Fatal(err)
		}
		if want := owed(l, []tariff{{months[0].Unix(), killPrice}}, months); want.Cmp(big.NewInt(got.Cost)) != 0 {
			t.Errorf("%s: got %d, want %s", l.id, got.Cost, want)
		}
	}
}

// wholeMonths: a closed month has the statements of all its lines, others have
// none of their version.
func wholeMonths(t *testing.T, f *fixture) {
	t.Helper()
	var changes []ledger.PeriodChange
	if err := f.store.Read.Where("state = ?", ledger.Closed).Find(&changes).Error; err != nil {
		t.Fatal(err)
	}
	var written int64
	for _, c := range changes {
		var n, lines int64
		if err := f.store.Read.Table("billing_statements").Where("period = ? AND version = ?", c.Period, c.Version).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		if err := f.store.Read.Model(&ledger.Row{}).Where("period = ? AND recorded_at <= ?", c.Period, c.ChangedAt.Unix()).Distinct("organization_id").Count(&lines).Error; err != nil {
			t.Fatal(err)
		}
		if lines > 0 && n == 0 {
			t.Errorf("%s was closed as version %d without statements", c.Period, c.Version)
		}
		written += n
	}
	var all int64
	if err := f.store.Read.Table("billing_statements").Count(&all).Error; err != nil || all != written {
		t.Errorf("%d statements, %v, want the %d of closed months", all, err, written)
	}
}
