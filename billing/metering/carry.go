package metering

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
)

// Usage from a time on follows from the events since then and, of those before it, a
// few of each resource that was in use at that time. A watermark is such a time, with
// the ids of these few kept beside it: rating a month reads from the last watermark on
// instead of from the beginning. An event that changes what was before a watermark takes
// it away.

// watermarkRow is a time from which on usage can be read. At is in Unix microseconds.
type watermarkRow struct {
	At     int64  `gorm:"primaryKey;autoIncrement:false"`
	Phases string `gorm:"size:32;not null"` // which states were metered when it was made
}

// TableName implements gorm's Tabler.
func (watermarkRow) TableName() string { return "billing_watermarks" }

// carriedRow is an event before a watermark that matters after it.
type carriedRow struct {
	At      int64  `gorm:"primaryKey;autoIncrement:false"`
	EventID string `gorm:"primaryKey;size:32"`
}

// TableName implements gorm's Tabler.
func (carriedRow) TableName() string { return "billing_carried" }

// WatermarkTables makes the tables of watermarks.
func WatermarkTables(tx *gorm.DB) error {
	return tx.Migrator().CreateTable(&watermarkRow{}, &carriedRow{})
}

const (
	// keptWatermarks are enough for corrections of the months before the last.
	keptWatermarks = 3
	// manyIDs go into one statement.
	manyIDs = 500
)

// Usage reads what is needed to know the usage from a time until another, by resource
// and in order. read is how many events it took.
func Usage(tx *gorm.DB, phases *ContractPhases, from, until time.Time) (events map[string][]Event, read int, err error) {
	events = map[string][]Event{}
	all := func(query *gorm.DB) error {
		n, err := collect(query, events)
		read += n
		return err
	}
	var mark watermarkRow
	found := tx.Where("at <= ? AND phases = ?", from.UnixMicro(), phases.fingerprint).Order("at DESC").Limit(1).Find(&mark)
	if found.Error != nil {
		return nil, 0, fmt.Errorf("read watermarks: %w", found.Error)
	}
	if found.RowsAffected == 0 {
		err = all(tx.Where("at < ?", until.UnixMicro()))
	} else if err = all(tx.Where("event_id IN (SELECT event_id FROM billing_carried WHERE at = ?)", mark.At)); err == nil {
		carried := maps.Clone(events)
		if err = all(tx.Where("at >= ? AND at < ?", mark.At, until.UnixMicro())); err == nil {
			idle := slices.DeleteFunc(slices.Collect(maps.Keys(events)), func(id string) bool { return carried[id] != nil })
			for ids := range slices.Chunk(idle, manyIDs) {
				if err == nil {
					err = all(tx.Where("resource_id IN ? AND at < ?", ids, mark.At))
				}
			}
		}
	}
	for _, list := range events {
		Order(list)
	}
	return events, read, err
}

// collect adds the events of a query by resource, and counts them.
func collect(query *gorm.DB, to map[string][]Event) (n int, err error) {
	rows, err := query.Model(&eventRow{}).Rows()
	if err != nil {
		return 0, fmt.Errorf("read events of usage: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r eventRow
		if err := query.ScanRows(rows, &r); err != nil {
			return n, fmt.Errorf("read events of usage: %w", err)
		}
		e, err := r.event()
		if err != nil {
			return n, err
		}
		to[e.ResourceID] = append(to[e.ResourceID], e)
		n++
	}
	return n, rows.Err()
}

// Mark makes a watermark of a time out of the events that Usage gave until it, unless
// there is one.
func Mark(tx *gorm.DB, phases *ContractPhases, events map[string][]Event, at time.Time) error {
	mark := watermarkRow{At: at.UnixMicro(), Phases: phases.fingerprint}
	var known int64
	if err := tx.Model(&watermarkRow{}).Where("at = ? AND phases = ?", mark.At, mark.Phases).Count(&known).Error; err != nil || known > 0 {
		return err
	}
	if err := tx.Model(&watermarkRow{}).Where("at > ?", mark.At).Count(&known).Error; err != nil || known >= keptWatermarks {
		return err
	}
	if err := forget(tx, "at = ?", mark.At); err != nil {
		return err
	}
	var carried []carriedRow
	for _, id := range slices.Sorted(maps.Keys(events)) {
		for _, e := range Carry(events[id], phases, at) {
			carried = append(carried, carriedRow{At: mark.At, EventID: e.ID})
		}
	}
	if len(carried) > 0 {
		if err := tx.CreateInBatches(carried, 10*manyIDs).Error; err != nil {
			return fmt.Errorf("keep what is carried over a watermark: %w", err)
		}
	}
	if err := tx.Create(&mark).Error; err != nil {
		return fmt.Errorf("keep a watermark: %w", err)
	}
	var older []int64
	if err := tx.Model(&watermarkRow{}).Order("at DESC").Offset(keptWatermarks).Limit(manyIDs).Pluck("at", &older).Error; err != nil || len(older) == 0 {
		return err
	}
	return forget(tx, "at IN ?", older)
}

// Unmark takes the watermarks after a time away, in the transaction that records an event
// which is effective from it on.
func Unmark(tx *gorm.DB, after time.Time) error { return forget(tx, "at > ?", after.UnixMicro()) }

func forget(tx *gorm.DB, condition string, value any) error {
	for _, of := range []any{&carriedRow{}, &watermarkRow{}} {
		if err := tx.Where(condition, value).Delete(of).Error; err != nil {
			return fmt.Errorf("take watermarks away: %w", err)
		}
	}
	return nil
}

// Carry are those of a resource's events before a time that matter from then on,
// whatever events follow: with them alone, usage after it comes out the same. A resource
// that was not in use then has none; if it comes back, all its events are needed.
func Carry(events []Event, phases Phases, at time.Time) []Event {
	before := events
	if n := slices.IndexFunc(events, func(e Event) bool { return !e.At.Before(at) }); n >= 0 {
		before = events[:n]
	}
	want := walked(before, phases)
	if !want.open {
		if slices.ContainsFunc(before, func(e Event) bool { return e.counts(at) }) {
			return before
		}
		return nil
	}
	opener := slices.IndexFunc(before, func(e Event) bool { return e.ID == want.current.FirstEvent })
	first := firstOwned(before)
	// As many events before the one that began the usage are taken as it needs to come out
	// the same: the state or the spec may have been told long before.
	for more := 0; more <= opener; more = 2*more + 1 {
		var kept []Event
		for n := range before {
			e := &before[n]
			if n == 0 || n == first || e.Kind == OwnerChanged || e.counts(at) || n <= opener && n >= opener-more {
				kept = append(kept, *e)
			}
		}
		if got := walked(kept, phases); got.same(&want) {
			return kept
		}
	}
	return before
}

// counts tells whether an event has samples of a time on.
func (e *Event) counts(from time.Time) bool {
	return slices.ContainsFunc(e.Samples, func(s Sample) bool { return !s.From.Before(from) })
}

// firstOwned is the event that tells the first owner.
func firstOwned(events []Event) int {
	first := 0
	for n := range events {
		if events[n].Sequence < events[first].Sequence {
			first = n
		}
	}
	return first
}

// walked is how a resource stands after its events.
func walked(events []Event, phases Phases) walker {
	w := walker{phases: phases}
	if len(events) == 0 {
		return w
	}
	w.resourceType = events[0].ResourceType
	w.begin(events)
	for n := range events {
		w.step(&events[n])
	}
	return w
}

// same tells whether what follows comes out the same: when an open segment began is in
// the past for both.
func (w *walker) same(other *walker) bool {
	return w.resourceType == other.resourceType && w.open == other.open && w.state == other.state && sameSpec(w.spec, other.spec) && w.unmanaged == other.unmanaged &&
		(!w.open || w.current.State == other.current.State && sameSpec(w.current.Spec, other.current.Spec) &&
			w.current.FirstEvent == other.current.FirstEvent && w.current.Unmanaged == other.current.Unmanaged)
}
