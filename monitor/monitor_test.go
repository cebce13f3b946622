package monitor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/monitor"
	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const tenant = "0123456789abcdef0123456789abcdef"

// access lets one organization call.
type access struct{}

func (access) Caller(context.Context) monitor.Caller {
	return monitor.Caller{UserID: "u", TenantID: tenant}
}
func (access) Tenants(string) []string { return []string{tenant} }

// clock is a clock that tests move by hand.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

// rig is a running module.
type rig struct {
	*monitor.Module
	alarms   monitorv1.AlarmServiceClient
	channels monitorv1.ChannelServiceClient
	silences monitorv1.SilenceServiceClient
	rules    monitorv1.RuleServiceClient
	stop     func()
}

func start(t testing.TB, store *db.Store, opts monitor.Options) *rig {
	t.Helper()
	if err := store.Migrate(t.Context(), outbox.Migrations(), monitor.Migrations()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	opts.NotifyPrivate = true
	m := monitor.New(slog.New(slog.DiscardHandler), store, box, access{}, opts)
	conn := inproc.New()
	m.Register(conn)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { _ = m.Run(ctx) })
	r := &rig{
		Module: m, alarms: monitorv1.NewAlarmServiceClient(conn), channels: monitorv1.NewChannelServiceClient(conn),
		silences: monitorv1.NewSilenceServiceClient(conn), rules: monitorv1.NewRuleServiceClient(conn),
	}
	r.stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	t.Cleanup(r.stop)
	return r
}

func (r *rig) report(t testing.TB, request *monitorv1.ReportAlarmRequest) *monitorv1.Alarm {
	t.Helper()
	answer, err := r.alarms.ReportAlarm(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetAlarm()
}

func (r *rig) active(t testing.TB) []*monitorv1.Alarm {
	t.Helper()
	var all []*monitorv1.Alarm
	for token := ""; ; {
		answer, err := r.alarms.ListAlarms(t.Context(), &monitorv1.ListAlarmsRequest{Active: true, PageSize: 500, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer.GetAlarms()...)
		if token = answer.GetNextPageToken(); token == "" {
			return all
		}
	}
}

func (r *rig) history(t testing.TB) []*monitorv1.AlarmRecord {
	t.Helper()
	var all []*monitorv1.AlarmRecord
	for after := "0"; ; {
		answer, err := r.alarms.ListAlarmHistory(t.Context(), &monitorv1.ListAlarmHistoryRequest{AfterSerial: after, PageSize: 500})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer.GetRecords()...)
		if len(answer.GetRecords()) < 500 {
			return all
		}
		after = all[len(all)-1].GetSerial()
	}
}

func TestLife(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := start(t, store, monitor.Options{})
		request := &monitorv1.ReportAlarmRequest{Name: "disk full", ObjectId: "memory.vm1", Severity: monitorv1.Severity_SEVERITY_MINOR, Labels: map[string]string{"mount": "/"}}
		first := r.report(t, request)
		if again := r.report(t, request); again.GetId() != first.GetId() || again.GetRaiseCount() != 2 || again.GetSerial() != first.GetSerial() {
			t.Errorf("repeat: got %v", again)
		}
		request.Severity = monitorv1.Severity_SEVERITY_CRITICAL
		if worse := r.report(t, request); worse.GetId() != first.GetId() || worse.GetSerial() != "2" {
			t.Errorf("worse: got %v", worse)
		}
		if _, err := r.alarms.AcknowledgeAlarm(t.Context(), &monitorv1.AcknowledgeAlarmRequest{Id: first.GetId(), Comment: "mine"}); err != nil {
			t.Error(err)
		}
		r.stop()
		r = start(t, store, monitor.Options{}) // a restart forgets nothing
		if all := r.active(t); len(all) != 1 || all[0].GetAcknowledgedBy() != "u" {
			t.Errorf("after a restart: got %v", all)
		}
		for range 2 { // the second does nothing
			answer, err := r.alarms.ClearAlarm(t.Context(), &monitorv1.ClearAlarmRequest{Id: first.GetId(), Comment: "done"})
			if err != nil || answer.GetAlarm().GetClearType() != monitorv1.ClearType_CLEAR_TYPE_MANUAL || answer.GetAlarm().GetSerial() != "4" {
				t.Errorf("clear: got %v, %v", answer, err)
			}
		}
		if _, err := r.alarms.AcknowledgeAlarm(t.Context(), &monitorv1.AcknowledgeAlarmRequest{Id: first.GetId()}); err == nil {
			t.Error("a cleared alarm was acknowledged")
		}
		if next := r.report(t, request); next.GetId() == first.GetId() || next.GetNumber() != "2" {
			t.Errorf("raised anew: got %v", next)
		}
		for i, record := range r.history(t) {
			if record.GetSerial() != fmt.Sprint(i+1) {
				t.Errorf("serial %d: got %s", i+1, record.GetSerial())
			}
		}
	})
}

func TestExpiryAndFlapping(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		var now atomic.Int64
		now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
		r := start(t, store, monitor.Options{Now: func() time.Time { return time.Unix(0, now.Load()) }})
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "short", ObjectId: "o", ExpireSeconds: 60})
		now.Add(int64(61 * time.Second))
		for range 100 {
			if len(r.active(t)) == 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		records := r.history(t)
		if last := records[len(records)-1]; last.GetAlarm().GetClearType() != monitorv1.ClearType_CLEAR_TYPE_EXPIRED {
			t.Errorf("expired: got %v", last)
		}
		before := len(records)
		post := func(ends time.Time) {
			body, err := json.Marshal([]map[string]any{{"labels": map[string]string{"alertname": "flap", "instance": "i"}, "endsAt": ends}})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			r.PostAlerts().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body))))
			if w.Code != 200 {
				t.Fatalf("post: %d %s", w.Code, w.Body)
			}
		}
		for range 50 {
			at := time.Unix(0, now.Load())
			post(at.Add(time.Hour))
			post(at.Add(-time.Second))
			now.Add(int64(time.Second))
		}
		if all := r.active(t); len(all) != 1 || !all[0].GetFlapping() {
			t.Errorf("flapping: got %v", all)
		}
		if n := len(r.history(t)) - before; n != 9 {
			t.Errorf("changes of 50 raises and clears: got %d, want 9", n)
		}
		now.Add(int64(6 * time.Minute))
		for range 100 {
			if len(r.active(t)) == 0 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("the flapping alarm was not cleared when it was quiet")
	})
}

// receiver is a third party that fails at first.
type receiver struct {
	mu       sync.Mutex
	failing  int
	serials  []string
	told     []told
	messages int
	bad      int
	secret   string
}

// told is a record as a receiver got it.
type told struct{ Change, Name, Object string }

func (v *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failing > 0 {
		v.failing--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("X-Yunqiao-Signature") != "sha256="+notify.Sign([]byte(v.secret), r.Header.Get("X-Yunqiao-Timestamp"), body) {
		v.bad++
	}
	var message struct {
		Records []struct {
			Serial, Change string
			Alarm          struct {
				Name     string
				ObjectID string `json:"object_id"`
			}
		}
	}
	if json.Unmarshal(body, &message) != nil {
		v.bad++
	}
	v.messages++
	for _, record := range message.Records {
		v.serials = append(v.serials, record.Serial)
		v.told = append(v.told, told{strings.ToLower(strings.TrimPrefix(record.Change, "ALARM_CHANGE_")), record.Alarm.Name, record.Alarm.ObjectID})
	}
}

// take gives what came since the last call, and how many messages that were.
func (v *receiver) take() (records []told, messages int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	records, messages = v.told, v.messages
	v.told, v.messages = nil, 0
	return records, messages
}

func (v *receiver) got() (all, different, bad int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[string]bool{}
	for _, serial := range v.serials {
		seen[serial] = true
	}
	return len(v.serials), len(seen), v.bad
}

func TestReporting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		v := &receiver{failing: 3, secret: "sixteen characters"}
		server := httptest.NewServer(v)
		defer server.Close()
		defer server.CloseClientConnections()
		opts := monitor.Options{MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}
		r := start(t, store, opts)
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "before", ObjectId: "o"})
		if _, err := r.channels.CreateChannel(t.Context(), &monitorv1.CreateChannelRequest{
			Name: "v", Kind: monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK, Address: server.URL, Secret: v.secret, MinSeverity: monitorv1.Severity_SEVERITY_MINOR,
		}); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			r.report(t, &monitorv1.ReportAlarmRequest{Name: fmt.Sprint(i), ObjectId: "o", Severity: monitorv1.Severity_SEVERITY_MAJOR})
			r.report(t, &monitorv1.ReportAlarmRequest{Name: fmt.Sprint(i), ObjectId: "low"})
			if i == 150 {
				r.stop()
				r = start(t, store, opts)
			}
		}
		for range 200 {
			// A record that was on its way at the restart may come twice.
			if _, different, _ := v.got(); different >= 300 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		r.stop()
		n, _, bad := v.got()
		seen := map[string]bool{}
		last := 0
		for _, s := range v.serials {
			var serial int
			_, _ = fmt.Sscan(s, &serial)
			if seen[s] {
				continue
			}
			if serial < last {
				t.Errorf("%d after %d", serial, last)
			}
			seen[s], last = true, serial
		}
		if len(seen) != 300 || bad != 0 {
			t.Errorf("got %d records, %d different, %d bad, want 300", n, len(seen), bad)
		}
	})
}

func FuzzAlerts(f *testing.F) {
	f.Add(`[{"labels":{"alertname":"a","severity":"critical"},"startsAt":"2026-01-01T00:00:00Z"}]`)
	f.Add(`[{"labels":{"":"a"}},null]`)
	r := start(f, dbtest.Open(f, dbtest.SQLite(f)), monitor.Options{})
	f.Fuzz(func(t *testing.T, body string) {
		for _, h := range []http.Handler{r.PostAlerts(), r.Webhook()} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
			if w.Code != 200 && w.Code != 400 && w.Code != 413 {
				t.Errorf("got %d for %q", w.Code, body)
			}
		}
	})
}

// BenchmarkRaise measures distinct alarms that are on disk when the answer comes.
func BenchmarkRaise(b *testing.B) {
	r := start(b, dbtest.Open(b, dbtest.SQLite(b)), monitor.Options{})
	const each = 500
	n := 0
	for b.Loop() {
		alerts := make([]map[string]any, each)
		for i := range alerts {
			n++
			alerts[i] = map[string]any{"labels": map[string]string{"alertname": "a", "instance": fmt.Sprint(n)}, "endsAt": time.Now().Add(time.Hour)}
		}
		body, err := json.Marshal(alerts)
		if err != nil {
			b.Fatal(err)
		}
		w := httptest.NewRecorder()
		r.PostAlerts().ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", strings.NewReader(string(body))))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "alarms/s")
}
