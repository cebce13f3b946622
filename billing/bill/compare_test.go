package bill_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/billing/bill"
)

func charge(resource, day string, cost int64) bill.Charge {
	return bill.Charge{ResourceID: resource, ResourceType: "compute.vm", Day: day, Currency: "CNY", Cost: cost}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	dollars := charge("vm", "2026-11-01", 7)
	dollars.Currency = "USD"
	unpriced := charge("vm", "2026-11-01", 0)
	unpriced.Unpriced = true
	type found struct {
		Resource, Day string
		Gain          int64
		Reason        bill.Reason
	}
	for name, tc := range map[string]struct {
		provider, ours []bill.Charge
		tolerance      int64
		want           []found
		agree          int
	}{
		"nothing": {},
		"equal in parts": {
			provider: []bill.Charge{charge("vm", "2026-11-01", 4), charge("vm", "2026-11-01", 6)},
			ours:     []bill.Charge{charge("vm", "2026-11-01", 10)}, agree: 1,
		},
		"within tolerance": {
			provider: []bill.Charge{charge("vm", "2026-11-01", 10)}, ours: []bill.Charge{charge("vm", "2026-11-01", 9)}, tolerance: 1, agree: 1,
		},
		"dearer and cheaper, largest first": {
			provider: []bill.Charge{charge("a", "2026-11-01", 10), charge("b", "2026-11-01", 10)},
			ours:     []bill.Charge{charge("a", "2026-11-01", 11), charge("b", "2026-11-01", 5)},
			want:     []found{{"b", "2026-11-01", -5, bill.Amount}, {"a", "2026-11-01", 1, bill.Amount}},
		},
		"only the month is told": {
			provider: []bill.Charge{charge("vm", "", 30)},
			ours:     []bill.Charge{charge("vm", "2026-11-01", 10), charge("vm", "2026-11-02", 19)},
			want:     []found{{"vm", "", -1, bill.Amount}},
		},
		"not metered": {provider: []bill.Charge{charge("vm", "2026-11-01", 3)}, want: []found{{"vm", "2026-11-01", -3, bill.NotMetered}}},
		"not billed":  {ours: []bill.Charge{charge("vm", "2026-11-01", 3)}, want: []found{{"vm", "2026-11-01", 3, bill.NotBilled}}},
		"unpriced": {
			provider: []bill.Charge{charge("vm", "2026-11-01", 3)}, ours: []bill.Charge{unpriced},
			want: []found{{"vm", "2026-11-01", -3, bill.Unpriced}},
		},
		"of no resource": {provider: []bill.Charge{charge("", "2026-11-01", 3)}, want: []found{{"", "2026-11-01", -3, bill.NoResource}}},
		"another currency": {
			provider: []bill.Charge{dollars}, ours: []bill.Charge{charge("vm", "2026-11-01", 50)},
			want: []found{{"vm", "2026-11-01", 50, bill.CostCurrency}, {"vm", "2026-11-01", -7, bill.Currency}},
		},
		"a refund": {
			provider: []bill.Charge{charge("vm", "2026-11-01", 10), charge("vm", "2026-11-01", -10)}, ours: []bill.Charge{charge("vm", "2026-11-01", 0)}, agree: 1,
		},
		"charged 0 by the cloud, unknown to us": {provider: []bill.Charge{charge("vm", "2026-11-01", 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differences, agree := bill.Compare(tc.provider, tc.ours, tc.tolerance)
			var got []found
			for _, d := range differences {
				got = append(got, found{d.ResourceID, d.Day, d.Gain(), d.Reason})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || agree != tc.agree {
				t.Errorf("%d agree, want %d; differences (-want +got):\n%s", agree, tc.agree, diff)
			}
		})
	}
}

// What differs adds up to the difference of the sums, whatever the lines are.
func TestDifferencesAddUp(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	side := func() (charges []bill.Charge, sum int64) {
		days := []string{"", "2026-11-01", "2026-11-02"}
		for range random.IntN(40) {
			c := charge(string(rune('a'+random.IntN(6))), days[random.IntN(3)], random.Int64N(100)-20)
			charges, sum = append(charges, c), sum+c.Cost
		}
		return charges, sum
	}
	for range 2000 {
		provider, theirs := side()
		ours, mine := side()
		differences, _ := bill.Compare(provider, ours, 0)
		var gain int64
		for _, d := range differences {
			gain += d.Gain()
		}
		if gain != mine-theirs {
			t.Fatalf("seed %d: differences come to %d, the sums differ by %d:\n%v\n%v", seed, gain, mine-theirs, provider, ours)
		}
	}
}
