package policy

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Accounts are the accounts as they stand now.
type Accounts interface {
	Get(id string) (*account.Account, error)
	All() []*account.Account
}

// Inventory is what policies ask and tell of resources.
type Inventory interface {
	Owner(id string) (inventory.Ownership, bool)
	Recall(ctx context.Context, id string) (o inventory.Ownership, gone, ok bool, err error)
	List(ctx context.Context, q inventory.Query) ([]inventory.Cached, int, error)
	Sources(ctx context.Context, resourceType string, accountIDs []string) (map[string]inventory.Source, error)
	Record(ctx context.Context, o inventory.Observation) error
}

// Operations submits writes.
type Operations interface {
	Submit(ctx context.Context, s operation.Submission) (operation.Result, error)
}

// Passwords reads the password of a resource's administrator; ok is false if none is
// known.
type Passwords interface {
	Recall(ctx context.Context, resourceID string) (password string, ok bool, err error)
}

// Access decides which accounts and resources a principal may use.
type Access interface {
	// Account refuses with RESOURCE_FORBIDDEN.
	Account(p pipeline.Principal, accountID string) error
	// Sees tells whether what an organization owns is the principal's to use; ""
	// is nobody's.
	Sees(p pipeline.Principal, ownerID string) bool
	// Tenants lists the organizations whose resources are visible; empty: all.
	Tenants(p pipeline.Principal) []string
	// Owner is the organization that will own what the principal makes; it refuses
	// another's with RESOURCE_FORBIDDEN.
	Owner(p pipeline.Principal, wanted string) (string, error)
	// Organization refuses one that the principal does not see with NOT_FOUND.
	Organization(p pipeline.Principal, field, id string) error
	// User refuses one whose organization the principal does not see with NOT_FOUND.
	User(p pipeline.Principal, field, id string) error
	// Quotas are the limits that a new resource counts against.
	Quotas(ownerID, resourceType, accountID string) []pipeline.Quota
}

// Options tunes a Runner. The zero value is ready for production, but for Pages.
type Options struct {
	// Pages seals page tokens.
	Pages *seal.Box
	// ReadTimeout bounds one read of a cloud; default 30s.
	ReadTimeout time.Duration
	// ListParallel is how many accounts are listed at the same time; default 32.
	ListParallel int
	Now          func() time.Time
}

// Runner runs calls to clouds.
type Runner struct {
	log        *slog.Logger
	contract   *contract.Contract
	accounts   Accounts
	inventory  Inventory
	operations Operations
	passwords  Passwords
	access     Access
	common     commonCache
	pace       pace
	opts       Options
}

// New makes a Runner.
func New(log *slog.Logger, c *contract.Contract, accounts Accounts, inv Inventory, ops Operations, passwords Passwords,
	access Access, opts Options,
) *Runner {
	if opts.ReadTimeout == 0 {
		opts.ReadTimeout = 30 * time.Second
	}
	if opts.ListParallel == 0 {
		opts.ListParallel = 32
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Runner{
		log: log, contract: c, accounts: accounts, inventory: inv, operations: ops, passwords: passwords, access: access, opts: opts,
	}
}

// Close ends calls that nobody waits for any more. No call may be made after it.
func (r *Runner) Close() { r.pace.close() }

// Handle is the pipeline.Handler of all rpcs that drivers serve.
func (r *Runner) Handle(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
	if call.Method.Kind == apiv1.Kind_KIND_LIST {
		return r.list(ctx, call)
	}
	target, err := r.resolve(ctx, call)
	if err != nil {
		return nil, err
	}
	if override := overrides[call.Method.FullName]; override != nil {
		return override(ctx, r, call, target)
	}
	return r.run(ctx, call, target)
}

// run is what an override continues with.
func (r *Runner) run(ctx context.Context, call *pipeline.Call, target *target) (proto.Message, error) {
	switch call.Method.Kind {
	case apiv1.Kind_KIND_CREATE:
		return r.create(ctx, call, target)
	case apiv1.Kind_KIND_UPDATE:
		return r.update(ctx, call, target)
	case apiv1.Kind_KIND_DELETE:
		return r.remove(ctx, call, target)
	case apiv1.Kind_KIND_ACTION:
		result, err := r.submit(ctx, call, target)
		return result.Answer, err
	default:
		return r.read(ctx, call, target)
	}
}

func (r *Runner) now() time.Time { return r.opts.Now().UTC() }

// usable refuses an account that cannot serve an rpc: because its cloud lacks it,
// or because the account could not be opened.
func usable(a *account.Account, m *contract.Method) error {
	switch {
	case a.Disabled:
		return sdk.NewError(apiv1.Reason_REASON_PRINCIPAL_DISABLED, sdk.Violation("account_id", "the account "+a.ID+" is disabled with its cloud tenant"))
	case a.Offers(m.FullName) && a.Conn != nil:
		return nil
	case a.ObservedAt.IsZero() && a.Reason != 0:
		return sdk.NewError(a.Reason, sdk.Violation("account_id", "the account could not be opened"))
	case a.ObservedAt.IsZero():
		return sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Violation("account_id", "the account is being opened"))
	default:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD,
			sdk.Violation("account_id", "the cloud of account "+a.ID+" has no "+m.Service+" "+m.Resource+"/"+m.Name))
	}
}
