package operation

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// Accounts finds an account as it stands now.
type Accounts interface {
	Get(id string) (*account.Account, error)
}

// Inventory records what an operation learns of its resource.
type Inventory interface {
	Observe(tx *gorm.DB, o inventory.Observation) (apply func(), err error)
	Owner(id string) (o inventory.Ownership, known bool)
}

// Passwords keeps the first password of a resource, sealed.
type Passwords interface {
	Remember(tx *gorm.DB, resourceID, password string) error
	Forget(tx *gorm.DB, resourceID string) error
}

// Options tunes an Engine. The zero value is ready for production.
type Options struct {
	// CallTimeout bounds one call to a driver; default 60s.
	CallTimeout time.Duration
	// AcceptTimeout is how long a client waits for the cloud's id before it is
	// answered 202; default 25s.
	AcceptTimeout time.Duration
	// LeaseTime is how long an owner that is silent keeps an operation; default 15s.
	LeaseTime time.Duration
	// FirstPoll and MaxPoll bound the time between two looks at a resource that is
	// changing; default 25ms and 5s, doubling between them.
	FirstPoll, MaxPoll time.Duration
	// KeyLife is how long an idempotency key is remembered; default 24h.
	KeyLife time.Duration
	// KeepEnded is how long operations are kept after their end, KeyLife at least;
	// default 90 days.
	KeepEnded time.Duration
	// Callbacks posts results; default a client with a 10s timeout.
	Callbacks *http.Client
	Now       func() time.Time
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.CallTimeout, 60 * time.Second}, {&o.AcceptTimeout, 25 * time.Second}, {&o.LeaseTime, 15 * time.Second},
		{&o.FirstPoll, 25 * time.Millisecond}, {&o.MaxPoll, 5 * time.Second}, {&o.KeyLife, 24 * time.Hour},
		{&o.KeepEnded, 90 * 24 * time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if o.Callbacks == nil {
		o.Callbacks = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Engine runs operations.
type Engine struct {
	log       *slog.Logger
	store     *db.Store
	box       *seal.Box
	contract  *contract.Contract
	accounts  Accounts
	inventory Inventory
	passwords Passwords
	opts      Options
	owner     string // this process, in leases

	ctx  context.Context // of all tasks; ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex
	live map[string]*task  // by operation id
	keys map[keyID]*keyUse // of keyed requests being submitted
}

// New makes an Engine that runs until Close. Run must be called too.
func New(ctx context.Context, log *slog.Logger, store *db.Store, box *seal.Box, c *contract.Contract,
	accounts Accounts, inv Inventory, passwords Passwords, opts Options,
) *Engine {
	ctx, stop := context.WithCancel(ctx)
	return &Engine{
		log: log, store: store, box: box, contract: c, accounts: accounts, inventory: inv, passwords: passwords,
		opts: opts.withDefaults(), owner: rowid.New(), ctx: ctx, stop: stop,
		live: map[string]*task{}, keys: map[keyID]*keyUse{},
	}
}

// Close stops following; what is not ended is taken up by another replica or the
// next start. It waits for calls in flight to return.
func (e *Engine) Close() {
	e.stop()
	e.wg.Wait()
}

func (e *Engine) now() time.Time { return e.opts.Now().UTC() }

// launch runs a task of which this process holds the lease.
func (e *Engine) launch(t *task) {
	e.mu.Lock()
	e.live[t.id] = t
	e.mu.Unlock()
	e.wg.Go(func() {
		defer func() {
			e.mu.Lock()
			if e.live[t.id] == t {
				delete(e.live, t.id)
			}
			e.mu.Unlock()
			t.done.give()
		}()
		t.run(trace.ContextWithSpanContext(e.ctx, t.span))
	})
}

// task finds the running task of an operation, or nil.
func (e *Engine) task(id string) *task {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live[id]
}

// liveIDs lists the operations that run in this process.
func (e *Engine) liveIDs() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.live))
}

// RunningIn counts the operations of an account that have not ended.
func (e *Engine) RunningIn(ctx context.Context, accountID string) (int, error) {
	var n int64
	err := e.store.Read.WithContext(ctx).Model(&row{}).
		Where("account_id = ? AND status IN ?", accountID, openStatuses).Count(&n).Error
	return int(n), err
}
