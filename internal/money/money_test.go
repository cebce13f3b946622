package money_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/yunqiao/yunqiao/internal/money"
)

func TestParseAndPrint(t *testing.T) {
	for text, want := range map[string]struct {
		parts   int64
		printed string
	}{
		"0": {0, "0"}, "-0.00": {0, "0"}, "12.50": {1_250_000_000, "12.5"}, "-0.00000001": {-1, "-0.00000001"},
		"92233720368.54775": {9223372036854775000, "92233720368.54775"}, "1.500000000000": {150_000_000, "1.5"},
		"0007": {700_000_000, "7"},
	} {
		got, err := money.ParseAmount(text)
		if err != nil || int64(got) != want.parts || got.String() != want.printed {
			t.Errorf("%q: got %d %q %v, want %d %q", text, got, got, err, want.parts, want.printed)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1e3", "+1", " 1", "1,5", "0.000000001", "922337203685.5", "--1", "NaN"} {
		if got, err := money.ParseAmount(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
	if got := money.Amount(1_250_000_000).Fixed(2); got != "12.50" {
		t.Errorf("fixed: got %s", got)
	}
	if got := money.Amount(-1).Fixed(2); got != "-0.00000001" {
		t.Errorf("fixed of more digits: got %s", got)
	}
}

func TestPrintedTextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(-9_000_000_000_000_000_000, 9_000_000_000_000_000_000).Draw(t, "amount"))
		for _, text := range []string{a.String(), a.Fixed(2), a.Fixed(8)} {
			if back, err := money.ParseAmount(text); err != nil || back != a {
				t.Fatalf("%d as %q: got %d, %v", a, text, back, err)
			}
		}
	})
}

func TestRound(t *testing.T) {
	for _, c := range []struct{ in, up, even, down, away string }{
		{"1.005", "1.01", "1", "1", "1.01"}, {"1.015", "1.02", "1.02", "1.01", "1.02"}, {"-1.005", "-1.01", "-1", "-1", "-1.01"},
		{"1.0049", "1", "1", "1", "1.01"}, {"1.00500001", "1.01", "1.01", "1", "1.01"}, {"0", "0", "0", "0", "0"}, {"-0.00000001", "0", "0", "0", "-0.01"},
	} {
		a, err := money.ParseAmount(c.in)
		if err != nil {
			t.Fatal(err)
		}
		for mode, want := range map[money.Mode]string{money.HalfUp: c.up, money.HalfEven: c.even, money.Down: c.down, money.Up: c.away} {
			if got := a.Round(2, mode).String(); got != want {
				t.Errorf("%s %s: got %s, want %s", c.in, mode, got, want)
			}
		}
	}
}

// TestRatioAgainstRationals compares with math/big.
func TestRatioAgainstRationals(t *testing.T) {
	modes := []money.Mode{money.HalfUp, money.HalfEven, money.Down, money.Up}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-1e15, 1e15).Draw(t, "amount")
		n, d := rapid.Int64Range(0, 1e6).Draw(t, "numerator"), rapid.Int64Range(1, 1e6).Draw(t, "denominator")
		mode := rapid.SampledFrom(modes).Draw(t, "mode")
		got, err := money.Amount(a).Ratio(n, d, mode)
		exact := new(big.Rat).Mul(big.NewRat(a, 1), big.NewRat(n, d))
		want := roundRat(exact, mode)
		if want.IsInt64() != (err == nil) || err == nil && big.NewInt(int64(got)).Cmp(want) != 0 {
			t.Fatalf("%d × %d ÷ %d %s: got %d, %v, want %s", a, n, d, mode, got, err, want)
		}
	})
}

// roundRat rounds by comparing the two neighbours.
func roundRat(r *big.Rat, mode money.Mode) *big.Int {
	size := new(big.Rat).Abs(r)
	low := new(big.Int).Quo(size.Num(), size.Denom())
	rest := new(big.Rat).Sub(size, new(big.Rat).SetInt(low))
	half := rest.Cmp(big.NewRat(1, 2))
	if rest.Sign() > 0 && (mode == money.Up || half > 0 && mode != money.Down || half == 0 && (mode == money.HalfUp || mode == money.HalfEven && low.Bit(0) == 1)) {
		low.Add(low, big.NewInt(1))
	}
	if r.Sign() < 0 {
		low.Neg(low)
	}
	return low
}

func TestSumAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum money.Sum128
		want := new(big.Int)
		for range rapid.IntRange(0, 6).Draw(t, "products") {
			p, u := rapid.Uint64Range(0, 1e16).Draw(t, "price"), rapid.Uint64Range(0, 1e16).Draw(t, "usage")
			sum.AddProduct(p, u)
			want.Add(want, new(big.Int).Mul(new(big.Int).SetUint64(p), new(big.Int).SetUint64(u)))
		}
		factor, divisor := rapid.Uint64Range(0, 10_000).Draw(t, "factor"), rapid.Uint64Range(1, 1e18).Draw(t, "divisor")
		sum.Scale(factor)
		want.Mul(want, new(big.Int).SetUint64(factor))
		want.Quo(want, new(big.Int).SetUint64(divisor))
		got, err := sum.Floor(divisor)
		if want.IsInt64() != (err == nil) || err == nil && got != want.Int64() {
			t.Fatalf("got %d, %v, want %s", got, err, want)
		}
	})
}
