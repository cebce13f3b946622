package cloudtenant

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
)

// Organizations are given accounts, and have them taken.
type Organizations interface {
	GiveAccount(ctx context.Context, organizationID, accountID string) error
	TakeAccount(ctx context.Context, accountID string) error
}

// Access says what a caller sees.
type Access interface {
	// Organization refuses one that the caller does not see with NOT_FOUND.
	Organization(p pipeline.Principal, field, id string) error
	// Sees tells whether what an organization owns is the caller's; "" is nobody's.
	Sees(p pipeline.Principal, ownerID string) bool
	// Tenants lists the organizations that are visible; empty: all.
	Tenants(p pipeline.Principal) []string
}

// Operations tells whether an account has work in progress.
type Operations interface {
	RunningIn(ctx context.Context, accountID string) (int, error)
}

// Options tunes a Service. The zero value is ready for production.
type Options struct {
	// RetryEvery is how often steps that did not go on are tried; default 10s.
	RetryEvery time.Duration
	// CallTimeout bounds one call of a driver; default 60s.
	CallTimeout time.Duration
	// Patience is how long a creation is tried before it is undone; default 20 min.
	Patience time.Duration
	Now      func() time.Time
}

// Service is CloudTenantService, with the work behind it.
type Service struct {
	accountv1.UnimplementedCloudTenantServiceServer
	log           *slog.Logger
	store         *store
	leases        *lease.Table
	accounts      *account.Manager
	organizations Organizations
	access        Access
	operations    Operations
	opts          Options
}

var _ accountv1.CloudTenantServiceServer = (*Service)(nil)

// New makes a Service; Run goes on with what was begun before.
func New(log *slog.Logger, store_ *db.Store, accounts *account.Manager, organizations Organizations, access Access, operations Operations, opts Options) *Service {
	if opts.RetryEvery == 0 {
		opts.RetryEvery = 10 * time.Second
	}
	if opts.CallTimeout == 0 {
		opts.CallTimeout = time.Minute
	}
	if opts.Patience == 0 {
		opts.Patience = 20 * time.Minute
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		log: log, store: &store{store_}, leases: lease.Open(store_, leaseTable, 0),
		accounts: accounts, organizations: organizations, access: access, operations: operations, opts: opts,
	}
}

func (s *Service) now() time.Time { return s.opts.Now().UTC() }

// Using implements account.CloudTenants.
func (s *Service) Using(ctx context.Context, accountID string) ([]string, error) {
	return names(s.store.db.Read.WithContext(ctx), "id = ? OR admin_account_id = ?", accountID, accountID)
}

// Of implements identity.CloudTenants.
func (s *Service) Of(tx *gorm.DB, organizationID string) ([]string, error) {
	return names(tx, "organization_id = ?", organizationID)
}

// Run goes on with steps that were left, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.opts.RetryEvery)
	defer ticker.Stop()
	for {
		if err := s.goOn(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "cloud tenants not gone on with", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Service) goOn(ctx context.Context) error {
	ids, err := s.store.unfinished(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.work(ctx, id, nil); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "cloud tenant not gone on with", slog.String("cloud_tenant", id),
				slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))), slog.String("error", err.Error()))
		}
	}
	return nil
}
