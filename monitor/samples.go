package monitor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// Metrics reads the newest samples of all virtual machines of all clouds, with public
// ids and the organizations that own them. Accounts that do not answer are left out.
type Metrics interface {
	Latest(ctx context.Context) ([]*monitorv1.VmMetrics, error)
}

// snapshot are samples that were read together, by the machine's id.
type snapshot struct {
	at  time.Time
	vms map[string]*monitorv1.VmMetrics
}

// samples are at most of the age given; several callers share one reading.
func (m *Module) samples(ctx context.Context, age time.Duration) (snapshot, error) {
	m.collecting.Lock()
	defer m.collecting.Unlock()
	if !m.latest.at.IsZero() && m.opts.Now().Sub(m.latest.at) < age {
		return m.latest, nil
	}
	all, err := m.opts.Metrics.Latest(ctx)
	if err != nil {
		return snapshot{}, fmt.Errorf("read metrics: %w", err)
	}
	next := snapshot{at: m.opts.Now(), vms: make(map[string]*monitorv1.VmMetrics, len(all))}
	for _, vm := range all {
		next.vms[vm.GetId()] = vm
	}
	m.latest = next
	return next, nil
}

// metricName is a metric as Prometheus and labels have it: "cpu_utilization_percent".
func metricName(metric monitorv1.Metric) string {
	return strings.ToLower(strings.TrimPrefix(metric.String(), "METRIC_"))
}

// scrapeAge is how old samples may be that Prometheus is shown; clouds measure once a
// minute at most.
const scrapeAge = 30 * time.Second

// Scrape shows the newest samples of the caller's virtual machines, and the number of
// his active alarms, in Prometheus's text format. Its caller must be known by the
// context.
func (m *Module) Scrape() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var counts []struct {
			Severity int32
			N        int64
		}
		query := m.visible(r.Context(), m.store.Read.WithContext(r.Context()).Model(&alarmRow{})).Where("active")
		err := query.Select("severity, COUNT(*) AS n").Group("severity").Order("severity").Scan(&counts).Error
		var samples snapshot
		if err == nil && m.opts.Metrics != nil {
			samples, err = m.samples(r.Context(), scrapeAge)
		}
		if err != nil {
			m.warn(r.Context(), "read metrics for a scrape", err)
			http.Error(w, "metrics cannot be read at present", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprint(w, "# HELP yunqiao_alarms_active Active alarms.\n# TYPE yunqiao_alarms_active gauge\n")
		for _, c := range counts {
			fmt.Fprintf(w, "yunqiao_alarms_active{severity=%q} %d\n", notify.SeverityName(monitorv1.Severity(c.Severity)), c.N)
		}
		writeSamples(w, samples, m.access.Tenants(m.access.Caller(r.Context()).TenantID))
	})
}

func writeSamples(w io.Writer, samples snapshot, tenants []string) {
	lines := map[monitorv1.Metric][]string{}
	for id, vm := range samples.vms {
		if tenants != nil && !slices.Contains(tenants, vm.GetTenantId()) {
			continue
		}
		for _, s := range vm.GetSamples() {
			lines[s.GetMetric()] = append(lines[s.GetMetric()], fmt.Sprintf("{account_id=%s,device=%s,id=%s,tenant_id=%s} %s %d",
				labelValue(vm.GetAccountId()), labelValue(s.GetDevice()), labelValue(id), labelValue(vm.GetTenantId()), s.GetValue(), s.GetAt().AsTime().UnixMilli()))
		}
	}
	metrics := make([]monitorv1.Metric, 0, len(lines))
	for metric := range lines {
		metrics = append(metrics, metric)
	}
	slices.Sort(metrics)
	for _, metric := range metrics {
		name := "yunqiao_vm_" + metricName(metric)
		fmt.Fprintf(w, "# TYPE %s gauge\n", name)
		slices.Sort(lines[metric])
		for _, line := range lines[metric] {
			fmt.Fprintf(w, "%s%s\n", name, line)
		}
	}
}

// labelValue escapes as Prometheus's text format wants it.
func labelValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
