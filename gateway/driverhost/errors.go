package driverhost

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// A failed call matches at most one of these with errors.Is. One that matches
// neither was answered by the driver, or its deadline passed while the driver
// was working.
var (
	// ErrNotSent: the driver never saw the call; it may be made again freely.
	ErrNotSent = errors.New("call was not sent to the driver")
	// ErrOutcomeUnknown: the driver ended during the call; the cloud may have
	// acted on it.
	ErrOutcomeUnknown = errors.New("driver ended during the call, outcome unknown")
)

var errClosed = errors.New("driver host is closed")

func notSent(driver string, reason apiv1.Reason, cause error) error {
	return sdk.NewError(reason, sdk.Cause(fmt.Errorf("driver %s: %w: %w", driver, ErrNotSent, cause)))
}

func outcomeUnknown(driver string, cause error) error {
	return sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE,
		sdk.Cause(fmt.Errorf("driver %s: %w: %w", driver, ErrOutcomeUnknown, cause)))
}

// verdict is what is known about a call that ended.
type verdict int

const (
	answered      verdict = iota
	lost                  // sent, no answer
	unsentGone            // the process was already gone
	unsentExpired         // its context ended first
)

// judge tells whether a failed call was sent. gRPC fills the peer as soon as a
// stream to it exists, so an empty peer proves that nothing was sent. A call
// that is cancelled without its context was cut by the end of the connection.
func judge(ctx context.Context, err error, p *peer.Peer) verdict {
	if err == nil || sdk.IsOurs(err) {
		return answered
	}
	code := sdk.StatusOf(err).Code()
	expired := ctx.Err() != nil && (code == codes.DeadlineExceeded || code == codes.Canceled)
	cut := !expired && (code == codes.Unavailable || code == codes.Canceled)
	switch {
	case p.Addr == nil && expired:
		return unsentExpired
	case p.Addr == nil && cut:
		return unsentGone
	case cut:
		return lost
	default:
		return answered
	}
}
