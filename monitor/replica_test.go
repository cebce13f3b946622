package monitor_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// shared is a store that other replicas use, too.
func shared(store *db.Store) *db.Store {
	out := *store
	out.Embedded = false
	return &out
}

// TestReplicas has two replicas report to one channel: only one does, and the other
// goes on when it ends.
func TestReplicas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		opts := monitor.Options{MinBackoff: time.Millisecond}
		a, b := start(t, shared(store), opts), start(t, shared(store), opts)
		v, id := a.listen(t, &monitorv1.CreateChannelRequest{})
		const each = 100
		for _, r := range []*rig{a, b} {
			var work sync.WaitGroup
			for range 4 {
				work.Go(func() {
					for range each / 4 {
						name := strconv.FormatUint(rand.Uint64(), 36)
						if _, err := r.alarms.ReportAlarm(t.Context(), &monitorv1.ReportAlarmRequest{Name: name, ObjectId: "o"}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			work.Wait()
			b.delivered(t, id)
			a.stop() // in the second round there is only b
		}
		if all, different, bad := v.got(); all != 2*each || different != 2*each || bad != 0 {
			t.Errorf("got %d records, %d different, %d bad, want %d", all, different, bad, 2*each)
		}
		history := b.history(t)
		for i, record := range history {
			if record.GetSerial() != strconv.Itoa(i+1) {
				t.Fatalf("serial %d: got %s", i+1, record.GetSerial())
			}
		}
	})
}

// TestDownForAnHour has a receiver that fails in all ways for an hour; afterwards all
// has arrived, in the order of each object.
func TestDownForAnHour(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c := newClock()
		r := start(t, store, monitor.Options{Now: c.now, MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond})
		v, id := r.listen(t, &monitorv1.CreateChannelRequest{})
		v.mu.Lock()
		v.failing = 1 << 30
		v.mu.Unlock()
		random := rand.New(rand.NewPCG(3, 4))
		var want []told
		for range 60 {
			object := "o" + strconv.Itoa(random.IntN(5))
			a := r.report(t, &monitorv1.ReportAlarmRequest{Name: "n", ObjectId: object})
			want = append(want, told{"raised", "n", object})
			r.clear(t, a.GetId())
			want = append(want, told{"cleared", "n", object})
			c.pass(time.Minute)
		}
		eventually(t, "the failures are shown", func() bool {
			channels, err := r.channels.ListChannels(t.Context(), &monitorv1.ListChannelsRequest{})
			return err == nil && channels.GetChannels()[0].GetFailureCount() > 3 && channels.GetChannels()[0].GetLastError() == "the receiver answered 500 Internal Server Error"
		})
		v.mu.Lock()
		v.failing = 0
		v.mu.Unlock()
		r.delivered(t, id)
		got, _ := v.take()
		for object := range 5 {
			of := func(all []told) []told {
				return slices.DeleteFunc(slices.Clone(all), func(r told) bool { return r.Object != "o"+strconv.Itoa(object) })
			}
			if !slices.Equal(of(got), of(want)) {
				t.Errorf("o%d: got %v, want %v", object, of(got), of(want))
			}
		}
	})
}

// TestResynchronisation cuts a receiver off under changes: from the active list and the
// history after its serial number it comes to the true state, without a gap.
func TestResynchronisation(t *testing.T) {
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{})
	stop := make(chan struct{})
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			random := rand.New(rand.NewPCG(5, uint64(w)))
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprint(w, "-", n/100, "-", random.IntN(50))             // new ones all the time: nothing is flapping
				at := time.Now().Add(time.Duration(2*random.IntN(2)-1) * time.Hour) // raised, or cleared
				if code := r.post(t, []map[string]any{{"labels": map[string]string{"alertname": name, "instance": "i"}, "endsAt": at}}); code != http.StatusOK {
					t.Errorf("post: %d", code)
				}
			}
		})
	}
	var seen int64
	for range 5 {
		eventually(t, "there are more changes", func() bool {
			answer, err := r.alarms.ListAlarms(t.Context(), &monitorv1.ListAlarmsRequest{PageSize: 1})
			if err != nil {
				t.Fatal(err)
			}
			now := number(t, answer.GetSerial())
			more := now > seen+500
			if more {
				seen = now
			}
			return more
		})
		state := map[string]string{} // alarm: serial
		var from int64 = -1
		for token := ""; ; {
			answer, err := r.alarms.ListAlarms(t.Context(), &monitorv1.ListAlarmsRequest{Active: true, PageSize: 20, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			if from < 0 {
				from = number(t, answer.GetSerial())
			}
			for _, a := range answer.GetAlarms() {
				state[a.GetId()] = a.GetSerial()
			}
			if token = answer.GetNextPageToken(); token == "" {
				break
			}
		}
		last := from
		for range 20 {
			answer, err := r.alarms.ListAlarmHistory(t.Context(), &monitorv1.ListAlarmHistoryRequest{AfterSerial: strconv.FormatInt(last, 10), PageSize: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range answer.GetRecords() {
				if n := number(t, record.GetSerial()); n != last+1 {
					t.Fatalf("serial %d after %d", n, last)
				}
				last++
				id := record.GetAlarm().GetId()
				if known, ok := state[id]; ok && number(t, known) >= last {
					continue // the page was read after this change
				}
				if record.GetChange() == monitorv1.AlarmChange_ALARM_CHANGE_CLEARED {
					delete(state, id)
				} else {
					state[id] = record.GetSerial()
				}
			}
		}
		// What the receiver holds at serial "last" is what the history says.
		truth := map[string]string{}
		for _, record := range r.history(t) {
			if number(t, record.GetSerial()) > last {
				break
			}
			if record.GetChange() == monitorv1.AlarmChange_ALARM_CHANGE_CLEARED {
				delete(truth, record.GetAlarm().GetId())
			} else {
				truth[record.GetAlarm().GetId()] = record.GetSerial()
			}
		}
		for id, serial := range state {
			if truth[id] != serial && number(t, serial) <= last {
				t.Errorf("alarm %s: the receiver has %s, the truth is %q", id, serial, truth[id])
			}
		}
		for id := range truth {
			if state[id] == "" {
				t.Errorf("alarm %s is missing at the receiver", id)
			}
		}
	}
	close(stop)
	work.Wait()
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
