package monitor_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// post sends alerts as Prometheus does.
func (r *rig) post(t testing.TB, alerts any) (status int) {
	t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.PostAlerts().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body))))
	return w.Code
}

// rounds are few, or those of a soak run.
func rounds(few, soak int) int {
	if os.Getenv("YUNQIAO_SOAK") != "" {
		return soak
	}
	return few
}

// modelled is what one alarm should be: the simplest idea of one.
type modelled struct {
	active  bool
	raises  int32  // while it is active
	text    string // of the last raise
	changes int    // all of them
	lives   int    // raises anew
}

// TestModel plays random sequences for many alarms at once: clear before raise, double
// clear, repeats, times that are a day off. Each has one result, and none is stuck.
// 2,000 sequences; a million with YUNQIAO_SOAK.
func TestModel(t *testing.T) {
	const atOnce, steps = 1000, 7
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{})
	var serial int64
	for round := range rounds(2, 1000) {
		models := make([]modelled, atOnce)
		name := func(i int) string { return fmt.Sprintf("r%d-%d", round, i) }
		for range steps {
			alerts := make([]map[string]any, atOnce)
			for i := range alerts {
				m := &models[i]
				skew := time.Duration(random.IntN(49)-24) * time.Hour
				alert := map[string]any{"labels": map[string]string{"alertname": name(i), "instance": "i"}, "startsAt": time.Now().Add(skew)}
				if random.IntN(2) == 0 || m.lives == 4 && !m.active { // the fifth life would be flapping
					alert["endsAt"] = time.Now().Add(-time.Minute - time.Duration(random.IntN(48))*time.Hour)
					if m.active {
						m.active, m.changes = false, m.changes+1
					}
				} else {
					text := []string{"a", "b"}[random.IntN(2)]
					alert["endsAt"], alert["annotations"] = time.Now().Add(time.Hour), map[string]string{"description": text}
					switch {
					case !m.active:
						m.active, m.raises, m.changes, m.lives = true, 1, m.changes+1, m.lives+1
					case m.text != text:
						m.raises, m.changes = m.raises+1, m.changes+1
					default:
						m.raises++
					}
					m.text = text
				}
				alerts[i] = alert
			}
			if code := r.post(t, alerts); code != http.StatusOK {
				t.Fatalf("post: %d", code)
			}
		}
		serial = r.compare(t, serial, models, name)
	}
}

// compare wants what the models say, and a history that leads there.
func (r *rig) compare(t *testing.T, after int64, models []modelled, name func(int) string) (serial int64) {
	t.Helper()
	changes := map[string]int{}
	state := map[string]monitorv1.AlarmChange{} // by alarm id
	for serial = after; ; {
		answer, err := r.alarms.ListAlarmHistory(t.Context(), &monitorv1.ListAlarmHistoryRequest{AfterSerial: strconv.FormatInt(serial, 10), PageSize: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range answer.GetRecords() {
			serial++
			if number(t, record.GetSerial()) != serial {
				t.Fatalf("serial %s after %d", record.GetSerial(), serial-1)
			}
			a := record.GetAlarm()
			before, known := state[a.GetId()]
			if fresh := record.GetChange() == monitorv1.AlarmChange_ALARM_CHANGE_RAISED; fresh == known || before == monitorv1.AlarmChange_ALARM_CHANGE_CLEARED {
				t.Errorf("%s: %v after %v", a.GetName(), record.GetChange(), before)
			}
			if a.GetClearedAt() != nil && a.GetClearedAt().AsTime().Before(a.GetRaisedAt().AsTime()) {
				t.Errorf("%s was cleared before it was raised", a.GetName())
			}
			state[a.GetId()] = record.GetChange()
			changes[a.GetName()]++
		}
		if len(answer.GetRecords()) < 500 {
			break
		}
	}
	active := map[string]*monitorv1.Alarm{}
	for _, a := range r.active(t) {
		if active[a.GetName()] != nil {
			t.Errorf("%s is active twice", a.GetName())
		}
		active[a.GetName()] = a
	}
	for i, m := range models {
		a := active[name(i)]
		if (a != nil) != m.active || m.active && (a.GetRaiseCount() != m.raises || a.GetDescription() != m.text) || changes[name(i)] != m.changes {
			t.Errorf("%s: got %v with %d changes, want %+v", name(i), a, changes[name(i)], m)
		}
	}
	var rest []map[string]any
	for n := range active { // so that the next round begins with none
		rest = append(rest, map[string]any{"labels": map[string]string{"alertname": n, "instance": "i"}, "endsAt": time.Now().Add(-time.Second)})
	}
	if code := r.post(t, rest); code != http.StatusOK {
		t.Fatalf("post: %d", code)
	}
	if left := r.active(t); len(left) > 0 {
		t.Errorf("%d alarms are stuck", len(left))
	}
	return serial + int64(len(rest))
}

// TestManyRaises counts raises of few alarms: 5,000; a million with YUNQIAO_SOAK.
func TestManyRaises(t *testing.T) {
	const names = 100
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{})
	n := rounds(5, 1000)
	for range n {
		alerts := make([]map[string]any, 1000)
		for i := range alerts {
			alerts[i] = map[string]any{"labels": map[string]string{"alertname": strconv.Itoa(i % names), "instance": "i"}, "endsAt": time.Now().Add(time.Hour)}
		}
		if code := r.post(t, alerts); code != http.StatusOK {
			t.Fatalf("post: %d", code)
		}
	}
	all := r.active(t)
	for _, a := range all {
		if int(a.GetRaiseCount()) != n*1000/names {
			t.Errorf("%s: got %d raises", a.GetName(), a.GetRaiseCount())
		}
	}
	if changes := r.history(t); len(all) != names || len(changes) != names {
		t.Errorf("got %d alarms and %d changes, want %d", len(all), len(changes), names)
	}
}
