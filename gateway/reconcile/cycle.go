package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// tally is what a cycle did.
type tally struct {
	calls, discovered, changed, gone int
	failed                           error // the last failure
}

// cycle compares all types of one account. What cannot be read is said to be so,
// and changes nothing.
func (r *Reconciler) cycle(ctx context.Context, id string) {
	began := time.Now()
	var t tally
	a, err := r.accounts.Get(id)
	switch {
	case err != nil, a.Disabled: // deleted meanwhile, or not to be asked
		return
	case a.Conn == nil:
		t.failed = sdk.NewError(a.Reason)
		r.unread(ctx, id, t.failed)
	default:
		r.compareAll(ctx, a, &t)
	}
	if ctx.Err() != nil {
		return
	}
	reason := ""
	if t.failed != nil {
		reason = reasonOf(t.failed)
	}
	elapsed := time.Since(began)
	r.opts.Metrics.Cycle(id, elapsed.Seconds(), reason)
	level := slog.LevelDebug
	if t.failed != nil || t.discovered+t.changed+t.gone > 0 {
		level = slog.LevelInfo
	}
	attributes := []slog.Attr{
		slog.String("account_id", id), slog.Duration("elapsed", elapsed), slog.Int("calls", t.calls), slog.Int("discovered", t.discovered),
		slog.Int("changed", t.changed), slog.Int("gone", t.gone), slog.String("reason", reason),
	}
	if t.failed != nil {
		attributes = append(attributes, slog.String("error", t.failed.Error()))
	}
	r.log.LogAttrs(ctx, level, "account compared", attributes...)
}

func (r *Reconciler) compareAll(ctx context.Context, a *account.Account, t *tally) {
	for _, k := range r.kinds {
		if !r.compareKind(ctx, a, t, k, (*comparison).run) {
			return
		}
	}
	for _, k := range r.parts {
		parts := func(c *comparison, ctx context.Context) error { return c.compareParts(ctx, k) }
		if !r.compareKind(ctx, a, t, k.kind, parts) {
			return
		}
	}
}

// compareKind compares one type, where the account offers it. It answers false where
// the others would fail too, or the time is over.
func (r *Reconciler) compareKind(ctx context.Context, a *account.Account, t *tally, k kind, compare func(*comparison, context.Context) error) bool {
	if !a.Offers(k.list.FullName) || !a.Offers(k.get.FullName) {
		return true
	}
	c := &comparison{Reconciler: r, account: a, kind: k, tally: t, at: r.opts.Now().UTC(), requestID: rowid.New()}
	err := compare(c, ctx)
	if err == nil || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	t.failed = err
	if ofAccount(err) {
		r.unread(ctx, a.ID, err)
		return false
	}
	if err := r.inventory.RecordReading(ctx, a.ID, k.name, c.at, reasonOf(err)); err != nil {
		r.warn(ctx, "reading not recorded", a.ID, err)
	}
	return true
}

// unread says of all types of an account that they could not be read.
func (r *Reconciler) unread(ctx context.Context, id string, cause error) {
	if err := r.inventory.RecordUnread(ctx, id, reasonOf(cause)); err != nil && ctx.Err() == nil {
		r.warn(ctx, "failed reading not recorded", id, err)
	}
}

// ofAccount tells that a failure is not of one type: the others would fail too.
func ofAccount(err error) bool {
	switch sdk.ReasonOf(err) {
	case apiv1.Reason_REASON_CLOUD_UNAVAILABLE, apiv1.Reason_REASON_CLOUD_TIMEOUT, apiv1.Reason_REASON_DRIVER_UNAVAILABLE,
		apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED, apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, apiv1.Reason_REASON_DEADLINE_EXCEEDED,
		apiv1.Reason_REASON_THROTTLED, apiv1.Reason_REASON_PAYMENT_REQUIRED:
		return true
	default:
		return false
	}
}

func reasonOf(err error) string {
	if reason := sdk.ReasonOf(err); reason != apiv1.Reason_REASON_UNSPECIFIED {
		return sdk.ReasonName(reason)
	}
	return sdk.ReasonName(apiv1.Reason_REASON_INTERNAL)
}

// errAgain is a cloud that gives the same page over and over.
var errAgain = errors.New("the listing comes back to a page that it gave before")

// call makes one reading call to the account's driver.
func (c *comparison) call(ctx context.Context, path string, request, answer proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	ctx = sdk.WithCall(ctx, sdk.Call{RequestID: c.requestID, AccountID: c.account.ID})
	err := c.account.Conn.Invoke(ctx, path, request, answer)
	c.counting.Lock()
	c.tally.calls++
	c.counting.Unlock()
	reason := ""
	if err != nil {
		reason = reasonOf(err)
	}
	c.opts.Metrics.Call(c.account.ID, reason)
	return err
}

func (c *comparison) invoke(ctx context.Context, m *contract.Method, request proto.Message) (proto.Message, error) {
	answer := m.Output.New().Interface()
	return answer, c.call(ctx, m.Path, request, answer)
}

// probe asks whether the account works at all.
func (c *comparison) probe(ctx context.Context) error {
	return c.call(ctx, driverv1.DriverService_Probe_FullMethodName, &driverv1.ProbeRequest{AccountId: c.account.ID}, &driverv1.ProbeResponse{})
}
