package billing

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/bill"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// Caller is who makes a call.
type Caller struct {
	UserID         string
	OrganizationID string
}

// Access says who calls and what organizations he sees.
type Access interface {
	// Caller of the call that is being served; zero outside of one.
	Caller(ctx context.Context) Caller
	// Subtree is an organization and those below it; nil stands for all there are.
	Subtree(organizationID string) []string
	// Name is what an organization is called; "" where it is not known any more.
	Name(organizationID string) string
}

// Accounts says where a cloud account is.
type Accounts interface {
	// Cloud is the driver and the region of an account; "" where not known.
	Cloud(accountID string) (driver, region string)
}

// Options tunes a module. The zero value is ready for production.
type Options struct {
	Zone   *time.Location   // of months and days; default Asia/Shanghai
	Now    func() time.Time // default time.Now
	Every  time.Duration    // between looks for events; default 10 s
	Issuer string           // who sends the bills; default "Yunqiao"
	Font   string           // TrueType file with Chinese characters, of statements as PDF; "": Latin only
	// Providers asks clouds what they charge; nil: none can be asked.
	Providers Providers
}

// Module is billing in this process.
type Module struct {
	log      *slog.Logger
	store    *db.Store
	access   Access
	accounts Accounts
	phases   *metering.ContractPhases
	zone     *time.Location
	now      func() time.Time
	every    time.Duration

	issuer, font string

	providers Providers
	leases    *lease.Table
	triedMu   sync.Mutex
	tried     map[string]time.Time // when a bill was pulled last, by account and month
}

// Migrations of the tables billing_*.
func Migrations() db.Module {
	return db.Module{Name: "billing", Migrations: []db.Migration{{Version: 1, Name: "billing", Up: func(tx *gorm.DB) error {
		for _, tables := range []func(*gorm.DB) error{metering.Tables, pricing.Tables, ledger.Tables} {
			if err := tables(tx); err != nil {
				return err
			}
		}
		return tx.Migrator().CreateTable(&applicantRow{}, &orderRow{}, &attributionRow{}, &statementRow{}, &budgetRow{}, &changeRow{}, &accountRow{}, &noticeRow{})
	}}, {Version: 2, Name: "bills of clouds", Up: bill.Tables},
		{Version: 3, Name: "programmes", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&programmeRow{}) }},
		{Version: 4, Name: "discounts of an amount", Up: pricing.AddAmounts},
		{Version: 5, Name: "terms of prices", Up: pricing.AddTerms},
		{Version: 6, Name: "changes of subscriptions", Up: addChanges},
		{Version: 7, Name: "names on statements", Up: addNames},
		{Version: 8, Name: "pulls of bills", Up: bill.AddPulls},
		{Version: 9, Name: "leases", Up: func(tx *gorm.DB) error { return lease.CreateTable(tx, leaseTable) }},
		{Version: 10, Name: "watermarks of usage", Up: metering.WatermarkTables}}}
}

// leaseTable is the name of the table of leases.
const leaseTable = "billing_leases"

// New makes a module over a migrated store.
func New(log *slog.Logger, store *db.Store, c *contract.Contract, access Access, accounts Accounts, opts Options) *Module {
	m := &Module{
		log: log, store: store, access: access, accounts: accounts, phases: metering.NewContractPhases(c),
		zone: opts.Zone, now: opts.Now, every: opts.Every, providers: opts.Providers, tried: map[string]time.Time{},
		issuer: cmp.Or(opts.Issuer, "Yunqiao"), font: opts.Font, leases: lease.Open(store, leaseTable, 0),
	}
	if m.zone == nil {
		m.zone = time.FixedZone("Asia/Shanghai", 8*3600)
	}
	if m.now == nil {
		m.now = time.Now
	}
	if m.every == 0 {
		m.every = 10 * time.Second
	}
	return m
}

// Register makes the module's servers known.
func (m *Module) Register(r grpc.ServiceRegistrar) {
	billingv1.RegisterPriceServiceServer(r, &priceServer{Module: m})
	billingv1.RegisterPriceBookServiceServer(r, &bookServer{Module: m})
	billingv1.RegisterDiscountServiceServer(r, &discountServer{Module: m})
	billingv1.RegisterOrderServiceServer(r, &orderServer{Module: m})
	billingv1.RegisterApplicantServiceServer(r, &applicantServer{Module: m})
	billingv1.RegisterAttributionServiceServer(r, &attributionServer{Module: m})
	billingv1.RegisterCostServiceServer(r, &costServer{Module: m})
	billingv1.RegisterPeriodServiceServer(r, &periodServer{Module: m})
	billingv1.RegisterStatementServiceServer(r, &statementServer{Module: m})
	billingv1.RegisterAdjustmentServiceServer(r, &adjustmentServer{Module: m})
	billingv1.RegisterBudgetServiceServer(r, &budgetServer{Module: m})
	billingv1.RegisterProviderBillServiceServer(r, &providerBillServer{Module: m})
}

// Run hears events, rates usage and pulls bills until the context ends. Bills have a
// loop of their own: a cloud may take hours to tell one.
func (m *Module) Run(ctx context.Context) error {
	var bills sync.WaitGroup
	defer bills.Wait()
	bills.Go(func() { m.repeat(ctx, m.PullBills) })
	m.repeat(ctx, m.CatchUp)
	return nil
}

func (m *Module) repeat(ctx context.Context, work func(ctx context.Context) error) {
	ticker := time.NewTicker(m.every)
	defer ticker.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			m.log.LogAttrs(ctx, slog.LevelError, "billing is behind", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// CatchUp hears all events, and rates the months that they and other changes
// touch, until the last midnight. It renews subscriptions and raises alarms.
func (m *Module) CatchUp(ctx context.Context) error {
	if err := m.renew(ctx); err != nil { // first: what is heard may change the next term
		return err
	}
	if err := m.hear(ctx); err != nil {
		return err
	}
	if err := m.rateChanged(ctx); err != nil {
		return err
	}
	return m.warn(ctx)
}

// write runs a change in a transaction.
func (m *Module) write(ctx context.Context, change func(tx *gorm.DB) error) error {
	return m.store.Write.WithContext(ctx).Transaction(change)
}

func (m *Module) read(ctx context.Context) *gorm.DB { return m.store.Read.WithContext(ctx) }

// changeRow tells from when on lines of cost may be wrong. Rating takes them in
// order and remembers the last that it has dealt with.
type changeRow struct {
	ID    int64  `gorm:"primaryKey;autoIncrement"`
	Since int64  `gorm:"not null"` // Unix seconds
	Cause string `gorm:"size:32;not null"`
}

// TableName implements gorm's Tabler.
func (changeRow) TableName() string { return "billing_changes" }

func changed(tx *gorm.DB, since time.Time, cause string) error {
	if err := tx.Create(&changeRow{Since: since.Unix(), Cause: cause}).Error; err != nil {
		return fmt.Errorf("note a change: %w", err)
	}
	return nil
}
