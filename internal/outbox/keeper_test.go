package outbox_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/outbox"
)

// reader is one that has come to a position.
type reader struct{ at atomic.Int64 }

func (r *reader) Position(context.Context) (int64, error) { return r.at.Load(), nil }

// TestKeeper: old events go, but none that a reader has not taken over, and no
// position is given twice.
func TestKeeper(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		if err := store.Migrate(t.Context(), outbox.Migrations()); err != nil {
			t.Fatal(err)
		}
		const events = 1200 // more than two batches
		add := func() {
			t.Helper()
			err := outbox.Append(store.Write, outbox.Event{Type: "ResourceStateChanged", ResourceID: "acc.a", OccurredAt: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range events {
			add()
		}
		positions := func() (least, most, n int64) {
			var p struct{ Least, Most, N int64 }
			err := store.Read.Table("outbox_events").Select("COALESCE(MIN(position),0) AS least, COALESCE(MAX(position),0) AS most, COUNT(*) AS n").Scan(&p).Error
			if err != nil {
				t.Fatal(err)
			}
			return p.Least, p.Most, p.N
		}
		slow, fast := &reader{}, &reader{}
		first, last, _ := positions()
		fast.at.Store(last)
		var ahead atomic.Int64
		keeper := outbox.NewKeeper(slog.New(slog.DiscardHandler), store, outbox.KeeperOptions{
			Keep: time.Hour, Every: 5 * time.Millisecond,
			Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		}, slow, fast)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- keeper.Run(ctx) }()
		comesTo := func(want int64) {
			t.Helper()
			deadline := time.After(20 * time.Second)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				_, _, n := positions()
				if n == want {
					return
				}
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("%d events are left, want %d", n, want)
				}
			}
		}
		slow.at.Store(last)
		ahead.Store(int64(59 * time.Minute))
		comesTo(events) // none is old
		slow.at.Store(first + 699)
		ahead.Store(int64(2 * time.Hour))
		comesTo(events - 700)
		slow.at.Store(last)
		comesTo(0)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		add()
		if _, next, _ := positions(); next <= last {
			t.Errorf("position %d after %d", next, last)
		}
	})
}
