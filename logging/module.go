package logging

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// Caller is who makes a call.
type Caller struct {
	UserID, TenantID string
}

// Access says who calls and what he sees.
type Access interface {
	Caller(ctx context.Context) Caller
	// Tenants lists the organizations that one sees, itself and those below it; nil: all.
	Tenants(tenantID string) []string
}

// Options tunes a Module. The zero value collects from no file and from no private
// address.
type Options struct {
	// FileRoots are the folders that FILE locations may read; none: no file.
	FileRoots []string
	// PullPrivate lets HTTP locations reach loopback and private addresses.
	PullPrivate bool
	// KeepDays is how long entries are kept of organizations that say nothing else;
	// default 180, the least that article 21 of the Cybersecurity Law of China asks for.
	KeepDays int
	// Own is the process's own log, which is stored for OwnTenant; nil: it is not.
	Own       *Own
	OwnTenant string
	Now       func() time.Time
}

// Module is the logging module.
type Module struct {
	log     *slog.Logger
	store   *db.Store
	entries *entry.Store
	box     *seal.Box
	access  Access
	opts    Options
	engine  string // SNMP engine id, octets

	leases *lease.Table

	changed chan struct{} // locations are to be looked at

	forwards        atomic.Pointer[[]forwardRow]
	forwardsChanged chan struct{}

	mu          sync.RWMutex
	submissions map[string]*submission
	tokens      map[[sha256.Size]byte]*submission
	locations   map[string]*collector
}

// Migrations of the module's tables.
func Migrations() db.Module {
	return db.Module{
		Name: "logging", Migrations: append(entry.Migrations(), db.Migration{Version: 2, Name: "submissions", Up: createTables},
			db.Migration{Version: 3, Name: "forwards and leases", Up: createForwards},
			db.Migration{Version: 4, Name: "how collectors do", Up: tellOfCollectors}),
		Apart: []string{"logging_entries", "logging_terms", "logging_record_ids", "logging_usage", "logging_forwarding"},
	}
}

// locationV2 is the table of places as version 2 made it.
type locationV2 struct {
	ID        string `gorm:"primaryKey;size:32"`
	TenantID  string `gorm:"size:64;index"`
	Document  string
	Stored    int64
	Lost      int64
	LostBytes int64
	Refused   int64
	UpdatedAt time.Time
}

func (locationV2) TableName() string { return "logging_locations" }

func createTables(tx *gorm.DB) error {
	return tx.Migrator().CreateTable(&submissionRow{}, &locationV2{}, &positionRow{}, &retentionRow{}, &settingRow{})
}

func tellOfCollectors(tx *gorm.DB) error {
	for _, column := range []string{"State", "LastError", "ErrorAt", "RecordAt", "LostAt", "Lag"} {
		if err := tx.Migrator().AddColumn(&locationRow{}, column); err != nil {
			return err
		}
	}
	return tx.Exec("UPDATE logging_locations SET state = 0, last_error = '', lag = 0").Error
}

// Open loads what is configured. Run must be called, too.
func Open(ctx context.Context, log *slog.Logger, store *db.Store, box *seal.Box, access Access, opts Options) (*Module, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.KeepDays == 0 {
		opts.KeepDays = 180
	}
	m := &Module{
		log: log, store: store, box: box, access: access, opts: opts, changed: make(chan struct{}, 1),
		leases: lease.Open(store, leaseTable, 0), forwardsChanged: make(chan struct{}, 1), submissions: map[string]*submission{},
		tokens: map[[sha256.Size]byte]*submission{}, locations: map[string]*collector{},
	}
	m.entries = entry.New(log, store, entry.Options{Now: opts.Now, Also: m.enqueue})
	if err := m.loadForwards(ctx); err != nil {
		return nil, err
	}
	if err := m.loadEngine(ctx); err != nil {
		return nil, err
	}
	return m, m.refresh(ctx)
}

// Register adds the services of table 10.
func (m *Module) Register(r grpc.ServiceRegistrar) {
	loggingv1.RegisterSubmissionServiceServer(r, &submissionServer{Module: m})
	loggingv1.RegisterLocationServiceServer(r, &locationServer{Module: m})
	loggingv1.RegisterEntryServiceServer(r, &entryServer{Module: m})
	loggingv1.RegisterForwardServiceServer(r, &forwardServer{Module: m})
	loggingv1.RegisterRetentionServiceServer(r, &retentionServer{Module: m})
}

// Run stores, collects and removes what is old, until the context ends. Collectors
// stop first, the store last.
func (m *Module) Run(ctx context.Context) error {
	storing, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	var stored, work sync.WaitGroup
	stored.Go(func() { _ = m.entries.Run(storing) }) // returns no error
	work.Go(func() { m.collect(ctx) })
	work.Go(func() { m.retain(ctx) })
	work.Go(func() { m.forward(ctx) })
	if m.opts.Own != nil {
		work.Go(func() { m.storeOwn(ctx, m.opts.Own, m.opts.OwnTenant) })
	}
	work.Wait()
	stopStoring()
	stored.Wait()
	return nil
}

// settingRow holds what is made once.
type settingRow struct {
	Name  string `gorm:"primaryKey;size:64"`
	Value string `gorm:"size:255"`
}

func (settingRow) TableName() string { return "logging_settings" }

// enginePrefix begins our engine ids: net-snmp's enterprise number, with the format
// for octets of our own (RFC 3411, SnmpEngineID).
const enginePrefix = "\x80\x00\x1f\x88\x05"

// loadEngine makes the SNMP engine id at the first start: users' keys depend on it.
func (m *Module) loadEngine(ctx context.Context) error {
	fresh := settingRow{Name: "snmp_engine", Value: rowid.New()[:24]}
	if err := m.store.Write.WithContext(ctx).Create(&fresh).Error; err != nil && !db.IsDuplicate(err) {
		return fmt.Errorf("store the SNMP engine id: %w", err)
	}
	var row settingRow
	if err := m.store.Write.WithContext(ctx).Where("name = ?", fresh.Name).Take(&row).Error; err != nil {
		return fmt.Errorf("read the SNMP engine id: %w", err)
	}
	m.engine = enginePrefix + row.Value
	return nil
}

// retentionPause is between two looks for what is old.
const retentionPause = 10 * time.Minute

func (m *Module) retain(ctx context.Context) {
	tick := time.NewTicker(retentionPause)
	defer tick.Stop()
	for {
		if err := m.trim(ctx); err != nil && !errors.Is(err, context.Canceled) {
			m.log.LogAttrs(ctx, slog.LevelWarn, "old log entries not removed", slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Module) trim(ctx context.Context) error {
	orphans := m.store.Write.WithContext(ctx).Where("forward_id NOT IN (SELECT id FROM logging_forwards)") // noted while theirs was removed
	if err := orphans.Delete(&waitingRow{}).Error; err != nil {
		return err
	}
	tenants, err := m.entries.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		r, err := m.retention(ctx, tenant)
		if err != nil {
			return err
		}
		removed, err := m.entries.Trim(ctx, tenant, entry.Keep{Age: time.Duration(r.Days) * 24 * time.Hour, Bytes: int64(r.MaxMiB) << 20})
		if err != nil {
			return err
		}
		if removed > 0 {
			m.log.LogAttrs(ctx, slog.LevelInfo, "old log entries removed", slog.String("tenant_id", tenant), slog.Int("entries", removed))
		}
	}
	return nil
}
