package monitor_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// cloud measures what a test says.
type cloud struct {
	mu   sync.Mutex
	vms  map[string]*monitorv1.VmMetrics
	err  error
	read int
}

func (c *cloud) Latest(context.Context) ([]*monitorv1.VmMetrics, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read++
	var all []*monitorv1.VmMetrics
	for _, vm := range c.vms {
		all = append(all, vm)
	}
	return all, c.err
}

// measure sets the CPU of a machine, by device.
func (c *cloud) measure(id string, at time.Time, values map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	vm := &monitorv1.VmMetrics{Id: id, AccountId: "acc", TenantId: tenant}
	for device, value := range values {
		vm.Samples = append(vm.Samples, &monitorv1.Sample{
			Metric: monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, Device: device, Value: value, At: timestamppb.New(at),
		})
	}
	if c.vms == nil {
		c.vms = map[string]*monitorv1.VmMetrics{}
	}
	c.vms[id] = vm
}

// looked waits until rules have been looked at, from the beginning, at the present time.
func (r *rig) looked(t testing.TB, c *clock) {
	t.Helper()
	eventually(t, "rules are looked at", func() bool {
		rules, err := r.rules.ListRules(t.Context(), &monitorv1.ListRulesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range rules.GetRules() {
			if rule.GetEvaluatedAt().AsTime().Before(c.now()) {
				return false
			}
		}
		return true
	})
}

func TestThreshold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c, clouds := newClock(), &cloud{}
		opts := monitor.Options{Now: c.now, Metrics: clouds, RulesEvery: 20 * time.Millisecond}
		r := start(t, store, opts)
		create := func(policy monitorv1.NoDataPolicy, only ...string) string {
			answer, err := r.rules.CreateRule(t.Context(), &monitorv1.CreateRuleRequest{
				Name: "busy", Metric: monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, Comparison: monitorv1.Comparison_COMPARISON_ABOVE, Threshold: "90",
				ForSeconds: 120, NoDataSeconds: 300, NoData: policy, Severity: monitorv1.Severity_SEVERITY_MAJOR, VmIds: only,
			})
			if err != nil {
				t.Fatal(err)
			}
			return answer.GetId()
		}
		id := create(monitorv1.NoDataPolicy_NO_DATA_POLICY_ALARM)
		look := func(after time.Duration, want monitorv1.Verdict, alarms ...string) {
			t.Helper()
			c.pass(after)
			r.looked(t, c)
			state := ""
			eventually(t, want.String()+" "+strings.Join(alarms, " "), func() bool { // what was being looked at when time passed may be older
				targets, err := r.rules.ListRuleTargets(t.Context(), &monitorv1.ListRuleTargetsRequest{Id: id})
				if err != nil || len(targets.GetTargets()) != 1 {
					return false
				}
				state = targets.GetTargets()[0].GetVerdict().String()
				for _, a := range r.active(t) {
					state += " " + a.GetName() + a.GetLabels()["no_data"]
				}
				return state == strings.Join(append([]string{want.String()}, alarms...), " ")
			})
		}
		clouds.measure("acc.vm1", c.now(), map[string]string{"": "50"})
		look(time.Second, monitorv1.Verdict_VERDICT_OK)
		clouds.measure("acc.vm1", c.now(), map[string]string{"0": "10", "1": "95.5"})
		look(time.Second, monitorv1.Verdict_VERDICT_PENDING)
		look(60*time.Second, monitorv1.Verdict_VERDICT_PENDING)
		look(61*time.Second, monitorv1.Verdict_VERDICT_FIRING, "busy")
		r.stop()
		r = start(t, store, opts) // what was found outlives the process
		look(time.Second, monitorv1.Verdict_VERDICT_FIRING, "busy")
		look(301*time.Second, monitorv1.Verdict_VERDICT_NO_DATA, "busytrue")
		clouds.measure("acc.vm1", c.now().Add(time.Second), map[string]string{"": "90"})
		look(time.Second, monitorv1.Verdict_VERDICT_OK)
		clouds.measure("acc.vm1", c.now().Add(time.Hour), map[string]string{"": "99"})
		look(time.Second, monitorv1.Verdict_VERDICT_PENDING)
		look(121*time.Second, monitorv1.Verdict_VERDICT_FIRING, "busy")
		rules, err := r.rules.ListRules(t.Context(), &monitorv1.ListRulesRequest{})
		if err != nil || rules.GetRules()[0].GetFiringCount() != 1 {
			t.Errorf("got %v, %v", rules, err)
		}
		if a := r.active(t)[0]; a.GetObjectId() != "acc.vm1" || a.GetLabels()["metric"] != "cpu_utilization_percent" || a.GetSource() != "rule" {
			t.Errorf("got %v", a)
		}
		if _, err := r.rules.DeleteRule(t.Context(), &monitorv1.DeleteRuleRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its alarm is cleared", func() bool { return len(r.active(t)) == 0 })

		id = create(monitorv1.NoDataPolicy_NO_DATA_POLICY_KEEP, "acc.never")
		look(time.Second, monitorv1.Verdict_VERDICT_NO_DATA)
		clouds.mu.Lock()
		clouds.err = errors.New("no cloud")
		clouds.mu.Unlock()
		c.pass(time.Second)
		r.looked(t, c)
		eventually(t, "the error is shown", func() bool {
			rules, err := r.rules.ListRules(t.Context(), &monitorv1.ListRulesRequest{})
			return err == nil && strings.Contains(rules.GetRules()[0].GetLastError(), "no cloud")
		})
		off := false
		if _, err := r.rules.UpdateRule(t.Context(), &monitorv1.UpdateRuleRequest{Id: id, Enabled: &off}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestScrape(t *testing.T) {
	c, clouds := newClock(), &cloud{}
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), monitor.Options{Now: c.now, Metrics: clouds})
	clouds.measure("acc.vm1", c.now(), map[string]string{"": "50.5", "dev\"1": "7"})
	clouds.vms["acc.foreign"] = &monitorv1.VmMetrics{Id: "acc.foreign", TenantId: "another", Samples: clouds.vms["acc.vm1"].GetSamples()}
	r.report(t, &monitorv1.ReportAlarmRequest{Name: "x", ObjectId: "o", Severity: monitorv1.Severity_SEVERITY_MAJOR})
	for range 2 {
		w := httptest.NewRecorder()
		r.Scrape().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		body, _ := io.ReadAll(w.Body)
		for _, line := range []string{
			`yunqiao_alarms_active{severity="major"} 1`,
			`yunqiao_vm_cpu_utilization_percent{account_id="acc",device="",id="acc.vm1",tenant_id="` + tenant + `"} 50.5 1767225600000`,
			`device="dev\"1"`,
		} {
			if !strings.Contains(string(body), line) {
				t.Errorf("no %s in\n%s", line, body)
			}
		}
		if strings.Contains(string(body), "foreign") {
			t.Errorf("another's machine is shown:\n%s", body)
		}
	}
	if clouds.read != 1 {
		t.Errorf("two scrapes read %d times", clouds.read)
	}
}

// troubles are facts that a test sets.
type troubles struct {
	mu  sync.Mutex
	all []monitor.Fact
	err error
}

func (f *troubles) Facts(context.Context) ([]monitor.Fact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all, f.err
}

func (f *troubles) set(err error, all ...monitor.Fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all, f.err = all, err
}

func TestFacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c, f := newClock(), &troubles{}
		opts := monitor.Options{Now: c.now, Facts: f, FactsEvery: 10 * time.Millisecond}
		r := start(t, store, opts)
		down := monitor.Fact{Name: "DriverDown", ObjectID: "driver/x", TenantID: tenant, Severity: monitorv1.Severity_SEVERITY_MAJOR, After: 30 * time.Second}
		quota := monitor.Fact{Name: "Quota", ObjectID: "o", TenantID: tenant, Severity: monitorv1.Severity_SEVERITY_WARNING}
		names := func() string {
			var out []string
			for _, a := range r.active(t) {
				out = append(out, a.GetName()+":"+strings.TrimPrefix(a.GetSeverity().String(), "SEVERITY_"))
			}
			return strings.Join(out, " ")
		}
		f.set(nil, down, quota)
		eventually(t, "what needs no time is raised", func() bool { return names() == "Quota:WARNING" })
		c.pass(31 * time.Second)
		eventually(t, "what lasts is raised", func() bool { return strings.Contains(names(), "DriverDown:MAJOR") })
		r.stop()
		f.set(errors.New("not now"))
		r = start(t, store, opts) // nothing is known: nothing changes
		if got := names(); !strings.Contains(got, "Quota") || !strings.Contains(got, "DriverDown") {
			t.Errorf("after a restart: got %s", got)
		}
		quota.Severity = monitorv1.Severity_SEVERITY_MAJOR
		f.set(nil, quota)
		eventually(t, "what does not hold is cleared, what is worse is told", func() bool { return names() == "Quota:MAJOR" })
		f.set(nil)
		eventually(t, "all is well", func() bool { return names() == "" })
		if n := len(r.history(t)); n != 5 {
			t.Errorf("got %d changes, want 5", n)
		}
	})
}

// TestEvents reads what other modules tell of.
func TestEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		opts := monitor.Options{FactsEvery: 10 * time.Millisecond}
		r := start(t, store, opts)
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "x", ObjectId: "acc.vm1"})
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "y", ObjectId: "acc.vm2"})
		tell := func(e outbox.Event) {
			t.Helper()
			e.OccurredAt = time.Now().UTC()
			if err := store.Write.Transaction(func(tx *gorm.DB) error { return outbox.Append(tx, e) }); err != nil {
				t.Fatal(err)
			}
		}
		tell(outbox.Event{Type: "ResourceGone", ResourceID: "acc.vm1", TenantID: tenant})
		eventually(t, "the alarm of what is gone is cleared", func() bool { return len(r.active(t)) == 1 })
		history := r.history(t)
		if last := history[len(history)-1].GetAlarm(); last.GetClearType() != monitorv1.ClearType_CLEAR_TYPE_OBJECT_DELETED || last.GetName() != "x" {
			t.Errorf("got %v", last)
		}
		tell(outbox.Event{Type: "AlarmRaised", ResourceID: "b1", TenantID: tenant, Payload: map[string]any{
			"alarm_id": "budget/b1/2026-11/80", "name": "BudgetThreshold", "object_id": "b1", "severity": "WARNING", "description": "80 percent",
		}})
		eventually(t, "the event is an alarm", func() bool { return len(r.active(t)) == 2 })
		budget := r.active(t)[0]
		if budget.GetName() != "BudgetThreshold" || budget.GetSeverity() != monitorv1.Severity_SEVERITY_WARNING || budget.GetExpiresAt() == nil {
			t.Errorf("got %v", budget)
		}
		tell(outbox.Event{Type: "AlarmRaised", ResourceID: "b2", TenantID: tenant, Payload: "no object"})
		eventually(t, "what cannot be read is an alarm too", func() bool { return len(r.active(t)) == 3 })
		lasting := map[string]any{"alarm_id": "play/p1", "name": "ProgramPlayBroken", "object_id": "p1", "severity": "MAJOR", "until_cleared": true}
		tell(outbox.Event{Type: "AlarmRaised", ResourceID: "p1", TenantID: tenant, Payload: lasting})
		eventually(t, "what lasts until it is cleared is an alarm", func() bool { return len(r.active(t)) == 4 })
		if a := r.active(t)[0]; a.GetName() != "ProgramPlayBroken" || a.GetExpiresAt() != nil {
			t.Errorf("got %v", a)
		}
		tell(outbox.Event{Type: "AlarmCleared", ResourceID: "p1", TenantID: tenant, Payload: lasting})
		eventually(t, "who told of it clears it", func() bool { return len(r.active(t)) == 3 })
		all := r.history(t)
		if last := all[len(all)-1].GetAlarm(); last.GetName() != "ProgramPlayBroken" || last.GetClearType() != monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC {
			t.Errorf("got %v", last)
		}
		for _, a := range r.active(t) {
			if a.GetRaiseCount() != 1 {
				t.Errorf("%s was raised %d times", a.GetName(), a.GetRaiseCount())
			}
		}
	})
}
