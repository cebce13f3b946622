package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// Accounts are the accounts as they stand now.
type Accounts interface {
	Get(id string) (*account.Account, error)
	All() []*account.Account
}

// Inventory is what is known of resources.
type Inventory interface {
	Known(ctx context.Context, accountID, resourceType string) (map[string]inventory.Known, error)
	Former(ctx context.Context, ids []string) (map[string]int32, error)
	Bodies(ctx context.Context, accountID, resourceType string) (map[string][]byte, error)
	RecordAll(ctx context.Context, observations []inventory.Observation) error
	Listed(ctx context.Context, digests map[string]string) error
	RecordReading(ctx context.Context, accountID, resourceType string, at time.Time, reason string) error
	RecordUnread(ctx context.Context, accountID, reason string) error
}

// Operations tells what must be left to the followers.
type Operations interface {
	// Busy lists the resources of an account that operations work on, by public id,
	// and the types of which one is being made whose id is not known yet.
	Busy(ctx context.Context, accountID string) (resources, making map[string]bool, err error)
}

// Metrics counts what cycles cost and find.
type Metrics interface {
	// Cycle is told at the end of a cycle; reason is "" for a complete one.
	Cycle(accountID string, seconds float64, reason string)
	// Call is told of each call to a driver; reason is "" for a success.
	Call(accountID, reason string)
	// Change is told of each difference: discovered, changed, gone.
	Change(accountID, what string, n int)
}

// Options tunes a Reconciler. The zero value is ready for production.
type Options struct {
	// Interval is the time from one cycle of an account to the next, give or take a
	// tenth; default 5m.
	Interval time.Duration
	// Parallel is how many accounts are compared at the same time; default 4.
	Parallel int
	// PageSize is how many resources one call asks for; default 500, the most that
	// the contract allows.
	PageSize int
	// CallTimeout bounds one call to a driver; default 60s.
	CallTimeout time.Duration
	// ListAfter is how long what a driver tells of changes is trusted before a type
	// is listed whole again; default 1h.
	ListAfter time.Duration
	// LeaseTime is how long a replica that is silent keeps an account; default 30s.
	LeaseTime time.Duration
	Metrics   Metrics
	Now       func() time.Time
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.Interval, 5 * time.Minute}, {&o.CallTimeout, time.Minute}, {&o.LeaseTime, 30 * time.Second}, {&o.ListAfter, time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.PageSize == 0 {
		o.PageSize = 500
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

type noMetrics struct{}

func (noMetrics) Cycle(string, float64, string) {}
func (noMetrics) Call(string, string)           {}
func (noMetrics) Change(string, string, int)    {}

// kind is one type of resource that can be compared.
type kind struct {
	name   string // "compute.vm"
	list   *contract.Method
	get    *contract.Method
	phases protoreflect.EnumDescriptor // nil: the resource has no state
}

// Reconciler compares accounts, each in its turn.
type Reconciler struct {
	log        *slog.Logger
	leases     *leases
	accounts   Accounts
	inventory  Inventory
	operations Operations
	kinds      []kind
	parts      []partKind
	opts       Options

	mu      sync.Mutex
	running map[string]bool     // accounts in this process
	cursors map[feedName]cursor // what this process has read of changes
}

// New makes a Reconciler; Run must be called.
func New(log *slog.Logger, store *db.Store, c *contract.Contract, accounts Accounts, inv Inventory, ops Operations, opts Options) (*Reconciler, error) {
	opts = opts.withDefaults()
	kinds, err := kindsOf(c)
	if err != nil {
		return nil, err
	}
	return &Reconciler{
		log: log, leases: &leases{store: store, owner: rowid.New(), life: opts.LeaseTime}, accounts: accounts, inventory: inv, operations: ops,
		kinds: kinds, parts: partKindsOf(c), opts: opts, running: map[string]bool{}, cursors: map[feedName]cursor{},
	}, nil
}

// kindsOf finds the types that belong to organizations and can be listed whole.
func kindsOf(c *contract.Contract) ([]kind, error) {
	var kinds []kind
	for _, m := range c.Methods {
		if m.Module || c.Lister(m.ResourceType) != m || c.Getter(m.ResourceType) == nil {
			continue
		}
		get := c.Getter(m.ResourceType)
		resource := get.Output.Descriptor().Fields().Get(0).Message()
		if resource == nil || resource.Fields().ByName("tenant_id") == nil {
			continue
		}
		if needsParent(m.Input.Descriptor()) {
			continue
		}
		k := kind{name: m.ResourceType, list: m, get: get}
		if state := resource.Fields().ByName("state"); state != nil {
			k.phases = state.Enum()
		}
		kinds = append(kinds, k)
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("the contract has nothing to compare")
	}
	return kinds, nil
}

// needsParent tells whether a listing is of one parent only: its request must name it.
func needsParent(request protoreflect.MessageDescriptor) bool {
	if proto.HasExtension(request.Options(), validate.E_Message) {
		return true
	}
	for i := range request.Fields().Len() {
		field := request.Fields().Get(i)
		rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
		if rules.GetRequired() || !field.IsList() && rules.GetString().GetMinLen() > 0 {
			return true
		}
	}
	return false
}

// Run compares the accounts whose time has come, until the context ends; cycles
// that run then are broken off.
func (r *Reconciler) Run(ctx context.Context) error {
	ticker := time.NewTicker(min(max(r.opts.Interval/20, 20*time.Millisecond), 5*time.Second))
	defer ticker.Stop()
	var work errgroup.Group
	work.SetLimit(r.opts.Parallel)
	if err := r.leases.abandonEmbedded(ctx); err != nil {
		r.warn(ctx, "leases of a former process are kept", "", err)
	}
	for {
		if err := r.begin(ctx, &work); err != nil && ctx.Err() == nil {
			r.warn(ctx, "accounts to compare not found", "", err)
		}
		select {
		case <-ctx.Done():
			return work.Wait()
		case <-ticker.C:
		}
	}
}

// begin starts the cycles that are due, as many as there is room for.
func (r *Reconciler) begin(ctx context.Context, work *errgroup.Group) error {
	var ids []string
	for _, a := range r.accounts.All() {
		ids = append(ids, a.ID)
	}
	due, err := r.leases.due(ctx, ids, func() time.Duration { return r.opts.Interval/10 + rand.N(r.opts.Interval*4/10) })
	if err != nil {
		return err
	}
	for _, id := range due {
		if !r.enter(id) {
			continue
		}
		started := work.TryGo(func() error {
			defer r.leave(id)
			r.turn(ctx, id)
			return nil
		})
		if !started {
			r.leave(id)
			return nil
		}
	}
	return nil
}

func (r *Reconciler) enter(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[id] {
		return false
	}
	r.running[id] = true
	return true
}

func (r *Reconciler) leave(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, id)
}

// turn compares one account under its lease.
func (r *Reconciler) turn(ctx context.Context, id string) {
	taken, err := r.leases.take(ctx, id)
	if err != nil || !taken {
		if err != nil && ctx.Err() == nil {
			r.warn(ctx, "account not claimed", id, err)
		}
		return
	}
	held, release := r.leases.hold(ctx, id)
	r.cycle(held, id)
	release()
	next := r.opts.Interval*9/10 + rand.N(r.opts.Interval/5)
	if err := r.leases.put(context.WithoutCancel(ctx), id, next); err != nil {
		r.warn(ctx, "account not given back", id, err)
	}
}

func (r *Reconciler) warn(ctx context.Context, what, accountID string, err error) {
	r.log.LogAttrs(ctx, slog.LevelWarn, "reconciler: step failed",
		slog.String("what", what), slog.String("account_id", accountID), slog.String("error", err.Error()))
}
