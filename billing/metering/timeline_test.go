package metering_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yunqiao/yunqiao/billing/metering"
)

type phases struct{}

func (phases) Phase(_, state string) metering.Phase {
	switch state {
	case "PENDING", "REBOOTING":
		return metering.Transient
	case "ERROR", "DELETED":
		return metering.Idle
	default:
		return metering.Settled
	}
}

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func at(hours float64) time.Time { return start.Add(time.Duration(hours * float64(time.Hour))) }

func event(n int32, hours float64, kind metering.Kind, state string, edit ...func(*metering.Event)) metering.Event {
	e := metering.Event{ID: fmt.Sprintf("e%02d", n), Kind: kind, ResourceID: "a.vm", ResourceType: "compute.vm", TenantID: "org", Sequence: n, At: at(hours), State: state}
	for _, f := range edit {
		f(&e)
	}
	return e
}

func spec(text string) func(*metering.Event) {
	return func(e *metering.Event) { e.Spec = map[string]string{"flavor_id": text} }
}

func owner(from, to string, since float64) func(*metering.Event) {
	return func(e *metering.Event) { e.FromTenant, e.TenantID, e.Since = from, to, at(since) }
}

// show writes segments as "0-2 RUNNING org m1".
func show(segments []metering.Segment) string {
	var out []string
	for _, s := range segments {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%g-%g %s %s %s", s.From.Sub(start).Hours(), s.To.Sub(start).Hours(), s.State, s.OrganizationID, s.Spec["flavor_id"])))
	}
	return strings.Join(out, "; ")
}

func TestTimeline(t *testing.T) {
	for name, tc := range map[string]struct {
		events []metering.Event
		want   string
	}{
		"nothing is metered while it is made": {[]metering.Event{
			event(1, 0, metering.StateChanged, "PENDING", spec("m1")), event(2, 1, metering.StateChanged, "RUNNING"), event(3, 4, metering.Gone, "")}, "1-4 RUNNING org m1"},
		"a reboot goes on as before": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 1, metering.StateChanged, "REBOOTING"), event(3, 2, metering.StateChanged, "RUNNING")}, "0-10 RUNNING org"},
		"stopped is another segment": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 3, metering.StateChanged, "STOPPED")}, "0-3 RUNNING org; 3-10 STOPPED org"},
		"an error is not metered": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 3, metering.StateChanged, "ERROR"), event(3, 5, metering.StateChanged, "RUNNING")}, "0-3 RUNNING org; 5-10 RUNNING org"},
		"a resize splits": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING", spec("m1")), event(2, 4, metering.SpecChanged, "RUNNING", spec("m2"))}, "0-4 RUNNING org m1; 4-10 RUNNING org m2"},
		"an owner splits from his date on": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 8, metering.OwnerChanged, "", owner("org", "other", 2))}, "0-2 RUNNING org; 2-10 RUNNING other"},
		"adopted from a date before it was seen": {[]metering.Event{
			event(1, 5, metering.Discovered, "RUNNING"), event(2, 6, metering.OwnerChanged, "RUNNING", owner("org", "other", 1))}, "1-10 RUNNING other"},
		"it comes back": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 1, metering.Gone, ""), event(3, 2, metering.StateChanged, "RUNNING")}, "0-1 RUNNING org; 2-10 RUNNING org"},
		"half a second is nothing": {[]metering.Event{
			event(1, 0, metering.StateChanged, "RUNNING"), event(2, 0.5/3600, metering.Gone, "")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := show(metering.Timeline(tc.events, phases{}, at(10))); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestTimelineProperties: whatever happens, segments do not overlap, are in order,
// and do not depend on the order in which events are heard.
func TestTimelineProperties(t *testing.T) {
	states := []string{"PENDING", "RUNNING", "STOPPED", "REBOOTING", "ERROR", ""}
	rapid.Check(t, func(t *rapid.T) {
		var events []metering.Event
		for n := range rapid.Int32Range(1, 12).Draw(t, "events") {
			kind := rapid.SampledFrom([]metering.Kind{metering.StateChanged, metering.SpecChanged, metering.Gone, metering.OwnerChanged}).Draw(t, "kind")
			e := event(n, rapid.Float64Range(0, 10).Draw(t, "at"), kind, rapid.SampledFrom(states).Draw(t, "state"))
			e.Since, e.FromTenant = at(rapid.Float64Range(0, 10).Draw(t, "since")), "before"
			events = append(events, e)
		}
		metering.Order(events)
		want := show(metering.Timeline(events, phases{}, at(10)))
		last := time.Time{}
		for _, s := range metering.Timeline(events, phases{}, at(10)) {
			if !s.From.Before(s.To) || s.From.Before(last) || s.From.Nanosecond() != 0 || s.OrganizationID == "" {
				t.Fatalf("%s", want)
			}
			last = s.To
		}
		shuffled := rapid.Permutation(events).Draw(t, "heard")
		metering.Order(shuffled)
		if got := show(metering.Timeline(shuffled, phases{}, at(10))); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		if !slices.EqualFunc(events, shuffled, func(a, b metering.Event) bool { return a.ID == b.ID }) {
			t.Fatal("the order of events depends on how they are heard")
		}
	})
}
