package pricing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/internal/money"
)

// Unit is the time or the count that a price is for.
type Unit string

// The units. Count is of sampled meters: requests, bytes.
const (
	Second Unit = "SECOND"
	Minute Unit = "MINUTE"
	Hour   Unit = "HOUR"
	Day    Unit = "DAY"
	Month  Unit = "MONTH" // the natural month that the usage is in, by its seconds
	Year   Unit = "YEAR"  // the natural year that the usage is in
	Count  Unit = "COUNT"
)

// Units are all units.
func Units() []Unit { return []Unit{Second, Minute, Hour, Day, Month, Year, Count} }

// Model is how money follows from usage.
type Model string

// The models.
const (
	PerUnit   Model = "PER_UNIT"  // price × usage
	Flat      Model = "FLAT"      // one fee in a month with any usage
	Graduated Model = "GRADUATED" // each part of the usage at its own tier's price
	Volume    Model = "VOLUME"    // all usage at the price of the tier that it reaches
	Package   Model = "PACKAGE"   // a fee that covers the first tier, what is over by unit
	Threshold Model = "THRESHOLD" // nothing below the first tier's end, all usage from there
)

// Charge is whether usage is paid after it or in advance.
type Charge string

// The kinds of charge.
const (
	Postpaid Charge = "POSTPAID"
	Prepaid  Charge = "PREPAID"
)

// Tier is a part of the usage of a month.
type Tier struct {
	UpTo  money.Quantity `json:"up_to"` // its end in units × time units; 0: without end
	Price money.Price    `json:"price"` // for a unit and time unit in it
	Fee   money.Amount   `json:"fee"`   // once, when it is reached
}

// Price is one version of a price. A version is never changed: a change is a newer
// version, an end is a newer version with Ended.
type Price struct {
	ID      string
	Version int32
	Name    string
	Book    string
	// What it is for. Empty means any; the price that says most wins.
	OrganizationID string
	AccountID      string
	Driver         string
	Region         string
	ResourceType   string            // "compute.vm"; never empty
	Match          map[string]string // spec values that must be equal: flavor_id
	States         []string          // states that are charged; empty: all that are metered
	// What is counted: a number of the spec ("vcpus", "size_gib"), a sampled meter,
	// or "instance", which is 1.
	Meter string
	Per   money.Quantity // how much of the meter is one unit: 1024 for GiB of memory_mib
	Unit  Unit
	Step  time.Duration // usage is charged in steps of it by the clock; 0: by the second
	// How much.
	Charge    Charge
	Term      int32 // of Prepaid: for orders of so many months or more; 0: for any
	Model     Model
	Price     money.Price
	Tiers     []Tier
	Pooled    bool // tiers count an organization's usage together, not each resource's
	Currency  string
	Effective time.Time
	Ended     bool
	CreatedAt time.Time
	CreatedBy string
}

// Instance is the meter that counts resources.
const Instance = "instance"

// Ref names a version: "0190…@3".
func (p *Price) Ref() string { return fmt.Sprintf("%s@%d", p.ID, p.Version) }

// weight orders prices that all fit: what says more wins. Each step outweighs all
// below it together.
func (p *Price) weight() int {
	w := min(len(p.Match), 15)
	if len(p.States) > 0 {
		w += 16
	}
	for n, selector := range []string{p.Region, p.Driver, p.AccountID, p.OrganizationID} {
		if selector != "" {
			w += 32 << n
		}
	}
	return w
}

// Selector is equal for prices that are for the same: they would compete without an
// order between them.
func (p *Price) Selector() string {
	var b strings.Builder
	for _, part := range []string{p.Book, string(p.Charge), p.Currency, p.OrganizationID, p.AccountID, p.Driver, p.Region, p.ResourceType, p.Meter} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Match)) {
		b.WriteString(key + "=" + p.Match[key] + "\x00")
	}
	b.WriteString(strings.Join(slices.Sorted(slices.Values(p.States)), ","))
	if p.Term > 0 {
		fmt.Fprintf(&b, "\x00%d months", p.Term)
	}
	return b.String()
}

// Usage is what a price must fit.
type Usage struct {
	OrganizationID, AccountID, Driver, Region, ResourceType, State string
	Spec                                                           map[string]string
	Months                                                         int32 // that are paid in advance
}

// fits tells whether the price is for the usage.
func (p *Price) fits(u *Usage) bool {
	if p.ResourceType != u.ResourceType || p.OrganizationID != "" && p.OrganizationID != u.OrganizationID ||
		p.AccountID != "" && p.AccountID != u.AccountID || p.Driver != "" && p.Driver != u.Driver || p.Region != "" && p.Region != u.Region {
		return false
	}
	if p.Term > u.Months || len(p.States) > 0 && !slices.Contains(p.States, u.State) {
		return false
	}
	for key, want := range p.Match {
		if u.Spec[key] != want {
			return false
		}
	}
	return true
}

// Quantity reads the meter out of a spec; ok is false where it is not told.
func (p *Price) Quantity(spec map[string]string) (q money.Quantity, ok bool) {
	q = 10_000
	if p.Meter != Instance {
		text, told := spec[p.Meter]
		if !told {
			return 0, false
		}
		var err error
		if q, err = money.ParseQuantity(text); err != nil || q < 0 {
			return 0, false
		}
	}
	if p.Per > 0 && p.Per != 10_000 {
		scaled, err := money.Amount(q).Ratio(10_000, int64(p.Per), money.HalfUp)
		if err != nil {
			return 0, false
		}
		q = money.Quantity(scaled)
	}
	return q, true
}

// Validate checks what a new version says.
func (p *Price) Validate() []Problem {
	var out []Problem
	bad := func(field, text string) { out = append(out, Problem{field, text}) }
	if p.ResourceType == "" {
		bad("resource_type", "is required")
	}
	if p.Meter == "" {
		bad("meter", "is required")
	}
	if p.Price < 0 || slices.ContainsFunc(p.Tiers, func(t Tier) bool { return t.Price < 0 || t.Fee < 0 }) {
		bad("price", "must not be negative")
	}
	if p.Per < 0 {
		bad("per", "must not be negative")
	}
	if p.Step != 0 && (p.Step < time.Second || 24*time.Hour%p.Step != 0) {
		bad("step_seconds", "must divide a day")
	}
	if p.Step != 0 && p.Model != PerUnit {
		bad("step_seconds", "goes with PER_UNIT only")
	}
	if len(p.Currency) != 3 {
		bad("currency", "must be three letters of ISO 4217")
	}
	switch tiered := p.Model == Graduated || p.Model == Volume || p.Model == Package || p.Model == Threshold; {
	case tiered && len(p.Tiers) == 0:
		bad("tiers", "are required by the model")
	case !tiered && p.Model != Flat && len(p.Tiers) > 0:
		bad("tiers", "do not go with the model")
	}
	var before money.Quantity
	for n, tier := range p.Tiers {
		last := n == len(p.Tiers)-1
		if last != (tier.UpTo == 0) || !last && tier.UpTo <= before {
			bad("tiers", "must rise, and only the last is without end")
			break
		}
		before = tier.UpTo
	}
	if p.Charge == Prepaid && (p.Model != PerUnit || p.Unit != Month && p.Unit != Year) {
		bad("charge_mode", "PREPAID needs the model PER_UNIT and the unit MONTH or YEAR")
	}
	if p.Term < 0 || p.Term > 0 && p.Charge != Prepaid {
		bad("term_months", "goes with PREPAID only")
	}
	return out
}

// Problem is one thing that is wrong with a price.
type Problem struct{ Field, Text string }
