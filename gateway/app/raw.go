package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/audit"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/internal/docsui"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/plugin-proto/gen"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// rawRoutes are all routes that are no rpc.
func (a *App) rawRoutes(m *metrics) []edge.RawRoute {
	docs := docsui.Handler()
	return append(slices.Concat(a.programRoutes(), a.loggingRoutes(), a.monitorRoutes()), []edge.RawRoute{
		{Method: http.MethodGet, Pattern: "/healthz", Public: true, Handler: http.HandlerFunc(a.healthz)},
		{Method: http.MethodGet, Pattern: "/readyz", Public: true, Handler: http.HandlerFunc(a.readyz)},
		{Method: http.MethodGet, Pattern: "/metrics", Public: true, Handler: a.forOperators(promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))},
		{Method: http.MethodGet, Pattern: "/openapi.json", Public: true, Handler: http.HandlerFunc(openAPI)},
		{Method: http.MethodGet, Pattern: "/tenant/v1/audits/export", Permission: "tenant.audit.list", Handler: audit.NewServer(a.recorder, a.identity).Export()},
		{Method: http.MethodGet, Pattern: "/billing/v1/costs/download", Permission: "billing.cost.list", Handler: a.billing.Download(refuse.Answer)},
		{Method: http.MethodGet, Pattern: "/billing/v1/statements/download", Permission: "billing.statement.get", Handler: a.billing.DownloadStatement(refuse.Answer)},
		{Method: http.MethodGet, Pattern: "/docs", Public: true, Handler: docs},
		{Method: http.MethodGet, Pattern: "/docs/*asset", Public: true, Handler: docs},
	}...)
}

// forOperators serves who is on the gateway's own machine and says nothing of
// himself, and people of the root organization who may see all accounts: metrics count
// what all organizations do.
func (a *App) forOperators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.identity.Authenticate(r.Context(), r, nil)
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_TOKEN_MISSING && loopback(r.RemoteAddr) {
			next.ServeHTTP(w, r)
			return
		}
		if err == nil {
			err = a.identity.Permit(who, listAccounts)
		}
		if err == nil && !a.identity.Sees(who, a.identity.Root()) {
			err = refuse.With(apiv1.Reason_REASON_PERMISSION_DENIED, "permission", "metrics are for people of the root organization")
		}
		if err != nil {
			refuse.Answer(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// healthz tells that the process answers.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness is what /readyz tells. Everybody sees whether requests can be served
// and how many drivers and accounts are up; the accounts see who may use them, the
// drivers who may see all accounts.
type readiness struct {
	Ready         bool              `json:"ready"`
	Store         string            `json:"store"`
	DriversTotal  int               `json:"drivers_total"`
	DriversReady  int               `json:"drivers_ready"`
	AccountsTotal int               `json:"accounts_total"`
	AccountsReady int               `json:"accounts_ready"`
	Drivers       []driverReadiness `json:"drivers,omitempty"`
	Accounts      []accountState    `json:"accounts,omitempty"`
}

type driverReadiness struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Version  string `json:"version"`
	Restarts int    `json:"restarts"`
}

type accountState struct {
	ID     string `json:"id"`
	Driver string `json:"driver"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Breaker is closed, open or half-open: whether the account's cloud is called.
	Breaker string `json:"breaker,omitempty"`
}

// pingTime is how long the store may take to answer before it counts as away.
const pingTime = 5 * time.Second

// listAccounts is the permission to see accounts.
const listAccounts = "account.account.list"

// readyz tells whether requests can be served: the store answers. Drivers and
// accounts are counted; one that is down does not take the others out of service.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	out := readiness{Ready: true, Store: "ok"}
	status := http.StatusOK
	reach, cancel := context.WithTimeout(r.Context(), pingTime)
	defer cancel()
	if err := a.store.Ping(reach); err != nil {
		out.Ready, out.Store, status = false, "unreachable", http.StatusServiceUnavailable
	}
	who, err := a.identity.Authenticate(r.Context(), r, nil)
	known := err == nil && a.identity.Permit(who, listAccounts) == nil
	for _, d := range a.host.Drivers() {
		out.DriversTotal++
		if d.State == driverhost.StateReady {
			out.DriversReady++
		}
		if known && a.identity.Sees(who, a.identity.Root()) {
			out.Drivers = append(out.Drivers, driverReadiness{d.Name, string(d.State), d.Version, d.Restarts})
		}
	}
	for _, acc := range a.accounts.Registry().All() {
		out.AccountsTotal++
		if acc.State == accountv1.AccountState_ACCOUNT_STATE_READY {
			out.AccountsReady++
		}
		if !known || a.identity.Account(who, acc.ID) != nil {
			continue
		}
		state := accountState{ID: acc.ID, Driver: acc.Driver, State: accountv1.AccountState_name[int32(acc.State)]}
		if acc.Reason != 0 {
			state.Reason = sdk.ReasonName(acc.Reason)
		}
		if acc.Guard != nil {
			state.Breaker = string(acc.Guard.State())
		}
		out.Accounts = append(out.Accounts, state)
	}
	writeJSON(w, status, out)
}

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(gen.OpenAPI) // a client that has gone is no error of ours
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no error of ours
}
