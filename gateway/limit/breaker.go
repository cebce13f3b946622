package limit

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// State is what a breaker does with calls.
type State string

// The states of a breaker.
const (
	Closed   State = "closed"    // calls pass
	Open     State = "open"      // calls are refused until the cloud is tried again
	HalfOpen State = "half-open" // one call tries the cloud, the others are refused
)

const (
	// tolerated is how many failures in a row open the breaker.
	tolerated = 5
	// firstPause and longestPause bound the time to the next try, doubling.
	firstPause   = time.Second
	longestPause = 5 * time.Second
	// slow is how long a call must have lasted for its deadline to be the cloud's fault.
	slow = 2 * time.Second
)

// Breaker stops calls to a cloud that does not answer. The zero value is closed.
type Breaker struct {
	mu       sync.Mutex
	failures int           // in a row
	pause    time.Duration // of the present opening; 0: closed
	until    time.Time     // when the cloud is tried again
	trying   bool          // the one call of a half-open breaker is under way
}

// State is what the breaker does now.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.pause == 0:
		return Closed
	case b.trying || !time.Now().Before(b.until):
		return HalfOpen
	default:
		return Open
	}
}

// enter lets a call pass, as the try of a half-open breaker or as usual, or refuses
// it with CLOUD_UNAVAILABLE.
func (b *Breaker) enter(accountID string) (try bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause == 0 {
		return false, nil
	}
	wait := time.Until(b.until)
	if !b.trying && wait <= 0 {
		b.trying = true
		return true, nil
	}
	return false, sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.RetryAfter(max(wait, time.Second)),
		sdk.Violation("account_id", fmt.Sprintf("the circuit breaker of account %s is open: its cloud failed %d times in a row", accountID, b.failures)),
		sdk.Cause(fmt.Errorf("%w: circuit breaker open", driverhost.ErrNotSent)))
}

// leave learns from a call that has returned.
func (b *Breaker) leave(try bool, err error, elapsed time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if try {
		b.trying = false
	}
	switch verdictOn(err, elapsed) {
	case answered:
		b.failures, b.pause = 0, 0
	case failed:
		b.failures++
		switch {
		case try:
			b.open(min(2*b.pause, longestPause))
		case b.pause == 0 && b.failures >= tolerated:
			b.open(firstPause)
		}
	}
}

func (b *Breaker) open(pause time.Duration) {
	b.pause, b.until = pause, time.Now().Add(pause)
}

// verdict is what a call's end says about the cloud.
type verdict int

const (
	silent   verdict = iota // nothing: the caller left, or the call did not get there
	answered                // it works, whatever it said
	failed
)

func verdictOn(err error, elapsed time.Duration) verdict {
	if err == nil {
		return answered
	}
	switch sdk.ReasonOf(err) {
	case apiv1.Reason_REASON_CLOUD_UNAVAILABLE, apiv1.Reason_REASON_CLOUD_TIMEOUT:
		return failed
	case apiv1.Reason_REASON_DEADLINE_EXCEEDED:
		if elapsed >= slow {
			return failed
		}
		return silent
	case apiv1.Reason_REASON_DRIVER_UNAVAILABLE, apiv1.Reason_REASON_DRIVER_FAULT, apiv1.Reason_REASON_UNAVAILABLE,
		apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, apiv1.Reason_REASON_INTERNAL, apiv1.Reason_REASON_UNSPECIFIED:
		return silent
	}
	if sdk.StatusOf(err).Code() == codes.Canceled {
		return silent
	}
	return answered
}
