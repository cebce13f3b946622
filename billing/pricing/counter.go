package pricing

import (
	"time"

	"github.com/yunqiao/yunqiao/internal/money"
)

// Basis is the denominator of discounts: basis points.
const Basis = 10_000

// Counter is a price as an electricity meter: it tells the money for all usage up
// to a point of a month, rounded down to 10⁻⁸. The money for a piece of usage is
// the difference of the counter at its two ends, so that it does not matter into
// how many pieces usage is cut, and the pieces always add up.
type Counter struct {
	price *Price
	unit  uint64 // seconds of the time unit; 1 for counts
	keep  uint64 // basis points that are left after the discount
}

// NewCounter makes the counter of a price for a month that begins at a time, with
// a discount in basis points, 0 to 10000.
func NewCounter(p *Price, month time.Time, discount int32) Counter {
	return Counter{price: p, unit: seconds(p.Unit, month), keep: uint64(Basis - discount)}
}

// seconds is how long a unit is, in the month that begins at a time.
func seconds(u Unit, month time.Time) uint64 {
	span := func(from, to time.Time) uint64 { return uint64(to.Sub(from) / time.Second) }
	switch u {
	case Minute:
		return 60
	case Hour:
		return 3600
	case Day:
		return 86400
	case Month:
		return span(month, month.AddDate(0, 1, 0))
	case Year:
		first := time.Date(month.Year(), 1, 1, 0, 0, 0, 0, month.Location())
		return span(first, first.AddDate(1, 0, 0))
	default:
		return 1
	}
}

// partsPerAmount is what a product of price and quantity is divided by to get an
// amount: 10¹⁰ × 10⁴ ÷ 10⁸.
const partsPerAmount = 1_000_000

// At is the money for usage from nothing to so much, in quantity × seconds.
func (c Counter) At(usage uint64) (money.Amount, error) {
	var sum money.Sum128
	p := c.price
	switch p.Model {
	case PerUnit:
		sum.AddProduct(uint64(p.Price), usage)
	case Flat:
		if usage > 0 {
			c.fee(&sum, p.flatFee())
		}
	case Graduated, Package:
		c.graduated(&sum, usage)
	case Volume, Threshold:
		c.volume(&sum, usage)
	}
	sum.Scale(c.keep)
	n, err := sum.Floor(c.unit * partsPerAmount * Basis)
	return money.Amount(n), err
}

// flatFee is the fee of a flat price: of its tier, or else its price.
func (p *Price) flatFee() money.Amount {
	if len(p.Tiers) > 0 {
		return p.Tiers[0].Fee
	}
	return money.Amount(p.Price / 100)
}

func (c Counter) fee(sum *money.Sum128, fee money.Amount) {
	sum.AddProduct(uint64(fee), c.unit*partsPerAmount)
}

// graduated prices each part of the usage by its own tier; a tier begins after the
// end of the one before.
func (c Counter) graduated(sum *money.Sum128, usage uint64) {
	var from uint64
	for _, tier := range c.price.Tiers {
		if usage <= from {
			return
		}
		c.fee(sum, tier.Fee)
		to := uint64(tier.UpTo) * c.unit
		if tier.UpTo == 0 || usage < to {
			to = usage
		}
		sum.AddProduct(uint64(tier.Price), to-from)
		from = to
	}
}

// volume prices all usage by the tier that it reaches. The end of a tier belongs to
// it for VOLUME; a THRESHOLD is reached at the end.
func (c Counter) volume(sum *money.Sum128, usage uint64) {
	if usage == 0 {
		return
	}
	for _, tier := range c.price.Tiers {
		end := uint64(tier.UpTo) * c.unit
		if tier.UpTo == 0 || usage < end || usage == end && c.price.Model == Volume {
			c.fee(sum, tier.Fee)
			sum.AddProduct(uint64(tier.Price), usage)
			return
		}
	}
}

// Prepaid is the money for a quantity over so many months in advance, exact to
// 10⁻⁸, rounded down.
func (p *Price) Prepaid(q money.Quantity, months int32, discount int32) (money.Amount, error) {
	var sum money.Sum128
	sum.AddProduct(uint64(p.Price), uint64(q))
	sum.Scale(uint64(months))
	sum.Scale(uint64(Basis - discount))
	divisor := uint64(partsPerAmount * Basis)
	if p.Unit == Year {
		divisor *= 12
	}
	n, err := sum.Floor(divisor)
	return money.Amount(n), err
}
