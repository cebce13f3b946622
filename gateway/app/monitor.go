package app

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/monitor"
	"github.com/yunqiao/yunqiao/monitor/notify"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// MonitorConfig is about alarms.
type MonitorConfig struct {
	// NotifyPrivate lets channels have loopback and private addresses.
	NotifyPrivate bool `yaml:"notify_private"`
}

// monitorAccess shows monitor who calls, and the organizations.
type monitorAccess struct{ identity *identity.Identity }

// Caller implements monitor.Access.
func (c monitorAccess) Caller(ctx context.Context) monitor.Caller {
	call := pipeline.CallFrom(ctx)
	if call == nil {
		return monitor.Caller{}
	}
	return monitor.Caller{UserID: call.Principal.UserID, TenantID: call.Principal.TenantID}
}

// Tenants implements monitor.Access.
func (c monitorAccess) Tenants(tenantID string) []string {
	return c.identity.Tenants(pipeline.Principal{TenantID: tenantID})
}

// openMonitor makes the module of alarms. What it asks the gateway for is there before
// it runs.
func (a *App) openMonitor(box *seal.Box, c *contract.Contract) {
	host, err := os.Hostname()
	if err != nil {
		host = "yunqiao"
	}
	a.monitor = monitor.New(a.log, a.store, box, monitorAccess{a.identity}, monitor.Options{
		NotifyPrivate: a.config.Monitor.NotifyPrivate, Host: host, Facts: facts{a},
		Metrics: samples{a, c.Method("cloud.monitor.v1.MetricService/ListMetrics")}, Clouds: cloudAlarms{a},
	})
}

// maxAlerts is how large a signed request with alerts may be.
const maxAlerts = 16 << 20

// monitorRoutes speak Alertmanager's API v2, for Prometheus, amtool and Alertmanager
// itself. Callers need the permissions of the rpcs that do the same.
func (a *App) monitorRoutes() []edge.RawRoute {
	const base = "/monitor/v1/alertmanager"
	return []edge.RawRoute{
		{Method: http.MethodPost, Pattern: base + "/api/v2/alerts", Permission: "monitor.alarm.report", MaxBodyBytes: maxAlerts, Handler: a.monitor.PostAlerts()},
		{Method: http.MethodGet, Pattern: base + "/api/v2/alerts", Permission: "monitor.alarm.list", Handler: a.monitor.GetAlerts()},
		{Method: http.MethodGet, Pattern: base + "/api/v2/status", Permission: "monitor.alarm.list", Handler: a.monitor.GetStatus()},
		{Method: http.MethodPost, Pattern: base + "/api/v2/silences", Permission: "monitor.silence.create", Handler: a.monitor.PostSilences()},
		{Method: http.MethodGet, Pattern: base + "/api/v2/silences", Permission: "monitor.silence.list", Handler: a.monitor.GetSilences()},
		{Method: http.MethodGet, Pattern: base + "/api/v2/silence/:id", Permission: "monitor.silence.get", Handler: a.monitor.GetSilence()},
		{Method: http.MethodDelete, Pattern: base + "/api/v2/silence/:id", Permission: "monitor.silence.delete", Handler: a.monitor.DeleteSilence()},
		{Method: http.MethodGet, Pattern: "/monitor/v1/samples", Permission: "monitor.metric.list", Handler: a.monitor.Scrape()},
		{Method: http.MethodGet, Pattern: "/monitor/v1/mib", Public: true, Handler: http.HandlerFunc(mib)},
		{Method: http.MethodPost, Pattern: base + "/webhook", Permission: "monitor.alarm.report", MaxBodyBytes: maxAlerts, Handler: a.monitor.Webhook()},
	}
}

// mib serves YUNQIAO-ALARM-MIB as a file.
func mib(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=us-ascii")
	w.Header().Set("Content-Disposition", `attachment; filename="YUNQIAO-ALARM-MIB.txt"`)
	_, _ = io.WriteString(w, notify.MIB) // a client that has gone is no error of ours
}
