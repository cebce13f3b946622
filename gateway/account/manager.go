package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/limit"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Driver is a running driver, as far as accounts need it.
type Driver interface {
	grpc.ClientConnInterface
	Info() *driverv1.GetInfoResponse
	Schema() *driverv1.GetAccountSchemaResponse
}

// Drivers finds running drivers by name.
type Drivers interface {
	Driver(name string) (Driver, bool)
}

// Options tunes a Manager. The zero value is ready for production.
type Options struct {
	// DataDir is where drivers that keep a file for an account may put it.
	DataDir string
	// OpenTimeout bounds one opening; default 30s.
	OpenTimeout time.Duration
	// Patience is how long a start, of the gateway or of a driver, waits for its
	// accounts; those that have not answered by then are opened while the others
	// serve. Default 3s.
	Patience time.Duration
	// RetryEvery is how often accounts that are not ready are tried; default 10s.
	RetryEvery time.Duration
	// FollowEvery is how old the accounts may be of what other replicas change; default 2s.
	FollowEvery time.Duration
	Now         func() time.Time
	// Instrument wraps the connection that calls for an account take; default: none.
	Instrument func(conn grpc.ClientConnInterface, driver, accountID string) grpc.ClientConnInterface
}

// Manager stores, opens and reopens accounts.
type Manager struct {
	log      *slog.Logger
	store    *store
	drivers  Drivers
	registry *Registry
	opts     Options

	updating sync.Mutex           // one update at a time, with its opening
	seen     map[string]time.Time // when each account's row had changed at the last look at other replicas' changes

	configured map[string]bool // accounts of this replica's configuration file

	mu       sync.Mutex        // serialises changes of store, registry and the maps
	secrets  map[string]record // by account
	reserved map[string]bool   // names of accounts that are being created
	guards   map[string]*limit.Guard
}

// New makes a Manager; Start loads the accounts.
func New(log *slog.Logger, store_ *db.Store, box *seal.Box, drivers Drivers, opts Options) *Manager {
	if opts.OpenTimeout == 0 {
		opts.OpenTimeout = 30 * time.Second
	}
	if opts.Patience == 0 {
		opts.Patience = 3 * time.Second
	}
	if opts.RetryEvery == 0 {
		opts.RetryEvery = 10 * time.Second
	}
	if opts.FollowEvery == 0 {
		opts.FollowEvery = 2 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Instrument == nil {
		opts.Instrument = func(conn grpc.ClientConnInterface, _, _ string) grpc.ClientConnInterface { return conn }
	}
	return &Manager{
		log: log, store: &store{store_, box}, drivers: drivers, registry: NewRegistry(), opts: opts,
		configured: map[string]bool{}, secrets: map[string]record{}, reserved: map[string]bool{}, guards: map[string]*limit.Guard{},
	}
}

// Registry is what others read.
func (m *Manager) Registry() *Registry { return m.registry }

// Start loads all accounts, takes in those of the configuration, and opens them.
// An account that cannot be opened does not stop the others; Run goes on with it.
func (m *Manager) Start(ctx context.Context, configured []Configured) error {
	records, err := m.store.load(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	for _, rec := range records {
		m.secrets[rec.account.ID] = rec
		m.registry.change(rec.account.ID, func(*Account) *Account { return rec.account })
	}
	m.mu.Unlock()
	for _, c := range configured {
		if err := m.takeIn(ctx, c); err != nil {
			return err
		}
		m.configured[c.ID] = true
	}
	if err := m.handOver(ctx, configured); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, m.opts.Patience)
	defer cancel()
	m.openAll(patient, func(a *Account) bool { return !a.Disabled })
	return nil
}

// handOver leaves accounts that have been taken out of the configuration to the
// API: what they hold at their clouds is still there.
func (m *Manager) handOver(ctx context.Context, configured []Configured) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, rec := range m.secrets {
		if !rec.account.FromConfig || slices.ContainsFunc(configured, func(c Configured) bool { return c.ID == id }) {
			continue
		}
		next := *rec.account
		next.FromConfig = false
		rec.account = &next
		if err := m.store.save(ctx, rec); err != nil {
			return fmt.Errorf("store account %s: %w", id, err)
		}
		m.put(rec)
	}
	return nil
}

// Run keeps trying accounts that are not ready, until the context ends.
func (m *Manager) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.opts.RetryEvery)
	defer ticker.Stop()
	for {
		m.openAll(ctx, func(a *Account) bool { return !a.Disabled && a.State != accountv1.AccountState_ACCOUNT_STATE_READY })
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Reopen opens a driver's accounts at a fresh process, before calls are let through.
func (m *Manager) Reopen(ctx context.Context, driver string, conn grpc.ClientConnInterface) error {
	m.mu.Lock()
	records := make([]record, 0, len(m.secrets))
	for _, id := range slices.Sorted(maps.Keys(m.secrets)) {
		if rec := m.secrets[id]; rec.account.Driver == driver && !rec.account.Disabled {
			records = append(records, rec)
		}
	}
	m.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	info, err := driverv1.NewDriverServiceClient(conn).GetInfo(ctx, &driverv1.GetInfoRequest{})
	if err != nil {
		return fmt.Errorf("driver %s: %w", driver, err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.Patience)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, rec := range records {
		group.Go(func() error {
			m.reopen(ctx, conn, info, rec)
			return nil
		})
	}
	return group.Wait()
}

// reopen opens an account at a fresh process, which may be of another version than
// the one before. Calls go on through the connection that the account has.
func (m *Manager) reopen(ctx context.Context, conn grpc.ClientConnInterface, info *driverv1.GetInfoResponse, rec record) {
	response, err := m.openAt(ctx, conn, rec)
	if err != nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "account not reopened",
			slog.String("account_id", rec.account.ID), slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))))
	}
	m.registry.change(rec.account.ID, func(a *Account) *Account {
		switch {
		case a == nil: // deleted meanwhile
			return nil
		case a.Disabled: // meanwhile
			return a
		case err != nil:
			return a.withFailure(sdk.ReasonOf(err))
		case a.Conn == nil: // never opened: Run does that when the driver takes calls
			return a
		default:
			return a.withInfo(info, response.GetCapabilities(), m.opts.Now().UTC())
		}
	})
}

func (m *Manager) openAll(ctx context.Context, which func(*Account) bool) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, a := range m.registry.All() {
		if which(a) {
			group.Go(func() error {
				m.open(ctx, a.ID)
				return nil
			})
		}
	}
	_ = group.Wait() // the functions return no error
}

// open opens one account at its driver and puts the outcome into the registry.
func (m *Manager) open(ctx context.Context, id string) {
	m.mu.Lock()
	rec, ok := m.secrets[id]
	m.mu.Unlock()
	if !ok {
		return
	}
	opened, err := m.tryOpen(ctx, rec)
	if ctx.Err() != nil {
		return // nobody waits for it any more: that says nothing of the cloud
	}
	if err != nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "account not opened", slog.String("account_id", id),
			slog.String("driver", rec.account.Driver), slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))),
			slog.String("error", err.Error()))
	}
	m.opened(id, opened, err)
}

// opened puts the outcome of an opening into the registry.
func (m *Manager) opened(id string, opened *Account, err error) {
	m.registry.change(id, func(current *Account) *Account {
		switch {
		case current == nil: // deleted meanwhile
			return nil
		case current.Disabled: // meanwhile
			return current
		case err != nil:
			return current.withFailure(sdk.ReasonOf(err))
		default:
			return opened.withRecord(current)
		}
	})
}

func (m *Manager) tryOpen(ctx context.Context, rec record) (*Account, error) {
	driver, ok := m.drivers.Driver(rec.account.Driver)
	if !ok {
		return nil, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE,
			sdk.Cause(errors.New("no driver named "+rec.account.Driver+" runs")))
	}
	response, err := m.openAt(ctx, driver, rec)
	if err != nil {
		return nil, err
	}
	next := *rec.account
	next.Guard = m.guard(rec.account, driver)
	next.Conn = next.Guard
	return next.withInfo(driver.Info(), response.GetCapabilities(), m.opts.Now().UTC()), nil
}

// guard stands before an account's driver, with the limits of its settings. Those of
// settings that were stored by another version and cannot be read are left out.
func (m *Manager) guard(a *Account, driver Driver) *limit.Guard {
	limits, _ := limit.Read(a.Settings)
	m.mu.Lock()
	defer m.mu.Unlock()
	guard := m.guards[a.ID]
	if guard == nil {
		guard = limit.NewGuard(a.ID)
		m.guards[a.ID] = guard
	}
	guard.Use(m.opts.Instrument(driver, a.Driver, a.ID), limits)
	return guard
}

func (m *Manager) openAt(ctx context.Context, conn grpc.ClientConnInterface, rec record) (*driverv1.OpenAccountResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.OpenTimeout)
	defer cancel()
	return driverv1.NewDriverServiceClient(conn).OpenAccount(ctx, &driverv1.OpenAccountRequest{
		AccountId:   rec.account.ID,
		Settings:    m.driverSettings(rec.account),
		Credentials: rec.credentials,
	})
}

// dataFileSetting is filled in for drivers whose schema has it: the file in which
// a driver may keep an embedded cloud.
const dataFileSetting = "data_file"

func (m *Manager) driverSettings(a *Account) map[string]string {
	settings := maps.Clone(a.Settings)
	maps.DeleteFunc(settings, func(name, _ string) bool { return limit.Owns(name) })
	driver, ok := m.drivers.Driver(a.Driver)
	if !ok || settings[dataFileSetting] != "" {
		return settings
	}
	for _, field := range driver.Schema().GetFields() {
		if field.GetName() == dataFileSetting {
			if settings == nil {
				settings = map[string]string{}
			}
			settings[dataFileSetting] = filepath.Join(m.opts.DataDir, a.ID+".db")
			return settings
		}
	}
	return settings
}
