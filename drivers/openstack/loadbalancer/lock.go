package loadbalancer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// pollAfter is how soon a started change, or a lock, is worth looking at.
	pollAfter = time.Second
	// longestLock is how long a creation waits for the lock. Loading a new
	// configuration into an amphora takes some seconds.
	longestLock = 20 * time.Second
	// stepAgain is the next step of a request that met the lock before it changed
	// anything.
	stepAgain = "again"
)

// locked tells whether Octavia refused a change because another one of the same
// load balancer is under way, or because that has failed.
func locked(err error) bool { return session.IsWrongState(err) }

// create makes an object of a load balancer and waits for its lock if need be.
// Errors: INVALID_STATE of the load balancer, RESOURCE_BUSY, or the cloud's own.
func create[T any](ctx context.Context, client *rest.Client, lbID string, post func() (*T, error)) (*T, error) {
	limit := time.NewTimer(longestLock)
	defer limit.Stop()
	for {
		v, err := post()
		if !locked(err) {
			return v, err
		}
		if err := changing(ctx, client, lbID, err); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, session.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, vips.Type, lbID, sdk.RetryAfter(pollAfter))
		case <-time.After(pollAfter):
		}
	}
}

// again is what to do about the refusal of a change or deletion: where the lock is
// the reason, the request goes on with step. Errors: INVALID_STATE of the load
// balancer, or the cloud's own.
func again(ctx context.Context, client *rest.Client, lbID, step string, refusal error) error {
	if !locked(refusal) {
		return refusal
	}
	if err := changing(ctx, client, lbID, refusal); err != nil {
		return err
	}
	sdk.SetNextStep(ctx, step, pollAfter)
	return nil
}

// changing is nil as long as waiting for a load balancer's lock makes sense.
// Octavia gives the same answer for one in ERROR, for ever.
func changing(ctx context.Context, client *rest.Client, lbID string, refusal error) error {
	v, err := vips.Get(ctx, client, lbID)
	if err != nil {
		return err
	}
	if v.Provisioning == statusError {
		return session.WrongState(refusal, vips.Type, lbID, false)
	}
	return nil
}

// text is what Octavia says in a refusal, in lower case; it has no codes.
func text(err error) string {
	var code gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &code) || code.Actual < http.StatusBadRequest {
		return ""
	}
	return strings.ToLower(string(code.Body))
}
