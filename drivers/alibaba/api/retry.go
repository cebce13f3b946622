package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const (
	firstWait = 200 * time.Millisecond
	longWait  = 5 * time.Second
	// maxUnbounded is how often a call without a deadline is repeated.
	maxUnbounded = 8
	// maxFailures is how often a call is repeated that the cloud failed in.
	maxFailures = 2
)

// patience decides whether a call is sent again.
type patience struct {
	harmless bool // sending it twice does no more than once
	repeats  int
	failures int
	renewed  bool
}

func newPatience(action string, params Params) *patience {
	return &patience{harmless: isRead(action) || params[clientToken] != ""}
}

func isRead(action string) bool {
	for _, verb := range []string{"Describe", "List", "Get", "Query"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

// next tells how long to wait before the call is sent again. A throttled call was
// not done, so any may be repeated; one in which the cloud failed only if that is
// harmless, or if it was never sent.
func (p *patience) next(ctx context.Context, err error) (time.Duration, bool) {
	switch {
	case isThrottled(err):
	case failed(err) && p.failures < maxFailures && (p.harmless || unsent(err)):
		p.failures++
	default:
		return 0, false
	}
	wait := min(firstWait<<min(p.repeats, 10), longWait)
	wait = wait/2 + rand.N(wait/2)
	deadline, bounded := ctx.Deadline()
	if ctx.Err() != nil || bounded && time.Until(deadline) <= wait || !bounded && p.repeats >= maxUnbounded {
		return 0, false
	}
	p.repeats++
	return wait, true
}

// renewal tells whether credentials may be renewed; once in a call.
func (p *patience) renewal() bool {
	first := !p.renewed
	p.renewed = true
	return first
}

func isThrottled(err error) bool {
	var f *Fault
	return errors.As(err, &f) && f.reason() == apiv1.Reason_REASON_THROTTLED
}

// failed tells whether the cloud failed in the call, rather than refusing it.
func failed(err error) bool {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Status == http.StatusInternalServerError || f.Status == http.StatusBadGateway || f.Status == http.StatusServiceUnavailable
	}
	none, ok := errors.AsType[*NoAnswer](err)
	return ok && !errors.Is(none.Err, errUnreadable)
}

func unsent(err error) bool {
	none, ok := errors.AsType[*NoAnswer](err)
	return ok && !none.Sent
}

// expired tells whether the cloud refused a security token because of its age.
func expired(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && (strings.HasPrefix(f.Code, "InvalidSecurityToken") || f.Code == "SecurityTokenExpired")
}
