package pricing_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/money"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// exact is what usage costs, in rationals and from the definition of the models
// alone. usage is in units × seconds.
func exact(p *pricing.Price, usage *big.Rat, unitSeconds int64, discount int32) *big.Rat {
	units := new(big.Rat).Quo(usage, big.NewRat(unitSeconds, 1))
	price := func(t pricing.Tier) *big.Rat { return big.NewRat(int64(t.Price), 1e10) }
	fee := func(t pricing.Tier) *big.Rat { return big.NewRat(int64(t.Fee), 1e8) }
	total := new(big.Rat)
	switch p.Model {
	case pricing.PerUnit:
		total.Mul(units, big.NewRat(int64(p.Price), 1e10))
	case pricing.Flat:
		if units.Sign() > 0 {
			total.SetFrac64(int64(p.Price)/100, 1e8)
		}
	case pricing.Graduated, pricing.Package:
		low := new(big.Rat)
		for _, t := range p.Tiers {
			if units.Cmp(low) <= 0 {
				break
			}
			high := big.NewRat(int64(t.UpTo), 1e4)
			if t.UpTo == 0 || units.Cmp(high) < 0 {
				high = units
			}
			total.Add(total, fee(t))
			total.Add(total, new(big.Rat).Mul(price(t), new(big.Rat).Sub(high, low)))
			low = high
		}
	case pricing.Volume, pricing.Threshold:
		for _, t := range p.Tiers {
			reached := units.Cmp(big.NewRat(int64(t.UpTo), 1e4))
			if units.Sign() > 0 && (t.UpTo == 0 || reached < 0 || reached == 0 && p.Model == pricing.Volume) {
				total.Add(fee(t), new(big.Rat).Mul(price(t), units))
				break
			}
		}
	}
	return total.Mul(total, big.NewRat(int64(10_000-discount), 10_000))
}

func drawPrice(t *rapid.T) *pricing.Price {
	models := []pricing.Model{pricing.PerUnit, pricing.Flat, pricing.Graduated, pricing.Volume, pricing.Package, pricing.Threshold}
	p := &pricing.Price{Model: rapid.SampledFrom(models).Draw(t, "model"), Unit: rapid.SampledFrom([]pricing.Unit{pricing.Second, pricing.Hour, pricing.Day, pricing.Month, pricing.Count}).Draw(t, "unit")}
	p.Price = money.Price(rapid.Int64Range(0, 1e13).Draw(t, "price"))
	if p.Model == pricing.PerUnit || p.Model == pricing.Flat {
		return p
	}
	end := int64(0)
	for range rapid.IntRange(0, 3).Draw(t, "tiers") {
		end += rapid.Int64Range(1, 1e8).Draw(t, "width")
		p.Tiers = append(p.Tiers, pricing.Tier{UpTo: money.Quantity(end), Price: money.Price(rapid.Int64Range(0, 1e12).Draw(t, "price")), Fee: money.Amount(rapid.Int64Range(0, 1e11).Draw(t, "fee"))})
	}
	p.Tiers = append(p.Tiers, pricing.Tier{Price: money.Price(rapid.Int64Range(0, 1e12).Draw(t, "price"))})
	return p
}

// TestCounterAgainstRationals: the counter is the exact cost, rounded down once.
func TestCounterAgainstRationals(t *testing.T) {
	month := time.Date(2024, 2, 1, 0, 0, 0, 0, shanghai)
	lengths := map[pricing.Unit]int64{pricing.Second: 1, pricing.Hour: 3600, pricing.Day: 86400, pricing.Month: 29 * 86400, pricing.Count: 1}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPrice(t)
		usage, discount := rapid.Int64Range(0, 1e11).Draw(t, "usage"), rapid.Int32Range(0, 10_000).Draw(t, "discount")
		got, err := pricing.NewCounter(p, month, discount).At(uint64(usage))
		parts := exact(p, big.NewRat(usage, 1e4), lengths[p.Unit], discount)
		parts.Mul(parts, big.NewRat(1e8, 1))
		want := new(big.Int).Quo(parts.Num(), parts.Denom())
		if err != nil || want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("%+v, usage %d: got %d, %v, want %s", p, usage, got, err, want)
		}
	})
}

func TestMonthsHaveTheirOwnLength(t *testing.T) {
	p := &pricing.Price{Model: pricing.PerUnit, Unit: pricing.Month, Price: 100e10}
	for month, days := range map[string]uint64{"2023-02": 28, "2024-02": 29, "2026-04": 30, "2026-12": 31} {
		at, err := time.ParseInLocation("2006-01", month, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		c := pricing.NewCounter(p, at, 0)
		whole, err := c.At(10_000 * days * 86400)
		if err != nil || whole != 100e8 {
			t.Errorf("%s: a whole month comes to %s, %v, want 100", month, whole, err)
		}
		if half, err := c.At(10_000 * days * 43200); err != nil || half != 50e8 {
			t.Errorf("%s: half a month comes to %s, %v, want 50", month, half, err)
		}
	}
}

func BenchmarkCounter(b *testing.B) {
	p := &pricing.Price{Model: pricing.Graduated, Unit: pricing.Hour, Tiers: []pricing.Tier{{UpTo: 1e6, Price: 3e9}, {UpTo: 5e6, Price: 2e9}, {Price: 1e9}}}
	c := pricing.NewCounter(p, time.Date(2026, 11, 1, 0, 0, 0, 0, shanghai), 1500)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := c.At(uint64(n%1000) * 36_000_000); err != nil {
			b.Fatal(err)
		}
	}
}
