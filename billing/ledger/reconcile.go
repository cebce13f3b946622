package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/rating"
)

// Origins of lines.
const (
	FromRating = "RATING"
	FromOrder  = "ORDER"
	FromEntry  = "ENTRY"
)

// Result counts what a comparison added.
type Result struct {
	Added       int // lines of usage
	TakenBack   int // lines that take back others
	Corrections int // lines for a closed month
	Kept        int // lines that were there already
}

// Reconcile brings the recorded lines of a month of usage to what they should be,
// in the caller's transaction, under Lock. In a month that is not closed each
// wrong line is taken back and the right one added. A closed month is not touched:
// the difference of each meter of a resource is one line in the next open month.
// Called again with the same lines it adds nothing.
func Reconcile(tx *gorm.DB, month time.Time, want []rating.Line, now time.Time) (Result, error) {
	name := calendar.Name(month)
	var recorded []Row
	err := tx.Where("usage_month = ? AND origin = ?", name, FromRating).Order("recorded_at, id").Find(&recorded).Error
	if err != nil {
		return Result{}, fmt.Errorf("read lines of %s: %w", name, err)
	}
	state, err := Current(tx, name)
	if err != nil {
		return Result{}, err
	}
	target, err := firstOpen(tx, month)
	if err != nil {
		return Result{}, err
	}
	c := comparison{month: month, target: target, now: now, recorded: recorded}
	var rows []Row
	if state.State == Closed {
		rows = c.corrections(want)
	} else {
		if rows, err = c.differences(tx, want); err != nil {
			return Result{}, err
		}
	}
	return c.result, Append(tx, rows)
}

type comparison struct {
	month    time.Time
	target   string // first open month from the month on
	now      time.Time
	recorded []Row
	result   Result
}

// differences compares line by line.
func (c *comparison) differences(tx *gorm.DB, want []rating.Line) ([]Row, error) {
	taken := map[string]bool{}
	seen := map[string]int{} // how often a digest was recorded
	for n := range c.recorded {
		if c.recorded[n].Takes != "" {
			taken[c.recorded[n].Takes] = true
		}
	}
	live := map[string]*Row{}
	for n := range c.recorded {
		r := &c.recorded[n]
		if r.Takes != "" {
			continue
		}
		seen[r.Digest]++
		if !taken[r.ID] {
			live[r.Digest] = r
		}
	}
	var rows []Row
	for n := range want {
		digest := want[n].Digest(0)
		if live[digest] != nil {
			delete(live, digest)
			c.result.Kept++
			continue
		}
		rows = append(rows, toRow(&want[n], FromRating, c.target, seen[digest], c.month.Location(), c.now))
		seen[digest]++
		c.result.Added++
	}
	wrong := make([]*Row, 0, len(live))
	for _, r := range live {
		wrong = append(wrong, r)
	}
	slices.SortFunc(wrong, func(a, b *Row) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range wrong {
		period, err := c.periodOf(tx, r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, takeBack(r, period, c.now))
		c.result.TakenBack++
	}
	return rows, nil
}

// periodOf is where a line is taken back: in its own month unless that is closed.
func (c *comparison) periodOf(tx *gorm.DB, r *Row) (string, error) {
	month, err := calendar.Parse(r.Period, c.month.Location())
	if err != nil {
		return "", err
	}
	return firstOpen(tx, month)
}

// takeBack is a line with everything of another, but its amounts below zero.
func takeBack(r *Row, period string, now time.Time) Row {
	back := *r
	l := r.Line()
	l.Corrects = r.ID
	back.ID, back.Takes, back.Corrects, back.Period = l.Digest(-1), r.ID, r.ID, period
	back.Usage, back.List, back.Cost, back.RecordedAt = -r.Usage, -r.List, -r.Cost, now.Unix()
	if period != r.Period {
		back.Class = rating.Correction
	}
	return back
}

// group is what one correction of a closed month is about.
type group struct{ resourceID, meter, organizationID, currency string }

func groupOf(l *rating.Line) group { return group{l.ResourceID, l.Meter, l.OrganizationID, l.Currency} }

// corrections compares sums of meters of resources.
func (c *comparison) corrections(want []rating.Line) []Row {
	type total struct {
		list, cost, usage int64
		sample            *rating.Line // whose resource and price the correction names
		first             string       // the first line that is recorded
		revision          int
	}
	totals := map[group]*total{}
	find := func(g group) *total {
		if totals[g] == nil {
			totals[g] = &total{}
		}
		return totals[g]
	}
	for n := range want {
		t := find(groupOf(&want[n]))
		t.list, t.cost, t.usage = t.list+int64(want[n].List), t.cost+int64(want[n].Cost), t.usage+int64(want[n].Usage)
		t.sample = &want[n]
	}
	for n := range c.recorded {
		l := c.recorded[n].Line()
		t := find(groupOf(&l))
		t.list, t.cost, t.usage = t.list-c.recorded[n].List, t.cost-c.recorded[n].Cost, t.usage-c.recorded[n].Usage
		if t.sample == nil {
			t.sample = &l
		}
		if t.first == "" {
			t.first = c.recorded[n].ID
		}
		t.revision++
	}
	var rows []Row
	for _, t := range totals {
		if t.list == 0 && t.cost == 0 && t.usage == 0 {
			continue
		}
		l := *t.sample
		l.From, l.To = c.month, c.month.AddDate(0, 1, 0)
		l.List, l.Cost, l.Usage = 0, 0, 0
		l.Quantity, l.UnitPrice = 0, 0
		l.State, l.Spec, l.Reason = "", "{}", ""
		l.Corrects = cmp.Or(t.first, calendar.Name(c.month))
		row := toRow(&l, FromRating, c.target, t.revision, c.month.Location(), c.now)
		row.List, row.Cost, row.Usage, row.Class = t.list, t.cost, t.usage, rating.Correction
		row.Digest = row.ID
		rows = append(rows, row)
		c.result.Corrections++
	}
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.ID, b.ID) })
	return rows
}
