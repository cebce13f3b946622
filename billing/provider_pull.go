package billing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/bill"
	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const (
	billPage = 500 // lines
	// maxBillPages ends the reading of a cloud whose pages never end.
	maxBillPages = 100_000
	// billCall is how long a cloud may take for one page.
	billCall = 2 * time.Minute
	// billWait is how long after an attempt the next one of the same bill is made.
	billWait = 24 * time.Hour
	// billsAtOnce is how many accounts' bills are pulled at the same time.
	billsAtOnce = 4
	// toldPercent of a bill may differ before an alarm is raised.
	toldPercent = 1
)

// errPulled tells that somebody else is at it.
var errPulled = refuse.With(apiv1.Reason_REASON_REQUEST_IN_PROGRESS, "period", "the bill is being pulled already")

// pull reads a month of an account's bill and keeps it. One process at a time does;
// lines are kept page by page, and take the place of the old ones when all are there.
func (m *Module) pull(ctx context.Context, accountID, period string) (bill.Bill, error) {
	b := bill.Bill{AccountID: accountID, Period: period, Pull: rowid.New()}
	if m.providers == nil {
		return b, errNoProviders
	}
	lease := "bill/" + accountID + "/" + period
	held, release, ok, err := m.leases.Take(ctx, lease)
	if err != nil {
		return b, err
	}
	if !ok {
		return b, errPulled
	}
	defer release()
	ours := func(change func(tx *gorm.DB) error) error {
		return m.write(held, func(tx *gorm.DB) error {
			mine, err := m.leases.Mine(tx, lease)
			if err == nil && !mine {
				err = errPulled
			}
			if err != nil {
				return err
			}
			return change(tx)
		})
	}
	sweep := func() error {
		for more := true; more; {
			err := ours(func(tx *gorm.DB) (err error) {
				more, err = bill.Sweep(tx, accountID, period, b.Pull)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := sweep(); err != nil { // what a pull left that was cut off
		return b, err
	}
	if err := m.pullPages(held, &b, ours); err != nil {
		return b, err
	}
	b.PulledAt = m.now().UTC()
	if err := ours(func(tx *gorm.DB) error { return bill.Keep(tx, &b) }); err != nil {
		return b, err
	}
	return b, sweep()
}

// pullPages keeps the pages of a bill, each in a transaction of its own.
func (m *Module) pullPages(ctx context.Context, b *bill.Bill, write func(change func(tx *gorm.DB) error) error) error {
	request := &driverv1.ListBillLinesRequest{AccountId: b.AccountID, Period: b.Period, PageSize: billPage}
	for range maxBillPages {
		response, err := m.billPage(ctx, request)
		if err != nil {
			return err
		}
		lines := make([]bill.Line, 0, len(response.GetLines()))
		for _, told := range response.GetLines() {
			line, err := bill.FromDriver(b.AccountID, b.Period, told)
			if err != nil {
				return fmt.Errorf("bill %s of account %s: %w", b.Period, b.AccountID, err)
			}
			line.Pull = b.Pull
			lines = append(lines, line)
		}
		if len(lines) > 0 {
			if err := write(func(tx *gorm.DB) error { return bill.Add(tx, lines) }); err != nil {
				return err
			}
		}
		if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
			b.Zone, b.Final = response.GetZone(), response.GetFinal()
			return nil
		}
	}
	return fmt.Errorf("bill %s of account %s has more than %d pages", b.Period, b.AccountID, maxBillPages)
}

func (m *Module) billPage(ctx context.Context, request *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, billCall)
	defer cancel()
	return m.providers.ListBillLines(ctx, request)
}

// PullBills pulls the bills of this month and the last, each once a day until it is
// final, and looks at a final one once a day. A cloud that does not answer, or whose bill
// is long, holds up nothing else. It is not called twice at the same time.
func (m *Module) PullBills(ctx context.Context) error {
	if m.providers == nil {
		return nil
	}
	this := calendar.Month(m.now(), m.zone)
	var accounts errgroup.Group
	accounts.SetLimit(billsAtOnce)
	for _, accountID := range m.providers.WithBills() {
		accounts.Go(func() error {
			for _, month := range []time.Time{this.AddDate(0, -1, 0), this} {
				err := m.pullOnce(ctx, accountID, calendar.Name(month))
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					m.log.LogAttrs(ctx, slog.LevelWarn, "bill not pulled", slog.String("account_id", accountID),
						slog.String("period", calendar.Name(month)), slog.String("error", err.Error()))
				}
			}
			return nil
		})
	}
	return accounts.Wait()
}

// due tells whether so much time has gone by since the last attempt of a bill that there
// may be another.
func (m *Module) due(key string) bool {
	m.triedMu.Lock()
	defer m.triedMu.Unlock()
	return m.now().Sub(m.tried[key]) >= billWait
}

// trying notes an attempt: what fails is tried again tomorrow, or by hand.
func (m *Module) trying(key string) {
	m.triedMu.Lock()
	defer m.triedMu.Unlock()
	m.tried[key] = m.now()
}

func (m *Module) pullOnce(ctx context.Context, accountID, period string) error {
	key := accountID + "/" + period
	if !m.due(key) {
		return nil
	}
	kept, err := bill.Find(m.read(ctx), accountID, period)
	if err != nil {
		return err
	}
	final := len(kept) > 0 && kept[0].Final
	if !final && len(kept) > 0 && m.now().Sub(kept[0].PulledAt) < billWait {
		return nil
	}
	m.trying(key)
	if final { // pulled by hand, or before costs came late
		return m.tellDifferences(ctx, kept[0])
	}
	b, err := m.pull(ctx, accountID, period)
	if errors.Is(err, errPulled) || err == nil && !b.Final {
		return nil // another does it; a bill that still grows differs in any case
	}
	if err != nil {
		return err
	}
	return m.tellDifferences(ctx, b)
}

// tellDifferences raises an alarm, once, where a final bill differs from the lines of
// cost by more than a percent of it, in any currency of either.
func (m *Module) tellDifferences(ctx context.Context, b bill.Bill) error {
	compared, err := m.compare(ctx, b, 0)
	if err != nil {
		return err
	}
	off, billed := map[string]int64{}, map[string]int64{}
	for _, d := range compared.differences {
		off[d.Currency] += max(d.Gain(), -d.Gain())
	}
	for _, total := range compared.totals {
		billed[total.Currency] = total.Cost
	}
	for _, currency := range slices.Sorted(maps.Keys(off)) {
		total := billed[currency]
		limit, err := money.Amount(max(total, -total)).Ratio(toldPercent, 100, money.HalfUp)
		if err != nil {
			return err
		}
		if off[currency] <= int64(limit) {
			continue
		}
		text := fmt.Sprintf("the bill of account %s for %s is %s %s, and differs from the lines of cost by %s",
			b.AccountID, b.Period, money.Amount(total), currency, money.Amount(off[currency]))
		err = m.raise(ctx, fmt.Sprintf("bill/%s/%s/%s", b.AccountID, b.Period, currency), "ProviderBillDifference", "WARNING", b.AccountID, "", text)
		if err != nil {
			return err
		}
	}
	return nil
}

// compared is a bill beside the lines of cost.
type compared struct {
	totals      []bill.Total // of the bill
	ours        []ledger.Sum
	differences []bill.Difference
	agreements  int
}

// compare matches a bill with the lines of cost of what was used in its month.
func (m *Module) compare(ctx context.Context, b bill.Bill, tolerance int64) (c compared, err error) {
	month, err := calendar.Parse(b.Period, m.zone)
	if err != nil {
		return c, err
	}
	filter := ledger.Filter{AccountID: b.AccountID, From: month, Until: month.AddDate(0, 1, 0)}
	err = ledger.Snapshot(ctx, m.store, func(tx *gorm.DB) (err error) {
		var provider []bill.Charge
		err = bill.Lines(tx, b.AccountID, b.Period).
			Select("resource_id, MAX(resource_type) AS resource_type, day, currency, CAST(SUM(cost) AS BIGINT) AS cost").
			Group("resource_id, day, currency").Scan(&provider).Error
		if err != nil {
			return fmt.Errorf("read a bill: %w", err)
		}
		groups, err := ledger.Summarize(tx, filter, []string{"resource_id", "resource_type", "day"}, m.zone)
		if err != nil {
			return err
		}
		ours := make([]bill.Charge, 0, len(groups))
		for _, g := range groups {
			ours = append(ours, bill.Charge{
				ResourceID: g.Keys[0], ResourceType: g.Keys[1], Day: g.Keys[2], Currency: g.Currency, Cost: g.Cost, Unpriced: g.Unpriced > 0,
			})
		}
		c.differences, c.agreements = bill.Compare(provider, ours, tolerance)
		c.totals, err = bill.Totals(tx, b.AccountID, b.Period)
		if err != nil {
			return err
		}
		c.ours, err = ledger.Totals(tx, filter)
		return err
	})
	return c, err
}
