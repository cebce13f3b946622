package limit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// transit is how long after its start a call has reached the cloud at the latest.
const transit = 250 * time.Millisecond

// Rate lets at most n calls reach the cloud in any second, and at most burst of them
// at once. Callers wait in the order in which they came.
//
// A call reaches the cloud some time between its start and its answer. So that the
// cloud never counts one too many, its place is free again a second after its
// answer, or after transit if that is sooner: under full load the rate is a little
// lower than n.
type Rate struct {
	n       int
	burst   int
	spacing time.Duration // between calls beyond the burst
	turn    chan struct{} // held by the caller that is next

	mu      sync.Mutex
	waiting int
	taken   []*place
	even    time.Time     // when the calls so far would be through at an even pace
	freed   chan struct{} // a place becomes free sooner than it seemed
}

// place is one call's share of a second.
type place struct{ free time.Time }

// NewRate allows n calls a second, at least 1; burst 0 stands for n.
func NewRate(n, burst int) *Rate {
	if burst == 0 || burst > n {
		burst = n
	}
	return &Rate{
		n: n, burst: burst, spacing: time.Second / time.Duration(n), turn: make(chan struct{}, 1), freed: make(chan struct{}, 1),
	}
}

// Enter waits for a place. Done must be called when the call has returned. The error
// is THROTTLED, where the context ends first or is known to; the call was not sent.
func (r *Rate) Enter(ctx context.Context) (done func(), err error) {
	if err := r.join(ctx); err != nil {
		return nil, err
	}
	defer r.leave()
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, r.throttled(ctx.Err(), time.Second)
	}
	defer func() { <-r.turn }()
	for {
		p, wait := r.take(time.Now())
		if p != nil {
			return func() { r.finish(p) }, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.freed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return nil, r.throttled(ctx.Err(), wait)
		}
	}
}

// join refuses a caller whose time would be over before its turn.
func (r *Rate) join(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		if wait := time.Duration(r.waiting) * r.spacing; wait > time.Until(deadline) {
			return r.throttled(fmt.Errorf("%d calls wait already", r.waiting), wait)
		}
	}
	r.waiting++
	return nil
}

func (r *Rate) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
}

// take gives a place, or the time to wait for one.
func (r *Rate) take(now time.Time) (*place, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.taken[:0]
	var next time.Time
	for _, p := range r.taken {
		if !p.free.After(now) {
			continue
		}
		kept = append(kept, p)
		if next.IsZero() || p.free.Before(next) {
			next = p.free
		}
	}
	clear(r.taken[len(kept):])
	r.taken = kept
	if len(kept) >= r.n {
		return nil, next.Sub(now)
	}
	if start := r.even.Add(-time.Duration(r.burst-1) * r.spacing); start.After(now) && r.burst < r.n {
		return nil, start.Sub(now)
	}
	if r.even.Before(now) {
		r.even = now
	}
	r.even = r.even.Add(r.spacing)
	p := &place{free: now.Add(transit + time.Second)}
	r.taken = append(r.taken, p)
	return p, 0
}

func (r *Rate) finish(p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if free := time.Now().Add(time.Second); free.Before(p.free) {
		p.free = free
		select {
		case r.freed <- struct{}{}:
		default:
		}
	}
}

func (r *Rate) throttled(cause error, after time.Duration) error {
	return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(max(after, time.Second)),
		sdk.Violation("account_id", fmt.Sprintf("the account may be called %d times a second", r.n)),
		sdk.Cause(fmt.Errorf("%w: %w", driverhost.ErrNotSent, cause)))
}
