package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/programs"
	"github.com/yunqiao/yunqiao/programs/cdn"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// ProgramsConfig is about series and programs.
type ProgramsConfig struct {
	CDNs         []CDNConfig `yaml:"cdns"`          // purged when something goes off
	ProbePrivate bool        `yaml:"probe_private"` // probes of play URLs may reach private addresses
	// How often each online program's play URLs are probed; none: only when asked for.
	ProbeInterval Duration `yaml:"probe_interval"`
}

// CDNConfig is a delivery network whose caches know the HTTP method PURGE, and REDIRECT
// if there is a notice.
type CDNConfig struct {
	Name  string   `yaml:"name"`
	Nodes []string `yaml:"nodes"` // "http://10.0.0.7:6081"
	// Where requests of what an emergency has taken off are sent; none: they are only purged.
	Notice string `yaml:"notice"`
	// Play URLs of what goes online are brought into the caches.
	Prefetch bool `yaml:"prefetch"`
}

// ProgramsCommands is the command line of package kit.
type ProgramsCommands = kit.Commands

// ProgramsEnvironment is what those commands get beside their flags.
type ProgramsEnvironment = kit.Environment

// openPrograms makes the module of series and programs.
func (a *App) openPrograms(ctx context.Context, box *seal.Box) error {
	options := programs.Options{
		Caller: callerID, ProbePrivate: a.config.Programs.ProbePrivate, ProbeInterval: a.config.Programs.ProbeInterval.Duration,
		Tenant: a.identity.Root(),
	}
	for i, c := range a.config.Programs.CDNs {
		network, err := cdn.NewHTTPCache(c.Name, c.Nodes, nil)
		if err != nil {
			return fmt.Errorf("programs.cdns[%d]: %w", i, err)
		}
		if c.Notice != "" && !strings.HasPrefix(c.Notice, "http://") && !strings.HasPrefix(c.Notice, "https://") {
			return fmt.Errorf("programs.cdns[%d].notice: must be an http or https URL", i)
		}
		options.CDNs = append(options.CDNs, programs.Network{CDN: network, Notice: c.Notice, Prefetch: c.Prefetch})
	}
	var err error
	a.programs, err = programs.Open(ctx, a.log, a.store, box, options)
	return err
}

// callerID is the user who makes a call.
func callerID(ctx context.Context) string {
	if call := pipeline.CallFrom(ctx); call != nil {
		return call.Principal.UserID
	}
	return ""
}

// programRoutes are the addresses that partners and players call. They check their
// callers themselves, and answer other methods in the partner interface's own form.
func (a *App) programRoutes() []edge.RawRoute {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}
	var out []edge.RawRoute
	for _, route := range a.programs.Routes() {
		if route.Path == programs.PlayPath {
			out = append(out, edge.RawRoute{Method: http.MethodGet, Pattern: route.Path, Public: true, Handler: route.Handler})
			continue
		}
		for _, method := range methods {
			out = append(out, edge.RawRoute{Method: method, Pattern: route.Path, Public: true, Handler: route.Handler})
		}
	}
	return out
}
