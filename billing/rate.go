package billing

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
)

// rateChanged rates the months from the oldest change on until the last midnight,
// if anything has changed before it or a day has passed.
func (m *Module) rateChanged(ctx context.Context) error {
	midnight := calendar.Day(m.now(), m.zone)
	done, ratedUntil, err := m.rated(ctx)
	if err != nil {
		return err
	}
	var changes struct {
		Last   int64
		Oldest *int64
	}
	err = m.read(ctx).Model(&changeRow{}).Where("id > ?", done).Select("COALESCE(MAX(id), 0) AS last, MIN(since) AS oldest").Scan(&changes).Error
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	from := midnight
	if changes.Oldest != nil {
		from = time.Unix(*changes.Oldest, 0)
	}
	if ratedUntil.Before(midnight) && !ratedUntil.IsZero() && ratedUntil.Before(from) {
		from = ratedUntil
	}
	if from.Before(midnight) {
		first, err := m.firstMonth(ctx)
		if err != nil {
			return err
		}
		if first.IsZero() {
			first = midnight
		}
		if from.Before(first) { // prices may hold for centuries
			from = first
		}
		for month := calendar.Month(from, m.zone); month.Before(midnight); month = month.AddDate(0, 1, 0) {
			result, err := m.Rate(ctx, month, midnight)
			if err != nil {
				return err
			}
			if result.Added+result.TakenBack+result.Corrections > 0 {
				m.log.LogAttrs(ctx, slog.LevelInfo, "usage was rated", slog.String("period", calendar.Name(month)), slog.Int("added", result.Added),
					slog.Int("taken_back", result.TakenBack), slog.Int("corrections", result.Corrections), slog.Int("kept", result.Kept))
			}
		}
	}
	if changes.Last <= done && !ratedUntil.Before(midnight) {
		return nil
	}
	return m.write(ctx, func(tx *gorm.DB) error { return setRated(tx, max(done, changes.Last), midnight) })
}

// firstMonth is the oldest in which there can be something to rate; zero: nothing was
// ever used or entered.
func (m *Module) firstMonth(ctx context.Context) (time.Time, error) {
	used, err := metering.First(m.read(ctx))
	if err != nil {
		return used, err
	}
	entered, err := ledger.FirstMonth(m.read(ctx))
	if err != nil {
		return used, err
	}
	first := used
	if !used.IsZero() {
		first = calendar.Month(used, m.zone)
	}
	if entered == "" {
		return first, nil
	}
	month, err := calendar.Parse(entered, m.zone)
	if err != nil {
		return first, err
	}
	if first.IsZero() || month.Before(first) {
		first = month
	}
	return first, nil
}

// Rate brings the lines of a month to what its usage until a time costs. Repeated
// with the same facts it changes nothing.
func (m *Module) Rate(ctx context.Context, month, until time.Time) (result ledger.Result, err error) {
	if end := month.AddDate(0, 1, 0); until.After(end) {
		until = end
	}
	until = until.Truncate(time.Second)
	err = m.write(ctx, func(tx *gorm.DB) error {
		if err := ledger.Lock(tx); err != nil {
			return err
		}
		if until, err = m.cutAt(tx, month, until); err != nil {
			return err
		}
		events, _, err := metering.Usage(tx, m.phases, month, until)
		if err != nil {
			return err
		}
		lines, err := m.lines(tx, events, month, until)
		if err != nil {
			return err
		}
		if result, err = ledger.Reconcile(tx, month, lines, m.now()); err != nil || until.Before(month.AddDate(0, 1, 0)) {
			return err
		}
		if err := metering.Mark(tx, m.phases, events, until); err != nil {
			return err
		}
		credits, err := m.credit(tx, month)
		result.Added += credits
		return err
	})
	if err != nil {
		return result, fmt.Errorf("rate %s: %w", calendar.Name(month), err)
	}
	return result, nil
}

// cutAt keeps a time within a day until which is rated, so that lines end there
// ever after, and never goes back behind what was rated before.
func (m *Module) cutAt(tx *gorm.DB, month, until time.Time) (time.Time, error) {
	var last ledger.Cut
	if err := tx.Where("period = ?", calendar.Name(month)).Order("at DESC").Limit(1).Find(&last).Error; err != nil {
		return until, fmt.Errorf("read cuts: %w", err)
	}
	if time.Unix(last.At, 0).After(until) {
		return time.Unix(last.At, 0), nil
	}
	if !until.After(month) {
		return until, nil
	}
	cut := ledger.Cut{Period: calendar.Name(month), At: until.Unix()}
	return until, tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&cut).Error
}

// lines are what a month should have by events of resources.
func (m *Module) lines(tx *gorm.DB, events map[string][]metering.Event, month, until time.Time) ([]rating.Line, error) {
	catalogue, err := pricing.Load(tx)
	if err != nil {
		return nil, err
	}
	covers, err := coversOf(tx)
	if err != nil {
		return nil, err
	}
	attributions, err := attributionsOf(tx)
	if err != nil {
		return nil, err
	}
	var cuts []ledger.Cut
	if err := tx.Where("period = ?", calendar.Name(month)).Order("at").Find(&cuts).Error; err != nil {
		return nil, fmt.Errorf("read cuts: %w", err)
	}
	input := rating.Month{Start: month, Until: until, Catalogue: catalogue}
	for _, cut := range cuts {
		input.Cuts = append(input.Cuts, time.Unix(cut.At, 0))
	}
	places, err := m.clouds(tx)
	if err != nil {
		return nil, err
	}
	for id, list := range events {
		place, err := places.of(list[0].AccountID)
		if err != nil {
			return nil, err
		}
		input.Resources = append(input.Resources, rating.Resource{
			ID: id, Type: list[0].ResourceType, AccountID: list[0].AccountID, Driver: place.Driver, Region: place.Region,
			Segments: metering.Timeline(list, m.phases, until), Samples: metering.Samples(list), Covers: covers[id], Attributions: attributions[id],
			Owner: func(at time.Time) string { return metering.OwnerAt(list, at) },
		})
	}
	slices.SortFunc(input.Resources, func(a, b rating.Resource) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return rating.Rate(input)
}

// ratedRow is how far rating has come.
type ratedRow struct {
	Reader   string `gorm:"primaryKey;size:32"`
	Position int64
}

// TableName implements gorm's Tabler.
func (ratedRow) TableName() string { return "billing_positions" }

// Names of the positions of rating.
const (
	lastChange = "rating"       // id of the last change that was dealt with
	lastUntil  = "rating_until" // Unix seconds
)

func (m *Module) rated(ctx context.Context) (change int64, until time.Time, err error) {
	var rows []ratedRow
	if err := m.read(ctx).Where("reader IN ?", []string{lastChange, lastUntil}).Find(&rows).Error; err != nil {
		return 0, until, fmt.Errorf("read how far was rated: %w", err)
	}
	for _, r := range rows {
		if r.Reader == lastChange {
			change = r.Position
		} else {
			until = time.Unix(r.Position, 0)
		}
	}
	return change, until, nil
}

func setRated(tx *gorm.DB, change int64, until time.Time) error {
	for _, r := range []ratedRow{{lastChange, change}, {lastUntil, until.Unix()}} {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error; err != nil {
			return fmt.Errorf("keep how far was rated: %w", err)
		}
	}
	return nil
}
