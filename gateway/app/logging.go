package app

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/logging"
)

// LoggingConfig is about logs of resources.
type LoggingConfig struct {
	// FileRoots are the folders that file locations may read; none: no file.
	FileRoots []string `yaml:"file_roots"`
	// PullPrivate lets HTTP locations reach loopback and private addresses.
	PullPrivate bool `yaml:"pull_private"`
}

// callers shows modules who calls, and the organizations.
type callers struct{ identity *identity.Identity }

// Caller implements logging.Access.
func (c callers) Caller(ctx context.Context) logging.Caller {
	call := pipeline.CallFrom(ctx)
	if call == nil {
		return logging.Caller{}
	}
	return logging.Caller{UserID: call.Principal.UserID, TenantID: call.Principal.TenantID}
}

// Tenants implements logging.Access.
func (c callers) Tenants(tenantID string) []string {
	return c.identity.Tenants(pipeline.Principal{TenantID: tenantID})
}

// openLogging makes the module of logs. It logs to the process's log alone, so that
// its own troubles are not stored by itself.
func (a *App) openLogging(ctx context.Context, processLog *slog.Logger, box *seal.Box, own *logging.Own) error {
	var err error
	a.logging, err = logging.Open(ctx, processLog, a.store, box, callers{a.identity}, logging.Options{
		FileRoots: a.config.Logging.FileRoots, PullPrivate: a.config.Logging.PullPrivate,
		Own: own, OwnTenant: a.identity.Root(),
	})
	return err
}

// loggingRoutes are the streams of log entries, for callers who may list them, and
// the addresses that programs push to, which know their callers by a submission's
// token.
func (a *App) loggingRoutes() []edge.RawRoute {
	return []edge.RawRoute{
		{Method: http.MethodPost, Pattern: "/logging/v1/push", Public: true, Handler: a.logging.Push()},
		{Method: http.MethodPost, Pattern: "/logging/v1/otlp/v1/logs", Public: true, Handler: a.logging.PushOTLP()},
		{Method: http.MethodGet, Pattern: "/logging/v1/entry/tail", Permission: "logging.entry.list", Stream: true, Handler: a.logging.Tail()},
		{Method: http.MethodGet, Pattern: "/logging/v1/entry/export", Permission: "logging.entry.list", Handler: a.logging.Export()},
	}
}
