package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Rate is how many calls one caller may make: PerSecond for ever, and Burst at
// once after a pause. The zero value sets no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates are the limits of each kind of caller. A call counts against all that it
// has: its user, its access key, its organization; a call to a public rpc against
// its client's address.
type Rates struct {
	User, Key, Organization, AnonymousIP Rate
	Now                                  func() time.Time // default time.Now
}

// RateLimit refuses calls beyond the rates, in this process. Put it outermost, so
// that refused calls count as well.
func RateLimit(rates Rates) Middleware {
	if rates.Now == nil {
		rates.Now = time.Now
	}
	limits := rateLimits{
		user: newBuckets("user", rates.User), key: newBuckets("access key", rates.Key),
		organization: newBuckets("organization", rates.Organization), address: newBuckets("client address", rates.AnonymousIP),
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			if err := limits.take(call, rates.Now()); err != nil {
				return nil, err
			}
			return next(ctx, call)
		}
	}
}

type rateLimits struct{ user, key, organization, address *buckets }

// take takes one call from every bucket, or from none.
func (l rateLimits) take(call *Call, now time.Time) error {
	p := call.Principal
	wanted := []struct {
		from *buckets
		id   string
	}{{l.user, p.UserID}, {l.key, ""}, {l.organization, p.TenantID}, {l.address, ""}}
	if id, signed := strings.CutPrefix(p.Credential, "key:"); signed {
		wanted[1].id = id
	}
	if p.UserID == "" {
		wanted[3].id = call.ClientIP
	}
	var taken [4]*rate.Reservation
	for i, w := range wanted {
		if w.from == nil || w.id == "" {
			continue
		}
		taken[i] = w.from.of(w.id).ReserveN(now, 1)
		wait := taken[i].DelayFrom(now)
		if wait == 0 {
			continue
		}
		for _, r := range taken[:i+1] {
			if r != nil {
				r.CancelAt(now)
			}
		}
		return sdk.NewError(apiv1.Reason_REASON_RATE_LIMITED, sdk.RetryAfter(wait),
			sdk.Violation(w.from.name, fmt.Sprintf("may make %v calls a second", w.from.rate.PerSecond)))
	}
	return nil
}

// maxBuckets bounds the memory of one kind of caller.
const maxBuckets = 50_000

// buckets are the token buckets of one kind of caller, by id. Those that were not
// asked for while maxBuckets others were are forgotten, and so are full again.
type buckets struct {
	name string
	rate Rate

	mu            sync.Mutex
	recent, older map[string]*rate.Limiter
}

func newBuckets(name string, r Rate) *buckets {
	if r.PerSecond == 0 {
		return nil
	}
	return &buckets{name: name, rate: r, recent: map[string]*rate.Limiter{}}
}

func (b *buckets) of(id string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limiter := b.recent[id]; limiter != nil {
		return limiter
	}
	limiter := b.older[id]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
	}
	if len(b.recent) == maxBuckets {
		b.recent, b.older = map[string]*rate.Limiter{}, b.recent
	}
	b.recent[id] = limiter
	return limiter
}
