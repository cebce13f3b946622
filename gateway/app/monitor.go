package app

import (
	"context"
	"net/http"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/monitor"
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

func (a *App) openMonitor(box *seal.Box) {
	a.monitor = monitor.New(a.log, a.store, box, monitorAccess{a.identity}, monitor.Options{NotifyPrivate: a.config.Monitor.NotifyPrivate})
}

// monitorRoutes speak Alertmanager's API v2, for Prometheus, amtool and Alertmanager
// itself. Callers need the permissions of the rpcs that do the same.
func (a *App) monitorRoutes() []edge.RawRoute {
	const base = "/monitor/v1/alertmanager"
	return []edge.RawRoute{
		{Method: http.MethodPost, Pattern: base + "/api/v2/alerts", Public: true, Handler: a.permitted("monitor.alarm.report", a.monitor.PostAlerts())},
		{Method: http.MethodGet, Pattern: base + "/api/v2/alerts", Public: true, Handler: a.permitted("monitor.alarm.list", a.monitor.GetAlerts())},
		{Method: http.MethodPost, Pattern: base + "/webhook", Public: true, Handler: a.permitted("monitor.alarm.report", a.monitor.Webhook())},
	}
}
