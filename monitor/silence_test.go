package monitor_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

func (r *rig) silence(t testing.TB, c *clock, d time.Duration, matchers ...*monitorv1.Matcher) string {
	t.Helper()
	answer, err := r.silences.CreateSilence(t.Context(), &monitorv1.CreateSilenceRequest{Matchers: matchers, EndsAt: timestamppb.New(c.now().Add(d))})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetId()
}

func equal(name, value string) *monitorv1.Matcher {
	return &monitorv1.Matcher{Name: name, Value: value}
}

// TestSilences follows one alarm of each kind through a silence.
func TestSilences(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c := newClock()
		opts := monitor.Options{Now: c.now, MinBackoff: time.Millisecond}
		r := start(t, store, opts)
		v, id := r.listen(t, &monitorv1.CreateChannelRequest{})
		known := r.report(t, &monitorv1.ReportAlarmRequest{Name: "known", ObjectId: "a"})
		v.gets(t, told{"raised", "known", "a"})
		r.silence(t, c, time.Hour, &monitorv1.Matcher{Name: "object_id", Operator: monitorv1.MatchOperator_MATCH_OPERATOR_REGEX, Value: "a|b"})

		r.report(t, &monitorv1.ReportAlarmRequest{Name: "stays", ObjectId: "a"})
		passing := r.report(t, &monitorv1.ReportAlarmRequest{Name: "passing", ObjectId: "b"})
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "other", ObjectId: "c"})
		r.clear(t, known.GetId())   // known to the receiver: it must hear of the end
		r.clear(t, passing.GetId()) // it came and went: nobody hears of it
		v.gets(t, told{"raised", "other", "c"}, told{"cleared", "known", "a"})
		if channel := r.delivered(t, id); channel.GetHeldCount() != 1 {
			t.Errorf("held back: got %d, want 1", channel.GetHeldCount())
		}
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "stays", ObjectId: "a", Description: "worse"})
		r.delivered(t, id)
		r.stop()
		r = start(t, store, opts) // what is held back outlives the process
		c.pass(2 * time.Hour)
		v.gets(t, told{"raised", "stays", "a"})
		if channel := r.delivered(t, id); channel.GetHeldCount() != 0 {
			t.Errorf("held back at the end: got %d", channel.GetHeldCount())
		}
	})
}

func TestSilenceIsEndedAndListed(t *testing.T) {
	c := newClock()
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{Now: c.now, MinBackoff: time.Millisecond})
	v, _ := r.listen(t, &monitorv1.CreateChannelRequest{})
	id := r.silence(t, c, time.Hour, equal("alertname", "quiet"))
	r.report(t, &monitorv1.ReportAlarmRequest{Name: "quiet", ObjectId: "a"})
	r.report(t, &monitorv1.ReportAlarmRequest{Name: "loud", ObjectId: "a"})
	v.gets(t, told{"raised", "loud", "a"})
	if _, err := r.silences.UpdateSilence(t.Context(), &monitorv1.UpdateSilenceRequest{Id: id, EndsAt: timestamppb.New(c.now().Add(2 * time.Hour))}); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := r.silences.DeleteSilence(t.Context(), &monitorv1.DeleteSilenceRequest{Id: id}); err != nil {
			t.Error(err)
		}
	}
	v.gets(t, told{"raised", "quiet", "a"})
	if got, err := r.silences.GetSilence(t.Context(), &monitorv1.GetSilenceRequest{Id: id}); err != nil || got.GetSilence().GetPhase() != monitorv1.SilencePhase_SILENCE_PHASE_EXPIRED {
		t.Errorf("ended: got %v, %v", got, err)
	}
	if got, err := r.silences.ListSilences(t.Context(), &monitorv1.ListSilencesRequest{Current: true}); err != nil || len(got.GetSilences()) != 0 {
		t.Errorf("current ones: got %v, %v", got, err)
	}
	if _, err := r.silences.UpdateSilence(t.Context(), &monitorv1.UpdateSilenceRequest{Id: id, EndsAt: timestamppb.New(c.now().Add(time.Hour))}); err == nil {
		t.Error("one that has ended was changed")
	}
	for name, request := range map[string]*monitorv1.CreateSilenceRequest{
		"of everything": {Matchers: []*monitorv1.Matcher{{Name: "a", Operator: monitorv1.MatchOperator_MATCH_OPERATOR_REGEX, Value: ".*"}}, EndsAt: timestamppb.New(c.now().Add(time.Hour))},
		"in the past":   {Matchers: []*monitorv1.Matcher{equal("a", "b")}, EndsAt: timestamppb.New(c.now().Add(-time.Hour))},
		"no expression": {Matchers: []*monitorv1.Matcher{{Name: "a", Operator: monitorv1.MatchOperator_MATCH_OPERATOR_REGEX, Value: "("}}, EndsAt: timestamppb.New(c.now().Add(time.Hour))},
		"no zone": {Matchers: []*monitorv1.Matcher{equal("a", "b")}, EndsAt: timestamppb.New(c.now().Add(time.Hour)), Window: &monitorv1.MaintenanceWindow{
			Begin: "02:00", DurationSeconds: 60, TimeZone: "No/Where",
		}},
	} {
		if _, err := r.silences.CreateSilence(t.Context(), request); err == nil {
			t.Errorf("a silence %s was made", name)
		}
	}
}

// TestMaintenanceWindow looks at a window of Saturday night over two weeks.
func TestMaintenanceWindow(t *testing.T) {
	c := newClock() // a Thursday, 00:00 UTC
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{Now: c.now})
	made, err := r.silences.CreateSilence(t.Context(), &monitorv1.CreateSilenceRequest{
		Matchers: []*monitorv1.Matcher{equal("object_id", "db")}, EndsAt: timestamppb.New(c.now().AddDate(0, 0, 14)),
		Window: &monitorv1.MaintenanceWindow{
			Weekdays: []monitorv1.Weekday{monitorv1.Weekday_WEEKDAY_SATURDAY}, Begin: "23:30", DurationSeconds: 2 * 3600, TimeZone: "Asia/Shanghai",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	acts := 0
	for range 14 * 24 * 2 {
		got, err := r.silences.GetSilence(t.Context(), &monitorv1.GetSilenceRequest{Id: made.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		at := c.now().In(time.FixedZone("", 8*3600))
		want := at.Weekday() == time.Saturday && at.Hour() == 23 && at.Minute() >= 30 || at.Weekday() == time.Sunday && (at.Hour() == 0 || at.Hour() == 1 && at.Minute() < 30)
		if active := got.GetSilence().GetPhase() == monitorv1.SilencePhase_SILENCE_PHASE_ACTIVE; active != want {
			t.Errorf("%v: got %v, want %v", at, active, want)
		} else if active {
			acts++
		}
		c.pass(30 * time.Minute)
	}
	if acts != 8 {
		t.Errorf("acts in %d half hours, want 8", acts)
	}
}

// TestGroups gathers changes, and keeps the order of each object.
func TestGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c := newClock()
		r := start(t, store, monitor.Options{Now: c.now, MinBackoff: time.Millisecond})
		v, id := r.listen(t, &monitorv1.CreateChannelRequest{Grouping: &monitorv1.Grouping{By: []string{"alertname"}, WaitSeconds: 30, IntervalSeconds: 300}})
		report := func(name, object string) *monitorv1.Alarm {
			return r.report(t, &monitorv1.ReportAlarmRequest{Name: name, ObjectId: object})
		}
		routed := func() { // all changes are in their groups
			eventually(t, "all is in groups", func() bool {
				list, err := r.channels.ListChannels(t.Context(), &monitorv1.ListChannelsRequest{})
				if err != nil {
					t.Fatal(err)
				}
				serial := r.history(t)
				return list.GetChannels()[0].GetDeliveredSerial() == serial[len(serial)-1].GetSerial()
			})
		}
		report("one", "a")
		routed()
		c.pass(20 * time.Second)
		report("one", "b")
		report("two", "a")
		routed()
		if got, _ := v.take(); len(got) != 0 {
			t.Errorf("before the wait: got %v", got)
		}
		c.pass(15 * time.Second) // the group "one" is due, "two" is not
		if n := v.gets(t, told{"raised", "one", "a"}, told{"raised", "one", "b"}); n != 1 {
			t.Errorf("the group came in %d messages", n)
		}
		third := report("one", "a")
		r.clear(t, third.GetId())
		routed()
		c.pass(16 * time.Second) // "two" is due, "one" waits for its interval
		v.gets(t, told{"raised", "two", "a"})
		again := report("one", "a")
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "two", ObjectId: "a", Description: "more"})
		r.clear(t, again.GetId())
		routed()
		// "one" is due before "two" and holds a later change of the same object: that of
		// "two" goes before it.
		c.pass(285 * time.Second)
		v.gets(t, told{"cleared", "one", "a"}, told{"raised", "one", "a"}, told{"changed", "two", "a"}, told{"cleared", "one", "a"})
		if channel := r.delivered(t, id); channel.GetLastError() != "" {
			t.Errorf("got %v", channel)
		}
	})
}
