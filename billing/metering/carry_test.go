package metering_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/billing/metering"
)

// anyLife is random events of a resource, in order: sizes, states, owners with dates in the past,
// samples, numbers that do not follow the time.
func anyLife(r *rand.Rand) []metering.Event {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	kinds := []metering.Kind{metering.StateChanged, metering.StateChanged, metering.SpecChanged, metering.Discovered, metering.OwnerChanged, metering.Sampled, metering.Gone}
	states := []string{"RUNNING", "RUNNING", "STOPPED", "REBOOTING", "PENDING", "ERROR", ""}
	var events []metering.Event
	at := begin
	for n := range 1 + r.IntN(14) {
		at = at.Add(time.Duration(r.Int64N(20*86400)) * 500 * time.Millisecond)
		e := metering.Event{
			ID: fmt.Sprint("e", n), Kind: kinds[r.IntN(len(kinds))], ResourceID: "r", ResourceType: "compute.vm", AccountID: "c", TenantID: fmt.Sprint("org", r.IntN(2)),
			Sequence: int32(n), At: at,
		}
		if r.IntN(6) == 0 {
			e.Sequence = int32(r.IntN(15))
		}
		switch e.Kind {
		case metering.StateChanged, metering.Discovered:
			e.State = states[r.IntN(len(states))]
		case metering.OwnerChanged:
			e.FromTenant, e.Since = fmt.Sprint("org", r.IntN(2)), at.Add(time.Duration(r.IntN(5)-3)*24*time.Hour)
		case metering.Sampled:
			from := at.Add(time.Duration(r.IntN(5)-2) * 24 * time.Hour)
			e.Samples = []metering.Sample{{Meter: "requests", From: from.Truncate(24 * time.Hour), To: from.Truncate(24 * time.Hour).Add(time.Hour), Quantity: fmt.Sprint(n)}}
		}
		if e.Kind == metering.SpecChanged || e.Kind != metering.Sampled && r.IntN(4) == 0 {
			e.Spec = map[string]string{"vcpus": fmt.Sprint(1 + r.IntN(2))}
		}
		events = append(events, e)
	}
	metering.Order(events)
	return events
}

// seen is what rating sees of events from a time until another.
func seen(events []metering.Event, from, until time.Time) (out []string) {
	for _, s := range metering.Timeline(events, phases{}, until) {
		if s.From.Before(from) {
			s.From = from
		}
		if s.From.Before(s.To) {
			out = append(out, fmt.Sprintf("%+v", s))
		}
	}
	for _, s := range metering.Samples(events) {
		if !s.From.Before(from) {
			out = append(out, fmt.Sprintf("%+v of %s", s, metering.OwnerAt(events, s.From)))
		}
	}
	return out
}

// TestCarry: with the events that are carried over a time, all usage after it is what it
// is with all of them.
func TestCarry(t *testing.T) {
	t.Parallel()
	kept, all := 0, 0
	for seed := range uint64(5_000) {
		r := rand.New(rand.NewPCG(seed, 8))
		events := anyLife(r)
		at := events[r.IntN(len(events))].At.Add(time.Duration(r.IntN(3)-1) * 24 * time.Hour).Truncate(24 * time.Hour)
		split := slices.IndexFunc(events, func(e metering.Event) bool { return !e.At.Before(at) })
		if split < 0 {
			split = len(events)
		}
		before, after := events[:split], events[split:]
		if slices.ContainsFunc(after, func(e metering.Event) bool { return e.Effective().Before(at) }) {
			continue // it takes the watermark away
		}
		carried := metering.Carry(events, phases{}, at)
		kept, all = kept+len(carried), all+len(before)
		for n := range len(after) + 1 { // whatever follows
			heard := events[:split+n]
			known := append(slices.Clone(carried), after[:n]...)
			if len(carried) == 0 && n > 0 {
				known = heard
			}
			until := at.Add(400 * 24 * time.Hour)
			if diff := cmp.Diff(seen(heard, at, until), seen(known, at, until)); diff != "" {
				t.Fatalf("seed %d, %d of %d events carried, %d follow (-all +carried):\n%s\n%+v", seed, len(carried), split, n, diff, heard)
			}
		}
	}
	if kept*2 > all {
		t.Errorf("%d of %d events are carried", kept, all)
	}
}
