package limit

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// Guard is a connection to an account's driver that keeps the account's rates and
// has its breaker. It lives as long as the account, whatever process serves it.
type Guard struct {
	accountID string
	breaker   Breaker
	conn      atomic.Pointer[grpc.ClientConnInterface]
	rates     atomic.Pointer[rates]
}

var _ grpc.ClientConnInterface = (*Guard)(nil)

// NewGuard guards an account; Use must be called before the first call.
func NewGuard(accountID string) *Guard { return &Guard{accountID: accountID} }

// Use sends calls to conn from now on, within these limits. What waits for a place
// under other limits still keeps to those.
func (g *Guard) Use(conn grpc.ClientConnInterface, limits Limits) {
	g.conn.Store(&conn)
	if old := g.rates.Load(); old == nil || !old.limits.equal(limits) {
		g.rates.Store(newRates(limits))
	}
}

// State is what the account's breaker does with calls.
func (g *Guard) State() State { return g.breaker.State() }

// Invoke implements grpc.ClientConnInterface. Errors beside the driver's: THROTTLED
// and CLOUD_UNAVAILABLE, with the sign that the call was not sent.
func (g *Guard) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	done, err := g.rates.Load().enter(ctx, method)
	if err != nil {
		return err
	}
	defer done()
	try, err := g.breaker.enter(g.accountID)
	if err != nil {
		return err
	}
	began := time.Now()
	err = (*g.conn.Load()).Invoke(ctx, method, args, reply, opts...)
	g.breaker.leave(try, err, time.Since(began))
	return err
}

// NewStream implements grpc.ClientConnInterface. A stream counts as one call.
func (g *Guard) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	done, err := g.rates.Load().enter(ctx, method)
	if err != nil {
		return nil, err
	}
	defer done()
	try, err := g.breaker.enter(g.accountID)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	stream, err := (*g.conn.Load()).NewStream(ctx, desc, method, opts...)
	g.breaker.leave(try, err, time.Since(began))
	return stream, err
}

// rates are the rates of one account: of all its calls, and of single services.
type rates struct {
	limits    Limits
	all       *Rate
	byService map[string]*Rate
}

func newRates(limits Limits) *rates {
	r := &rates{limits: limits, byService: map[string]*Rate{}}
	if limits.PerSecond > 0 {
		r.all = NewRate(limits.PerSecond, limits.Burst)
	}
	for service, n := range limits.ByService {
		r.byService[service] = NewRate(n, limits.Burst)
	}
	return r
}

// enter waits for a place in the rate of the method's service and in that of all.
func (r *rates) enter(ctx context.Context, method string) (done func(), err error) {
	leaveOne, err := enter(ctx, r.byService[serviceOf(method)])
	if err != nil {
		return nil, err
	}
	leaveAll, err := enter(ctx, r.all)
	if err != nil {
		leaveOne()
		return nil, err
	}
	return func() {
		leaveAll()
		leaveOne()
	}, nil
}

// enter waits for a place in a rate; nil has room for all.
func enter(ctx context.Context, r *Rate) (done func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	return r.Enter(ctx)
}

// serviceOf takes "compute" out of "/cloud.compute.v1.VmService/GetVm".
func serviceOf(method string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/cloud."), ".")
	return service
}
