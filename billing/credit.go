package billing

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
)

// credit brings a month that has ended to what discounts of an amount take off it, as
// lines of category Credit. Repeated with the same costs it adds nothing; where costs
// have changed meanwhile, the difference. A closed month stays as it is.
func (m *Module) credit(tx *gorm.DB, month time.Time) (added int, err error) {
	current, err := ledger.Current(tx, calendar.Name(month))
	if err != nil || current.State == ledger.Closed {
		return 0, err
	}
	discounts, err := pricing.Discounts(tx)
	if err != nil {
		return 0, err
	}
	for n := range discounts {
		d := &discounts[n]
		if d.Amount == 0 {
			continue
		}
		entered, err := m.creditOf(tx, month, d)
		if err != nil {
			return added, fmt.Errorf("discount %s: %w", d.ID, err)
		}
		if entered {
			added++
		}
	}
	return added, nil
}

func (m *Module) creditOf(tx *gorm.DB, month time.Time, d *pricing.Discount) (entered bool, err error) {
	share, err := d.Share(month, month.AddDate(0, 1, 0))
	if err != nil {
		return false, err
	}
	groups, err := ledger.Summarize(tx, ledger.Filter{
		Period: calendar.Name(month), Organizations: []string{d.OrganizationID}, ResourceType: d.ResourceType, AccountID: d.AccountID, Currency: d.Currency,
	}, []string{"category", "discount_id"}, m.zone)
	if err != nil {
		return false, err
	}
	var costs, given money.Amount
	lines := int64(0)
	for _, g := range groups {
		switch {
		case g.Keys[0] == string(rating.Credit) && g.Keys[1] == d.ID:
			given, lines = given+money.Amount(g.Cost), lines+g.Lines
		default:
			costs += money.Amount(g.Cost)
		}
	}
	wanted := -min(share, max(0, costs))
	if wanted == given {
		return false, nil
	}
	last := month.AddDate(0, 1, 0).Add(-time.Second)
	line := rating.Line{
		Category: rating.Credit, ResourceType: d.ResourceType, AccountID: d.AccountID, OrganizationID: d.OrganizationID, From: last, To: last.Add(time.Second),
		Spec: "{}", Currency: d.Currency, List: wanted - given, Cost: wanted - given, DiscountID: d.ID, Reason: d.Name,
		Corrects: fmt.Sprintf("discount %d", lines), // of one discount and month each difference is a line
	}
	if line.AccountID != "" {
		line.Driver, line.Region = m.accounts.Cloud(line.AccountID)
	}
	_, err = ledger.Enter(tx, &line, ledger.FromEntry, month, m.now())
	return err == nil, err
}
