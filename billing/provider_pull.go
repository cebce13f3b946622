package billing

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/bill"
	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const (
	billPage = 500 // lines
	// maxBillPages ends the reading of a cloud whose pages never end.
	maxBillPages = 20_000
	// maxBillLines bounds the memory that a bill takes while it is read.
	maxBillLines = 1_000_000
	// billCall is how long a cloud may take for one page.
	billCall = 2 * time.Minute
	// billWait is how long after an attempt the next one of the same bill is made.
	billWait = 24 * time.Hour
	// toldPercent of a bill may differ before an alarm is raised.
	toldPercent = 1
)

// pull reads a month of an account's bill and keeps it.
func (m *Module) pull(ctx context.Context, accountID, period string) (bill.Bill, error) {
	b := bill.Bill{AccountID: accountID, Period: period}
	if m.providers == nil {
		return b, errNoProviders
	}
	var lines []bill.Line
	at := map[string]int{} // of lines, by id: a line that moved to the next page meanwhile comes twice
	request := &driverv1.ListBillLinesRequest{AccountId: accountID, Period: period, PageSize: billPage}
	for page := 0; ; page++ {
		response, err := m.billPage(ctx, request)
		if err != nil {
			return b, err
		}
		for _, told := range response.GetLines() {
			line, err := bill.FromDriver(accountID, period, told)
			if err != nil {
				return b, fmt.Errorf("bill %s of account %s: %w", period, accountID, err)
			}
			if n, known := at[line.ID]; known {
				lines[n] = line
				continue
			}
			at[line.ID] = len(lines)
			lines = append(lines, line)
		}
		if page >= maxBillPages || len(lines) > maxBillLines {
			return b, fmt.Errorf("bill %s of account %s has more than %d pages or %d lines", period, accountID, maxBillPages, maxBillLines)
		}
		if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
			b.Zone, b.Final = response.GetZone(), response.GetFinal()
			break
		}
	}
	b.Lines, b.PulledAt = len(lines), m.now().UTC()
	err := m.write(ctx, func(tx *gorm.DB) error {
		if err := db.Exclusive(tx, "billing/bill/"+accountID); err != nil {
			return err
		}
		return bill.Replace(tx, b, lines)
	})
	return b, err
}

func (m *Module) billPage(ctx context.Context, request *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, billCall)
	defer cancel()
	return m.providers.ListBillLines(ctx, request)
}

// pullBills pulls the bills of this month and the last, each once a day until it is
// final, and looks at a final one once a day. A cloud that does not answer holds up nothing else.
func (m *Module) pullBills(ctx context.Context) error {
	if m.providers == nil {
		return nil
	}
	this := calendar.Month(m.now(), m.zone)
	for _, accountID := range m.providers.WithBills() {
		for _, month := range []time.Time{this.AddDate(0, -1, 0), this} {
			if err := m.pullOnce(ctx, accountID, calendar.Name(month)); err != nil {
				if ctx.Err() != nil {
					return err
				}
				m.log.LogAttrs(ctx, slog.LevelWarn, "bill not pulled", slog.String("account_id", accountID),
					slog.String("period", calendar.Name(month)), slog.String("error", err.Error()))
			}
		}
	}
	return nil
}

func (m *Module) pullOnce(ctx context.Context, accountID, period string) error {
	key := accountID + "/" + period
	if m.now().Sub(m.tried[key]) < billWait {
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
	m.tried[key] = m.now() // what fails is tried again tomorrow, or by hand
	if final {             // pulled by hand, or before costs came late
		return m.tellDifferences(ctx, kept[0])
	}
	b, err := m.pull(ctx, accountID, period)
	if err != nil || !b.Final {
		return err // a bill that still grows differs in any case
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
		err = tx.Model(&bill.Line{}).Where("account_id = ? AND period = ?", b.AccountID, b.Period).
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
