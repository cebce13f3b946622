package pace

import (
	"context"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Limiter spaces out requests: a rate that lasts, and a burst after idle time.
// It is safe for concurrent use; those who wait are served in the order in which
// they came. A nil Limiter lets everything through. Make one per account and
// per limit of the cloud, which may be one for each of its calls.
type Limiter struct {
	interval time.Duration // between requests at the lasting rate
	slack    time.Duration // how far a burst may run ahead of it
	maxWait  time.Duration

	mu   sync.Mutex
	next time.Time // when the lasting rate would let the next request through
}

// NewLimiter makes a limiter of perSecond requests, of which burst may come at
// once, for callers that wait up to maxWait. perSecond is positive, burst at least 1.
func NewLimiter(perSecond float64, burst int, maxWait time.Duration) *Limiter {
	interval := time.Duration(float64(time.Second) / perSecond)
	return &Limiter{interval: interval, slack: time.Duration(burst-1) * interval, maxWait: maxWait}
}

// Wait waits for the caller's turn. A turn that comes after ctx's deadline or
// after the limiter's longest wait is not waited for. Errors: THROTTLED with the
// time after which it is worth trying again; the context's.
func (l *Limiter) Wait(ctx context.Context) error {
	if l == nil {
		return nil
	}
	wait := l.reserve(ctx)
	if wait > l.patience(ctx) {
		return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(wait))
	}
	return Pause(ctx, wait)
}

// Hold lets no request through for a while, as a cloud asks that has refused one.
func (l *Limiter) Hold(d time.Duration) {
	if l == nil || d <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d + l.slack); until.After(l.next) {
		l.next = until
	}
}

// reserve takes the next turn and tells how far away it is; a turn that is too
// far away is not taken.
func (l *Limiter) reserve(ctx context.Context) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	wait := max(0, l.next.Add(-l.slack).Sub(now))
	if wait <= l.patience(ctx) {
		l.next = l.next.Add(l.interval)
	}
	return wait
}

func (l *Limiter) patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(l.maxWait, time.Until(deadline))
	}
	return l.maxWait
}

// Pause waits, or returns the context's error.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
