package billing

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/internal/outbox"
)

// hearBatch is how many events are taken over in one transaction.
const hearBatch = 500

// hear takes over what is new in the outbox, each event once. An event that
// cannot be read is left out and logged; its resource is unpriced rather than lost
// where another event tells of it.
func (m *Module) hear(ctx context.Context) error {
	after, err := metering.Position(m.read(ctx))
	if err != nil {
		return err
	}
	for {
		stored, err := outbox.Read(m.read(ctx), after, hearBatch, append(metering.Kinds(), linkChanged)...)
		if err != nil || len(stored) == 0 {
			return err
		}
		if err := m.take(ctx, after, stored); err != nil {
			return err
		}
		after = stored[len(stored)-1].Position
		if len(stored) < hearBatch {
			return nil
		}
	}
}

// Position is that of the last event which billing has taken over for good: older
// ones may be deleted.
func (m *Module) Position(ctx context.Context) (int64, error) { return metering.Position(m.read(ctx)) }

// take records events and moves the position to the last of them that is settled.
func (m *Module) take(ctx context.Context, after int64, stored []outbox.Stored) error {
	ids := make([]string, len(stored))
	for n, s := range stored {
		ids[n] = s.EventID
	}
	heard, err := metering.Heard(m.read(ctx), ids)
	if err != nil {
		return err
	}
	var events []metering.Event
	var links []programmeRow
	settled, young := int64(0), false
	horizon := m.now().Add(-outbox.Settling)
	for _, s := range stored {
		if young = young || !s.RecordedAt.Before(horizon); !young {
			settled = s.Position
		}
		if heard[s.EventID] {
			continue
		}
		var e metering.Event
		if s.Type == linkChanged {
			var link programmeRow
			if link, err = readLink(s); err == nil {
				links = append(links, link)
				continue
			}
		} else {
			e, err = metering.FromStored(s)
		}
		if err != nil {
			m.log.LogAttrs(ctx, slog.LevelError, "an event of usage cannot be read", slog.String("event_id", s.EventID), slog.String("error", err.Error()))
			continue
		}
		events = append(events, e)
	}
	if len(events)+len(links) == 0 && settled <= after {
		return nil
	}
	return m.write(ctx, func(tx *gorm.DB) error {
		for n := range links {
			if err := keepLink(tx, &links[n]); err != nil {
				return err
			}
		}
		if err := m.Record(tx, events); err != nil || settled == 0 {
			return err
		}
		return metering.Advance(tx, settled)
	})
}

// Record takes over events in the caller's transaction, each id once, with the
// orders that they make.
func (m *Module) Record(tx *gorm.DB, events []metering.Event) error {
	if err := ledger.Lock(tx); err != nil { // orders change it, and rating reads events under it
		return err
	}
	since := time.Time{}
	for _, e := range events { // one after the other: an order follows from what was heard before it
		fresh, err := metering.Record(tx, e, m.now())
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		if at := e.Effective(); since.IsZero() || at.Before(since) {
			since = at
		}
		if err := m.orderOf(tx, e); err != nil {
			return err
		}
	}
	if since.IsZero() {
		return nil
	}
	if err := metering.Unmark(tx, since); err != nil {
		return err
	}
	return changed(tx, since, "events")
}
