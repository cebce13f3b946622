package pace

import (
	"cmp"
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Retry repeats what a cloud refuses because it is asked too often. The zero
// value has the defaults below.
type Retry struct {
	// Attempts bounds how often one request is sent; default 4.
	Attempts int
	// MinWait is the first wait where the cloud names none, each further one is
	// twice as long; default 500ms.
	MinWait time.Duration
	// MaxWait is the longest wait; a cloud that wants to be left alone for longer
	// is the gateway's matter. Default 20s.
	MaxWait time.Duration
	// Unavailable repeats after CLOUD_UNAVAILABLE too, where the cloud names the
	// time: for reads, and for requests with a client token. A cloud that does not
	// answer may have done what it was asked.
	Unavailable bool
	// Limiter, if any, is waited for before each attempt, and held as long as the
	// cloud asks.
	Limiter *Limiter
}

// Do calls f, whose errors are those of the contract, until it is not refused as
// THROTTLED, within the bounds. Waits are those of sdk.RetryAfter where the error
// has it. A wait that would pass ctx's deadline is not begun. Errors: the last of
// f's; those of Limiter.Wait; the context's.
func (r Retry) Do(ctx context.Context, f func(context.Context) error) error {
	wait := r.minWait()
	for attempt := 1; ; attempt++ {
		if err := r.Limiter.Wait(ctx); err != nil {
			return err
		}
		err := f(ctx)
		asked := sdk.RetryAfterOf(err)
		switch sdk.ReasonOf(err) {
		case apiv1.Reason_REASON_THROTTLED:
		case apiv1.Reason_REASON_CLOUD_UNAVAILABLE:
			if !r.Unavailable || asked == 0 {
				return err
			}
		default:
			return err
		}
		r.Limiter.Hold(asked)
		this := cmp.Or(asked, wait)
		if attempt >= r.attempts() || !r.fits(ctx, this) {
			return err
		}
		if err := Pause(ctx, this); err != nil {
			return err
		}
		wait *= 2
	}
}

// fits tells whether a wait is worth it.
func (r Retry) fits(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 || wait > r.maxWait() {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

func (r Retry) attempts() int          { return cmp.Or(r.Attempts, 4) }
func (r Retry) minWait() time.Duration { return cmp.Or(r.MinWait, 500*time.Millisecond) }
func (r Retry) maxWait() time.Duration { return cmp.Or(r.MaxWait, 20*time.Second) }
