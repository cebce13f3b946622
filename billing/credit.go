package billing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	discounts = slices.DeleteFunc(discounts, func(d pricing.Discount) bool { return d.Amount == 0 })
	slices.SortStableFunc(discounts, func(a, b pricing.Discount) int { return cmp.Compare(narrowness(&b), narrowness(&a)) })
	bills := map[payer]*payable{}
	for n := range discounts {
		d := &discounts[n]
		who := payer{d.OrganizationID, d.Currency}
		if bills[who] == nil {
			if bills[who], err = m.payable(tx, month, who, discounts); err != nil {
				return added, err
			}
		}
		entered, err := m.creditOf(tx, month, d, bills[who])
		if err != nil {
			return added, fmt.Errorf("discount %s: %w", d.ID, err)
		}
		if entered {
			added++
		}
	}
	return added, nil
}

// narrowness orders discounts: what is for one thing only takes its part before what
// is for everything.
func narrowness(d *pricing.Discount) (n int) {
	for _, text := range []string{d.ResourceType, d.AccountID} {
		if text != "" {
			n++
		}
	}
	return n
}

type payer struct{ organizationID, currency string }

// payable is what a payer's month costs without discounts of an amount, less what
// those that were looked at take off it: no cost is taken off twice.
type payable struct {
	costs []costOf
	given map[string]ledger.Sum // by discount: what the month has of it already
}

type costOf struct {
	resourceType, accountID string
	left                    money.Amount
}

func (m *Module) payable(tx *gorm.DB, month time.Time, who payer, discounts []pricing.Discount) (*payable, error) {
	groups, err := ledger.Summarize(tx, ledger.Filter{
		Period: calendar.Name(month), Organizations: []string{who.organizationID}, Currency: who.currency,
	}, []string{"category", "discount_id", "resource_type", "account_id"}, m.zone)
	if err != nil {
		return nil, err
	}
	p := &payable{given: map[string]ledger.Sum{}}
	for _, g := range groups {
		category, discount := g.Keys[0], g.Keys[1]
		if category == string(rating.Credit) && slices.ContainsFunc(discounts, func(d pricing.Discount) bool { return d.ID == discount }) {
			sum := p.given[discount]
			sum.Cost, sum.Lines = sum.Cost+g.Cost, sum.Lines+g.Lines
			p.given[discount] = sum
			continue
		}
		p.costs = append(p.costs, costOf{g.Keys[2], g.Keys[3], money.Amount(g.Cost)})
	}
	slices.SortStableFunc(p.costs, func(a, b costOf) int {
		return cmp.Or(strings.Compare(a.resourceType, b.resourceType), strings.Compare(a.accountID, b.accountID))
	})
	return p, nil
}

// take takes up to share off the costs that a discount is for.
func (p *payable) take(d *pricing.Discount, share money.Amount) money.Amount {
	fits := func(c *costOf) bool {
		return (d.ResourceType == "" || d.ResourceType == c.resourceType) && (d.AccountID == "" || d.AccountID == c.accountID)
	}
	var sum money.Amount
	for n := range p.costs {
		if fits(&p.costs[n]) {
			sum += p.costs[n].left
		}
	}
	off := min(share, max(0, sum))
	rest := off
	for n := range p.costs {
		if c := &p.costs[n]; fits(c) {
			part := min(rest, max(0, c.left))
			c.left, rest = c.left-part, rest-part
		}
	}
	return off
}

func (m *Module) creditOf(tx *gorm.DB, month time.Time, d *pricing.Discount, p *payable) (entered bool, err error) {
	share, err := d.Share(month, month.AddDate(0, 1, 0))
	if err != nil {
		return false, err
	}
	wanted, given := -p.take(d, share), p.given[d.ID]
	change := wanted - money.Amount(given.Cost)
	if change == 0 {
		return false, nil
	}
	last := month.AddDate(0, 1, 0).Add(-time.Second)
	line := rating.Line{
		Category: rating.Credit, ResourceType: d.ResourceType, AccountID: d.AccountID, OrganizationID: d.OrganizationID, From: last, To: last.Add(time.Second),
		Spec: "{}", Currency: d.Currency, List: change, Cost: change, DiscountID: d.ID, Reason: d.Name,
		Corrects: fmt.Sprintf("discount %d", given.Lines), // of one discount and month each difference is a line
	}
	if line.AccountID != "" {
		line.Driver, line.Region = m.accounts.Cloud(line.AccountID)
	}
	_, err = ledger.Enter(tx, &line, ledger.FromEntry, month, m.now())
	return err == nil, err
}
