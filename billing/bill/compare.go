package bill

import (
	"cmp"
	"slices"
	"strings"
)

// Charge is what one side charges for a resource on a day, in 10⁻⁸.
type Charge struct {
	ResourceID, ResourceType string
	Day                      string // "": the whole month
	Currency                 string
	Cost                     int64
	Unpriced                 bool // of the lines of cost: usage without a price is among them
}

// Reason is why a bill and the lines of cost differ.
type Reason int

// The reasons.
const (
	Amount       Reason = iota + 1 // both charge, and not the same
	NotMetered                     // no line of cost
	Unpriced                       // usage has no price
	NotBilled                      // the cloud charges nothing
	NoResource                     // the cloud charges what belongs to no resource
	Currency                       // the cloud charges in another currency
	CostCurrency                   // lines of cost are in a currency in which the cloud charges nothing, and it charges in another
)

// Difference is a resource and day on which the two differ.
type Difference struct {
	Charge       // what the cloud charges; Cost is 0 where it charges nothing
	Ours   int64 // what was charged on, in the same currency
	Reason Reason
}

// Gain is what was charged on less what the cloud charges, in 10⁻⁸.
func (d Difference) Gain() int64 { return d.Ours - d.Cost }

type key struct{ resource, day, currency string }

// Compare matches both sides by resource, day and currency. For a resource of which
// the cloud tells a month only, the month is compared. Amounts that differ by
// tolerance or less agree. The largest differences come first.
func Compare(provider, ours []Charge, tolerance int64) (differences []Difference, agreements int) {
	monthly := map[string]bool{} // resources of which the cloud does not tell days
	for _, c := range provider {
		if c.Day == "" {
			monthly[c.ResourceID] = true
		}
	}
	theirs, mine := sum(provider, monthly), sum(ours, monthly)
	costed, billed := anyCurrency(mine), anyCurrency(theirs)
	for k, c := range theirs {
		own, metered := mine[k]
		d := Difference{Charge: *c}
		if metered {
			d.Ours = own.Cost
		}
		if gain := d.Gain(); metered && gain <= tolerance && -gain <= tolerance {
			agreements++
			continue
		}
		switch {
		case k.resource == "":
			d.Reason = NoResource
		case metered && own.Unpriced:
			d.Reason = Unpriced
		case metered:
			d.Reason = Amount
		case costed[key{k.resource, k.day, ""}]:
			d.Reason = Currency
		default:
			d.Reason = NotMetered
		}
		if large(d, tolerance) {
			differences = append(differences, d)
		}
	}
	for k, own := range mine {
		if theirs[k] != nil {
			continue
		}
		d := Difference{Charge: *own, Ours: own.Cost, Reason: NotBilled}
		if billed[key{k.resource, k.day, ""}] {
			d.Reason = CostCurrency
		}
		d.Cost = 0
		if large(d, tolerance) {
			differences = append(differences, d)
		}
	}
	slices.SortFunc(differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), strings.Compare(a.ResourceID, b.ResourceID),
			strings.Compare(a.Day, b.Day), strings.Compare(a.Currency, b.Currency))
	})
	return differences, agreements
}

func sum(charges []Charge, monthly map[string]bool) map[key]*Charge {
	sums := map[key]*Charge{}
	for _, c := range charges {
		if monthly[c.ResourceID] {
			c.Day = ""
		}
		k := key{c.ResourceID, c.Day, c.Currency}
		at := sums[k]
		if at == nil {
			at = &Charge{ResourceID: c.ResourceID, ResourceType: c.ResourceType, Day: c.Day, Currency: c.Currency}
			sums[k] = at
		}
		at.ResourceType = cmp.Or(at.ResourceType, c.ResourceType)
		at.Cost += c.Cost
		at.Unpriced = at.Unpriced || c.Unpriced
	}
	return sums
}

// anyCurrency are the resources and days of a side.
func anyCurrency(side map[key]*Charge) map[key]bool {
	out := make(map[key]bool, len(side))
	for k := range side {
		out[key{k.resource, k.day, ""}] = true
	}
	return out
}

func size(d Difference) int64 { return max(d.Gain(), -d.Gain()) }

func large(d Difference, tolerance int64) bool { return size(d) > tolerance }
