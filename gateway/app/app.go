package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/audit"
	"github.com/yunqiao/yunqiao/gateway/cloudtenant"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	"github.com/yunqiao/yunqiao/gateway/driverhost/admin"
	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/ownership"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/gateway/policy"
	"github.com/yunqiao/yunqiao/gateway/reconcile"
	"github.com/yunqiao/yunqiao/internal/certfile"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/internal/telemetry"
	"github.com/yunqiao/yunqiao/logging"
	"github.com/yunqiao/yunqiao/monitor"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
	"github.com/yunqiao/yunqiao/programs"
)

// tokenFile holds the first administrator's token, in the data folder.
const tokenFile = "admin.token"

// App is a gateway that has been started.
type App struct {
	log        *slog.Logger
	config     *Config
	store      *db.Store
	lock       *dataLock
	host       *driverhost.Host
	accounts   *account.Manager
	operations *operation.Engine
	tenants    *cloudtenant.Service
	identity   *identity.Identity
	things     *inventory.Inventory
	billing    *billing.Module
	recorder   *audit.Recorder
	programs   *programs.Module
	logging    *logging.Module
	monitor    *monitor.Module
	tracing    *telemetry.Tracing
	runner     *policy.Runner
	reconciler *reconcile.Reconciler
	events     *outbox.Keeper
	server     *http.Server
	listener   net.Listener

	// FirstToken is the administrator's token if this start made it.
	FirstToken string
}

// Start opens the store, starts drivers and accounts, and listens. On an error
// everything that was started is stopped again.
func Start(ctx context.Context, log *slog.Logger, config *Config, getenv func(string) string) (app *App, err error) {
	processLog, own := log, logging.NewOwn()
	log = slog.New(own.Handler(processLog.Handler()))
	a := &App{log: log, config: config}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.release())
		}
	}()
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	box, err := a.openStore(ctx, getenv)
	if err != nil {
		return nil, err
	}
	c, err := contract.Linked()
	if err != nil {
		return nil, err
	}
	who, token, err := identity.Open(ctx, log, a.store, box, c, identity.Options{KeepToken: a.keepToken})
	if err != nil {
		return nil, err
	}
	a.identity = who
	a.recorder = audit.New(log, a.store, audit.Options{Retention: config.Retention.Audit.Duration})
	a.FirstToken = token
	metrics := newMetrics()
	if a.tracing, err = telemetry.NewTracing(ctx, telemetry.Config{Endpoint: config.Traces.Endpoint, SampleRatio: config.Traces.SampleRatio}); err != nil {
		return nil, err
	}
	calls, err := telemetry.NewCalls(metrics.registry, a.tracing)
	if err != nil {
		return nil, err
	}
	if err := a.startClouds(ctx, box, getenv, calls); err != nil {
		return nil, err
	}
	metrics.registry.MustRegister(driverCollector{a.host}, accountCollector{a.accounts.Registry()})
	if err := a.openPrograms(ctx, box); err != nil {
		return nil, err
	}
	if err := a.openLogging(ctx, processLog, box, own); err != nil {
		return nil, err
	}
	a.openMonitor(box, c)
	things := inventory.New(a.store)
	if err := things.Load(ctx); err != nil {
		return nil, err
	}
	a.things = things
	passwords := inventory.NewPasswords(a.store, box)
	a.operations = operation.New(context.WithoutCancel(ctx), log, a.store, box, c, a.accounts.Registry(), things, passwords,
		operation.Options{KeepEnded: config.Retention.Operations.Duration})
	a.tenants = cloudtenant.New(log, a.store, a.accounts, who, who, a.operations, cloudtenant.Options{})
	pages, err := seal.New(box.Derive("page tokens"))
	if err != nil {
		return nil, err
	}
	a.runner = policy.New(log, c, a.accounts.Registry(), things, a.operations, passwords, who, policy.Options{Pages: pages})
	validate, err := pipeline.Validate(c)
	if err != nil {
		return nil, err
	}
	bills, err := config.Billing.options(billingProviders{a.accounts.Registry()})
	if err != nil {
		return nil, err
	}
	a.billing = billing.New(log, a.store, c, billingAccess{who}, billingAccounts{a.accounts.Registry()}, bills)
	a.events = outbox.NewKeeper(log, a.store, outbox.KeeperOptions{Keep: config.Retention.Events.Duration}, a.billing)
	modules := a.modules(things, a.runner)
	rates, authorize, faults := pipeline.RateLimit(config.Limits.rates()), pipeline.Authorize(who), pipeline.StoreFaults(db.IsAway)
	handle := pipeline.Chain(a.runner.Handle, faults, rates, authorize, validate, a.runner.Modules,
		audit.Before(c, modules), pipeline.Modules(modules))
	a.reconciler, err = reconcile.New(log, a.store, c, a.accounts.Registry(), things, a.operations, reconcile.Options{
		Interval: config.Reconcile.Interval.Duration, Parallel: config.Reconcile.Parallel, Metrics: newReconcileMetrics(metrics.registry),
	})
	if err != nil {
		return nil, err
	}
	handler, err := edge.New(log, c, who, handle, edge.Options{
		MaxBodyBytes: config.HTTP.MaxBodyBytes, MaxURLBytes: config.HTTP.MaxURLBytes,
		MaxConcurrent: config.HTTP.MaxConcurrentRequests, RequestTimeout: config.HTTP.RequestTimeout.Duration, Metrics: metrics, Recorder: a.recorder, Raw: a.rawRoutes(metrics),
		Sections:  []edge.Section{programSection()},
		Strangers: rates,
		Gates:     func(next pipeline.Handler) pipeline.Handler { return pipeline.Chain(next, rates, authorize) },
	})
	if err != nil {
		return nil, err
	}
	return a, a.listen(a.tracing.Middleware(handler))
}

// openStore locks the data folder, opens and migrates the database, and loads the
// sealing key.
func (a *App) openStore(ctx context.Context, getenv func(string) string) (*seal.Box, error) {
	config, err := a.config.database(getenv)
	if err != nil {
		return nil, err
	}
	if a.lock, err = lockData(a.config.Data); err != nil {
		return nil, err
	}
	if a.store, err = db.Open(ctx, config); err != nil {
		return nil, err
	}
	if err = a.store.Migrate(ctx, Schema()...); err != nil {
		return nil, err
	}
	return a.config.sealBox(getenv, true)
}

// keepToken writes the first administrator's token where the operator finds it.
func (a *App) keepToken(token string) error {
	if err := os.WriteFile(a.config.TokenFile(), []byte(token+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the administrator's token: %w", err)
	}
	return nil
}

// startClouds starts the drivers side by side and opens the accounts. A driver or
// account that fails is tried again; the gateway serves the others.
func (a *App) startClouds(ctx context.Context, box *seal.Box, getenv func(string) string, calls *telemetry.Calls) error {
	specs, err := driverSpecs(ctx, a.log, a.config)
	if err != nil {
		return err
	}
	configured, err := configuredAccounts(a.config, getenv)
	if err != nil {
		return err
	}
	files := filepath.Join(a.config.Data, "clouds")
	if files, err = filepath.Abs(files); err != nil {
		return err
	}
	if err := os.MkdirAll(files, 0o700); err != nil {
		return fmt.Errorf("folder of embedded clouds: %w", err)
	}
	sockets, err := driverhost.SocketDir(a.config.Data)
	if err != nil {
		return err
	}
	a.host = driverhost.New(a.log, driverhost.Options{
		SocketDir: sockets,
		Limits:    a.config.DriverLimits.limits(),
		OnReady: func(ctx context.Context, driver string, conn grpc.ClientConnInterface) error {
			return a.accounts.Reopen(ctx, driver, conn)
		},
	})
	a.accounts = account.New(a.log, a.store, box, hostDrivers{a.host}, account.Options{DataDir: files, Instrument: calls.Conn})
	var starting errgroup.Group
	for _, spec := range specs {
		starting.Go(func() error {
			if err := a.host.Start(ctx, spec); err != nil {
				a.log.LogAttrs(ctx, slog.LevelError, "driver did not start", slog.String("driver", spec.Name), slog.String("error", err.Error()))
			}
			return nil
		})
	}
	_ = starting.Wait() // the functions return no error
	return a.accounts.Start(ctx, configured)
}

// hostDrivers shows the host's drivers to the accounts.
type hostDrivers struct{ host *driverhost.Host }

func (h hostDrivers) Driver(name string) (account.Driver, bool) {
	d, ok := h.host.Driver(name)
	if !ok || d.Info() == nil {
		return nil, false
	}
	return d, true
}

func configuredAccounts(config *Config, getenv func(string) string) ([]account.Configured, error) {
	list := config.Account
	if len(list) == 0 {
		list = defaultAccounts()
	}
	var out []account.Configured
	for _, a := range list {
		c := account.Configured{
			ID: a.ID, Driver: a.Driver, Kind: cloudKind(a.CloudKind), Description: a.Description, Settings: a.Settings,
			Credentials: map[string]string{},
		}
		for name, source := range a.Credentials {
			secret, err := source.Read(getenv)
			if err != nil {
				return nil, fmt.Errorf("account %s, credential %s: %w", a.ID, name, err)
			}
			c.Credentials[name] = secret
		}
		out = append(out, c)
	}
	return out, nil
}

// knownAccounts shows identity which accounts there are.
type knownAccounts struct{ registry *account.Registry }

func (k knownAccounts) Known(id string) bool {
	_, err := k.registry.Get(id)
	return err == nil
}

// modules are the servers in this process.
func (a *App) modules(things *inventory.Inventory, clouds ownership.Clouds) grpc.ClientConnInterface {
	conn := inproc.New()
	a.identity.Register(conn, things, knownAccounts{a.accounts.Registry()}, a.tenants)
	tenantv1.RegisterOwnershipServiceServer(conn, ownership.NewServer(
		a.store, things, a.accounts.Registry(), clouds, a.identity, operation.CheckQuotas, time.Now))
	tenantv1.RegisterAuditServiceServer(conn, audit.NewServer(a.recorder, a.identity))
	accountv1.RegisterAccountServiceServer(conn, account.NewServer(a.accounts, a.operations, a.tenants, a.identity))
	accountv1.RegisterCloudTenantServiceServer(conn, a.tenants)
	accountv1.RegisterDriverServiceServer(conn, admin.NewServer(a.host))
	a.billing.Register(conn)
	a.programs.Register(conn)
	a.logging.Register(conn)
	a.monitor.Register(conn)
	operationv1.RegisterOperationServiceServer(conn, operation.NewServer(a.operations, a.identity, a.recorder))
	return conn
}

func (a *App) listen(handler http.Handler) error {
	listener, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a.listener = listener
	timeout := a.config.HTTP.RequestTimeout.Duration
	a.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: a.config.HTTP.HeaderTimeout.Duration, ReadTimeout: timeout,
		WriteTimeout: timeout + answerTime, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: a.config.HTTP.MaxHeaderBytes,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	if !a.encrypted() {
		return nil
	}
	certificate, err := certfile.Open(a.log, certfile.Files{
		Cert: a.config.TLS.CertFile, Key: a.config.TLS.KeyFile, ClientCA: a.config.TLS.ClientCAFile,
	}, certfile.Options{MinVersion: tlsVersions()[a.config.TLS.MinVersion], Ask: a.config.TLS.AskClients})
	if err != nil {
		return errors.Join(fmt.Errorf("tls: %w", err), listener.Close())
	}
	a.server.TLSConfig = certificate.Config()
	return nil
}

// answerTime is what is left to write the answer to a call that used up its time.
const answerTime = 10 * time.Second

func (a *App) encrypted() bool { return a.config.TLS.CertFile != "" }

func (a *App) serve() error {
	if a.encrypted() {
		return a.server.ServeTLS(a.listener, "", "") // the files are in TLSConfig
	}
	return a.server.Serve(a.listener)
}

// Address is where the gateway listens: "127.0.0.1:8355".
func (a *App) Address() string { return a.listener.Addr().String() }

// URL is where a client on the same machine reaches the gateway.
func (a *App) URL() string {
	scheme := "http://"
	if a.encrypted() {
		scheme = "https://"
	}
	return scheme + strings.Replace(a.Address(), "[::]", "127.0.0.1", 1)
}

// Run serves until the context ends, then stops in order: no new requests, those
// in flight drain, followers stop, drivers end, the store closes.
func (a *App) Run(ctx context.Context) error {
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	var work errgroup.Group
	work.Go(func() error { return a.accounts.Run(background) })
	work.Go(func() error { return a.accounts.Follow(background) })
	work.Go(func() error { return a.operations.Run(background) })
	work.Go(func() error { return a.tenants.Run(background) })
	work.Go(func() error { return a.identity.Run(background) })
	work.Go(func() error { return a.things.Run(background, a.log) })
	work.Go(func() error { return a.billing.Run(background) })
	work.Go(func() error { return a.recorder.Run(background) })
	work.Go(func() error { return a.events.Run(background) })
	work.Go(func() error { return a.programs.Run(background) })
	work.Go(func() error { return a.logging.Run(background) })
	work.Go(func() error { return a.monitor.Run(background) })
	if !a.config.Reconcile.Off {
		work.Go(func() error { return a.reconciler.Run(background) })
	}
	served := make(chan error, 1)
	go func() { served <- a.serve() }()
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-served:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.config.HTTP.DrainTimeout.Duration)
	defer cancel()
	if err := a.server.Shutdown(drain); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "requests were cut off at the end of the drain time", slog.String("error", err.Error()))
		failure = errors.Join(failure, a.server.Close())
	}
	stopBackground()
	return errors.Join(failure, work.Wait(), a.release())
}

// release stops what was started, in the reverse order.
func (a *App) release() error {
	if a.runner != nil {
		a.runner.Close()
	}
	if a.operations != nil {
		a.operations.Close()
	}
	if a.host != nil {
		a.host.Close()
	}
	var err error
	if a.tracing != nil {
		flush, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err = a.tracing.Close(flush)
		cancel()
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	if a.lock != nil {
		err = errors.Join(err, a.lock.release())
	}
	return err
}
