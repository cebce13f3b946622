package statement_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/yunqiao/yunqiao/billing/statement"
	"github.com/yunqiao/yunqiao/internal/money"
)

// rounded is an amount in parts of 10⁻⁸ cut to coins of 10^-digits, in rationals.
func rounded(exact *big.Rat, digits int, mode money.Mode) *big.Rat {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	x := new(big.Rat).Mul(new(big.Rat).Abs(exact), scale)
	low := new(big.Int).Quo(x.Num(), x.Denom())
	rest := new(big.Rat).Sub(x, new(big.Rat).SetInt(low))
	half := rest.Cmp(big.NewRat(1, 2))
	up := map[money.Mode]bool{
		money.Down: false, money.Up: rest.Sign() > 0, money.HalfUp: half >= 0, money.HalfEven: half > 0 || half == 0 && low.Bit(0) == 1,
	}[mode]
	if up {
		low.Add(low, big.NewInt(1))
	}
	out := new(big.Rat).Quo(new(big.Rat).SetInt(low), scale)
	if exact.Sign() < 0 {
		out.Neg(out)
	}
	return out
}

func rat(a money.Amount) *big.Rat { return big.NewRat(int64(a), 1e8) }

// TestMonthsAddUp makes random months in every mode and with the coins of three
// currencies, and compares each with rationals: rows, residual, tax and total.
func TestMonthsAddUp(t *testing.T) {
	months := 10_000
	if testing.Short() {
		months = 500
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, mode := range []money.Mode{money.HalfUp, money.HalfEven, money.Down, money.Up} {
		for currency, digits := range map[string]int{"CNY": 2, "JPY": 0, "KWD": 3} {
			for range months {
				rules := statement.Rules{TaxInclusive: r.IntN(2) == 0, TaxPoints: []int32{0, 600, 1300, 925}[r.IntN(4)], Rounding: mode, Digits: digits}
				var sums []statement.Sum
				exact := new(big.Rat)
				for n := range 1 + r.IntN(12) {
					amount := money.Amount(r.Int64N(2e12) - 2e11)
					if r.IntN(4) == 0 { // on the middle between two coins
						amount = amount.Round(digits, money.Down) + []money.Amount{5e7, 5e6, 5e5, 5e4}[digits]
					}
					sums = append(sums, statement.Sum{Kind: "USAGE", Meter: string(rune('a' + n)), Exact: amount, Lines: 1})
					exact.Add(exact, rat(amount))
				}
				r.Shuffle(len(sums), func(i, j int) { sums[i], sums[j] = sums[j], sums[i] })
				got, err := statement.Make(sums, func(string) statement.Rules { return rules })
				if err != nil {
					t.Fatal(err)
				}
				whole := rounded(exact, digits, mode)
				tax := new(big.Rat).Mul(whole, big.NewRat(int64(rules.TaxPoints), 10_000))
				net, total := whole, new(big.Rat)
				if rules.TaxInclusive {
					tax.Quo(tax, big.NewRat(10_000+int64(rules.TaxPoints), 10_000))
					tax = rounded(tax, digits, mode)
					net, total = new(big.Rat).Sub(whole, tax), whole
				} else {
					tax = rounded(tax, digits, mode)
					total.Add(whole, tax)
				}
				rows := new(big.Rat)
				for _, row := range got.Rows {
					rows.Add(rows, rat(row.Amount))
					if row.Kind == "USAGE" && rat(row.Amount).Cmp(rounded(rat(row.Exact), digits, mode)) != 0 {
						t.Fatalf("%s %s: row %+v is not rounded once", mode, currency, row)
					}
				}
				if rat(got.Exact).Cmp(exact) != 0 || rat(got.Net).Cmp(net) != 0 || rat(got.Tax).Cmp(tax) != 0 || rat(got.Total).Cmp(total) != 0 || rows.Cmp(total) != 0 {
					t.Fatalf("%s %s %+v:\ngot %+v\nwant net %s, tax %s, total %s", mode, currency, rules, got, net.FloatString(8), tax.FloatString(8), total.FloatString(8))
				}
			}
		}
	}
}
