package pricing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/internal/money"
)

// Catalogue answers which version of which price is in force. It does not change.
type Catalogue struct {
	byType    map[string][]*span // of postpaid and prepaid prices, best first
	discounts []Discount
}

// span is a version with the time in which it is the newest of its price.
type span struct {
	price    *Price
	from, to time.Time // to is zero while nothing has followed
	weight   int
}

// Discount lowers prices for a time.
type Discount struct {
	ID             string
	Name           string
	OrganizationID string // empty: everybody's
	ResourceType   string // empty: everything
	AccountID      string // empty: in all accounts
	Contract       string
	BasisPoints    int32        // of the price; 10000 is free
	Amount         money.Amount // off the costs of a month, instead; 0: none
	Currency       string       // of Amount
	From, To       time.Time    // half open; To zero: without end
	EndedAt        time.Time    // when it was ended before its To; zero: it was not
}

// NewCatalogue orders versions and discounts. Versions of one price follow each
// other by the time from which they are in force; the newer version wins where
// both say the same time.
func NewCatalogue(versions []Price, discounts []Discount) *Catalogue {
	c := &Catalogue{byType: map[string][]*span{}, discounts: slices.Clone(discounts)}
	byPrice := map[string][]*Price{}
	for n := range versions {
		p := &versions[n]
		byPrice[p.ID] = append(byPrice[p.ID], p)
	}
	for _, list := range byPrice {
		slices.SortFunc(list, func(a, b *Price) int {
			return cmp.Or(a.Effective.Compare(b.Effective), cmp.Compare(a.Version, b.Version))
		})
		newest := int32(0) // an older version never comes back after a newer one
		kept := list[:0:0]
		for _, p := range list {
			if p.Version > newest {
				newest, kept = p.Version, append(kept, p)
			}
		}
		for n, p := range kept {
			s := &span{price: p, from: p.Effective, weight: p.weight()}
			if n+1 < len(kept) {
				s.to = kept[n+1].Effective
			}
			if !p.Ended && (s.to.IsZero() || s.from.Before(s.to)) {
				c.byType[p.ResourceType] = append(c.byType[p.ResourceType], s)
			}
		}
	}
	for _, list := range c.byType {
		slices.SortFunc(list, func(a, b *span) int {
			return cmp.Or(-cmp.Compare(a.weight, b.weight), -cmp.Compare(a.price.Term, b.price.Term), strings.Compare(a.price.Selector(), b.price.Selector()),
				-a.from.Compare(b.from), strings.Compare(a.price.ID, b.price.ID))
		})
	}
	slices.SortFunc(c.discounts, func(a, b Discount) int { return strings.Compare(a.ID, b.ID) })
	return c
}

func (s *span) inForce(at time.Time) bool {
	return !at.Before(s.from) && (s.to.IsZero() || at.Before(s.to))
}

// For appends the prices in force for usage at a time: the best of each meter and
// book, in a fixed order. Of subscription prices that say as much, the one with the
// longest term that the usage reaches is best.
func (c *Catalogue) For(to []*Price, u *Usage, charge Charge, at time.Time) []*Price {
	start := len(to)
	for _, s := range c.byType[u.ResourceType] {
		p := s.price
		if p.Charge != charge || !s.inForce(at) || !p.fits(u) {
			continue
		}
		if !slices.ContainsFunc(to[start:], func(q *Price) bool { return q.Meter == p.Meter }) {
			to = append(to, p)
		}
	}
	slices.SortFunc(to[start:], func(a, b *Price) int { return strings.Compare(a.Meter, b.Meter) })
	return to
}

// ForAnyState is For where the state of the usage is not known: states do not count
// then.
func (c *Catalogue) ForAnyState(u *Usage, charge Charge, at time.Time) []*Price {
	if u.State != "" {
		return c.For(nil, u, charge, at)
	}
	var out []*Price
	for _, s := range c.byType[u.ResourceType] {
		p := *s.price
		p.States = nil
		if p.Charge == charge && s.inForce(at) && p.fits(u) && !slices.ContainsFunc(out, func(q *Price) bool { return q.Meter == p.Meter }) {
			out = append(out, s.price)
		}
	}
	slices.SortFunc(out, func(a, b *Price) int { return strings.Compare(a.Meter, b.Meter) })
	return out
}

// Knows tells whether a price is in force for the usage in any state: then it is
// meant that this state costs nothing.
func (c *Catalogue) Knows(u *Usage, at time.Time) bool {
	return slices.ContainsFunc(c.byType[u.ResourceType], func(s *span) bool {
		p := *s.price
		p.States = nil
		return p.Charge == Postpaid && p.Unit != Count && s.inForce(at) && p.fits(u)
	})
}

// Discount is the best discount at a time, in basis points, with its id.
func (c *Catalogue) Discount(u *Usage, at time.Time) (points int32, id string) {
	for n := range c.discounts {
		d := &c.discounts[n]
		if d.BasisPoints > points && d.inForce(at) && (d.OrganizationID == "" || d.OrganizationID == u.OrganizationID) &&
			(d.ResourceType == "" || d.ResourceType == u.ResourceType) && (d.AccountID == "" || d.AccountID == u.AccountID) {
			points, id = d.BasisPoints, d.ID
		}
	}
	return points, id
}

// Share is the part of Amount that a month gets, by its seconds in the discount's time.
func (d *Discount) Share(from, to time.Time) (money.Amount, error) {
	begin, end := d.From, to
	if begin.Before(from) {
		begin = from
	}
	for _, until := range []time.Time{d.To, d.EndedAt} {
		if !until.IsZero() && until.Before(end) {
			end = until
		}
	}
	if !begin.Before(end) {
		return 0, nil
	}
	return d.Amount.Ratio(int64(end.Sub(begin)/time.Second), int64(to.Sub(from)/time.Second), money.Down)
}

func (d *Discount) inForce(at time.Time) bool {
	return !at.Before(d.From) && (d.To.IsZero() || at.Before(d.To)) && (d.EndedAt.IsZero() || at.Before(d.EndedAt))
}

// Changes appends the times within (from, to) at which a price of the type or a
// discount begins or ends. They are not sorted.
func (c *Catalogue) Changes(to []time.Time, resourceType string, from, until time.Time) []time.Time {
	add := func(at time.Time) {
		if at.After(from) && at.Before(until) {
			to = append(to, at)
		}
	}
	for _, s := range c.byType[resourceType] {
		add(s.from)
		add(s.to)
	}
	for n := range c.discounts {
		add(c.discounts[n].From)
		add(c.discounts[n].To)
		add(c.discounts[n].EndedAt)
	}
	return to
}
