package rating

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/money"
)

// Resource is one resource with its usage of all time.
type Resource struct {
	ID, Type, AccountID, Driver, Region string
	Segments                            []metering.Segment
	Samples                             []metering.Sample
	Owner                               func(at time.Time) string // of samples
	Attributions                        []AttributionStep         // by From
	Covers                              []Cover
}

// AttributionStep says for whom a resource is from a time on.
type AttributionStep struct {
	From time.Time
	Attribution
}

// Cover is time that is paid in advance.
type Cover struct {
	From, To time.Time
	OrderID  string
}

// Month is what is rated: all usage from Start until Until, which is in the same
// month or its end.
type Month struct {
	Start     time.Time // beginning of the month, in the zone of the bills
	Until     time.Time
	Cuts      []time.Time // further times at which lines end
	Resources []Resource
	Catalogue *pricing.Catalogue
}

// piece is usage between two cuts: nothing changes within it.
type piece struct {
	resource *Resource
	segment  *metering.Segment
	spec     *spec
	from, to time.Time
	day      int64
	step     Attribution
	cover    string
	sample   *metering.Sample
}

// spec is a spec with its canonical text.
type spec struct {
	values map[string]string
	text   string
}

// Rate makes the lines of a month, in the order of day, resource, time and meter.
func Rate(m Month) ([]Line, error) {
	var pieces []piece
	for n := range m.Resources {
		pieces = m.cut(pieces, &m.Resources[n])
	}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.resource.ID, b.resource.ID), a.from.Compare(b.from))
	})
	r := NewRater(m.Start, m.Catalogue)
	lines := make([]Line, 0, 2*len(pieces))
	for n := range pieces {
		var err error
		if lines, err = r.rate(lines, &pieces[n]); err != nil {
			return nil, fmt.Errorf("rate %s from %s: %w", pieces[n].resource.ID, pieces[n].from.Format(time.RFC3339), err)
		}
	}
	return lines, nil
}

// cut divides the usage of a resource at days, at changes of prices and
// attribution, and where it begins or ceases to be paid in advance.
func (m *Month) cut(to []piece, r *Resource) []piece {
	zone := m.Start.Location()
	end := m.Start.AddDate(0, 1, 0)
	if m.Until.Before(end) {
		end = m.Until
	}
	specs := map[string]*spec{}
	for n := range r.Segments {
		s := &r.Segments[n]
		from, until := later(s.From, m.Start), earlier(s.To, end)
		if !from.Before(until) {
			continue
		}
		times := append(m.changes(r, from, until), from, until)
		for day := calendar.NextDay(calendar.Day(from, zone)); day.Before(until); day = calendar.NextDay(day) {
			times = append(times, day)
		}
		slices.SortFunc(times, time.Time.Compare)
		times = slices.CompactFunc(times, time.Time.Equal)
		text := metering.SpecText(s.Spec)
		if specs[text] == nil {
			specs[text] = &spec{s.Spec, text}
		}
		for i := range len(times) - 1 {
			p := piece{resource: r, segment: s, spec: specs[text], from: times[i], to: times[i+1], day: calendar.Day(times[i], zone).Unix()}
			p.step, p.cover = r.attribution(p.from), r.cover(p.from)
			to = append(to, p)
		}
	}
	for n := range r.Samples {
		s := &r.Samples[n]
		if s.From.Before(m.Start) || !s.From.Before(end) {
			continue
		}
		to = append(to, piece{
			resource: r, sample: s, spec: &spec{nil, "{}"}, from: s.From.Truncate(time.Second), to: s.To.Truncate(time.Second), day: calendar.Day(s.From, zone).Unix(),
			segment: &metering.Segment{OrganizationID: r.Owner(s.From), FirstEvent: s.EventID, LastEvent: s.EventID}, step: r.attribution(s.From),
		})
	}
	return to
}

// changes are the times within (from, until) at which anything but usage changes.
func (m *Month) changes(r *Resource, from, until time.Time) []time.Time {
	times := m.Catalogue.Changes(nil, r.Type, from, until)
	add := func(at time.Time) {
		if at.After(from) && at.Before(until) {
			times = append(times, at)
		}
	}
	for _, at := range m.Cuts {
		add(at)
	}
	for _, step := range r.Attributions {
		add(step.From)
	}
	for _, c := range r.Covers {
		add(c.From)
		add(c.To)
	}
	for n := range times {
		times[n] = times[n].Truncate(time.Second)
	}
	return times
}

func (r *Resource) attribution(at time.Time) Attribution {
	var found Attribution
	for _, step := range r.Attributions {
		if step.From.After(at) {
			break
		}
		found = step.Attribution
	}
	return found
}

func (r *Resource) cover(at time.Time) string {
	for _, c := range r.Covers {
		if !at.Before(c.From) && at.Before(c.To) {
			return c.OrderID
		}
	}
	return ""
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Rater prices pieces of a month one after the other. Tiers fill in that order.
type Rater struct {
	start     time.Time
	month     int64 // start in Unix seconds
	catalogue *pricing.Catalogue
	used      map[pool]uint64    // of prices with tiers
	stepped   map[pool]time.Time // of prices with steps: until when is charged
	prices    []*pricing.Price   // of the piece at hand
}

// pool is what fills tiers together.
type pool struct {
	price *pricing.Price
	who   string
}

// NewRater makes a Rater for a month.
func NewRater(start time.Time, catalogue *pricing.Catalogue) *Rater {
	return &Rater{start: start, month: start.Unix(), catalogue: catalogue, used: map[pool]uint64{}, stepped: map[pool]time.Time{}}
}

func (r *Rater) rate(lines []Line, p *piece) ([]Line, error) {
	u := pricing.Usage{
		OrganizationID: p.segment.OrganizationID, AccountID: p.resource.AccountID, Driver: p.resource.Driver, Region: p.resource.Region,
		ResourceType: p.resource.Type, State: p.segment.State, Spec: p.spec.values,
	}
	line := Line{
		Category: Usage, ResourceID: p.resource.ID, ResourceType: p.resource.Type, AccountID: p.resource.AccountID, Driver: p.resource.Driver,
		Region: p.resource.Region, OrganizationID: p.segment.OrganizationID, Attribution: p.step, From: p.from, To: p.to, State: p.segment.State,
		Spec: p.spec.text, Unmanaged: p.segment.Unmanaged, Currency: DefaultCurrency,
		FirstEvent: p.segment.FirstEvent, LastEvent: p.segment.LastEvent,
	}
	if p.cover != "" {
		line.Meter, line.Quantity, line.Usage, line.Reason, line.OrderID = pricing.Instance, one, one*seconds(p), Covered, p.cover
		return append(lines, line), nil
	}
	r.prices = r.catalogue.For(r.prices[:0], &u, pricing.Postpaid, p.from)
	if p.sample != nil {
		return r.rateSample(lines, line, p, &u)
	}
	priced := false
	for _, price := range r.prices {
		if price.Unit == pricing.Count {
			continue
		}
		priced = true
		lines = append(lines, line)
		if err := r.price(&lines[len(lines)-1], price, &u, p); err != nil {
			return nil, err
		}
	}
	if !priced && !r.catalogue.Knows(&u, p.from) {
		line.Meter, line.Quantity, line.Usage, line.Reason = pricing.Instance, one, one*seconds(p), Unpriced
		lines = append(lines, line)
	}
	return lines, nil
}

// DefaultCurrency is that of lines without a price.
const DefaultCurrency = "CNY"

const one = 10_000 // of money.Quantity

func seconds(p *piece) uint64 { return uint64(p.to.Unix() - p.from.Unix()) }

// rateSample prices a count by the price of its meter.
func (r *Rater) rateSample(lines []Line, line Line, p *piece, u *pricing.Usage) ([]Line, error) {
	q, err := money.ParseQuantity(p.sample.Quantity)
	if err != nil || q < 0 {
		return nil, fmt.Errorf("sample of %s: %q is no quantity", p.sample.Meter, p.sample.Quantity)
	}
	line.Meter, line.Quantity, line.Usage, line.Unit = p.sample.Meter, q, uint64(q), string(pricing.Count)
	for _, price := range r.prices {
		if price.Meter != p.sample.Meter || price.Unit != pricing.Count {
			continue
		}
		if price.Per > 0 {
			scaled, err := money.Amount(q).Ratio(one, int64(price.Per), money.HalfUp)
			if err != nil {
				return nil, err
			}
			line.Quantity, line.Usage = money.Quantity(scaled), uint64(scaled)
		}
		if err := r.tiered(&line, price, u, p.from); err != nil {
			return nil, err
		}
		return append(lines, line), nil
	}
	line.Reason = Unpriced
	return append(lines, line), nil
}

// price fills in one meter of a piece.
func (r *Rater) price(line *Line, price *pricing.Price, u *pricing.Usage, p *piece) error {
	line.Meter, line.Unit = price.Meter, string(price.Unit)
	q, told := price.Quantity(p.spec.values)
	if !told {
		line.Reason = NoQuantity
		describe(line, price)
		return nil
	}
	line.Quantity = q
	line.Usage = uint64(q) * seconds(p)
	if price.Model != pricing.PerUnit {
		return r.tiered(line, price, u, p.from)
	}
	from, to := p.from, p.to
	if price.Step > 0 {
		from, to = r.step(price, p)
		line.Usage = uint64(q) * uint64(max(0, to.Unix()-from.Unix()))
		if !from.Before(to) {
			describe(line, price)
			return nil
		}
	}
	start, end := uint64(q)*uint64(from.Unix()-r.month), uint64(q)*uint64(to.Unix()-r.month)
	return r.between(line, price, u, p.from, start, end)
}

// step widens a piece to the steps of the clock that it touches, without those
// that an earlier piece has been charged for.
func (r *Rater) step(price *pricing.Price, p *piece) (from, to time.Time) {
	length := int64(price.Step / time.Second)
	first := p.from.Unix() - r.month
	last := p.to.Unix() - r.month
	from = r.start.Add(time.Duration(first-first%length) * time.Second)
	to = r.start.Add(time.Duration((last+length-1)/length*length) * time.Second)
	key := pool{who: p.resource.ID + "\x00" + price.Meter}
	from = later(from, r.stepped[key])
	if r.stepped[key].Before(to) {
		r.stepped[key] = to
	}
	return from, to
}

// tiered counts usage up from the beginning of the month.
func (r *Rater) tiered(line *Line, price *pricing.Price, u *pricing.Usage, at time.Time) error {
	key := pool{price, line.ResourceID}
	if price.Pooled {
		key.who = u.OrganizationID
	}
	start := r.used[key]
	r.used[key] = start + line.Usage
	return r.between(line, price, u, at, start, start+line.Usage)
}

// between is the money between two readings of the counter.
func (r *Rater) between(line *Line, price *pricing.Price, u *pricing.Usage, at time.Time, start, end uint64) error {
	points, discount := r.catalogue.Discount(u, at)
	describe(line, price)
	line.DiscountID = discount
	var err error
	if line.List, err = difference(pricing.NewCounter(price, r.start, 0), start, end); err != nil {
		return err
	}
	line.Cost = line.List
	if points > 0 {
		line.Cost, err = difference(pricing.NewCounter(price, r.start, points), start, end)
	}
	return err
}

func difference(c pricing.Counter, start, end uint64) (money.Amount, error) {
	before, err := c.At(start)
	if err != nil {
		return 0, err
	}
	after, err := c.At(end)
	return after - before, err
}

// describe says by which price a line is.
func describe(line *Line, price *pricing.Price) {
	line.PriceID, line.PriceVersion, line.Book, line.Currency = price.ID, price.Version, price.Book, price.Currency
	if price.Model == pricing.PerUnit {
		line.UnitPrice = price.Price
	}
}
