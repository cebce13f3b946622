package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// maxFaults is how often a driver may misbehave in one operation.
const maxFaults = 5

// attempt calls the driver until its answer is known.
func (t *task) attempt(ctx context.Context) error {
	acc, err := t.engine.accounts.Get(t.row.AccountID)
	if err != nil {
		return t.fail(ctx, err, !t.fresh)
	}
	if acc.Conn == nil {
		return t.awaitOpening(ctx)
	}
	if t.fresh {
		t.fresh = false
	} else if repeat, err := t.prepareRepeat(ctx, acc); !repeat || err != nil {
		return err
	}
	answer, trailer, err := t.call(ctx, acc, t.row.Attempts)
	if ctx.Err() != nil {
		return nil // stopping: the row says that an attempt was made
	}
	t.adrift = t.adrift || judge(err) == unknown && !sdk.HasEnded(err)
	if t.method.Kind == apiv1.Kind_KIND_DELETE && sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		answer, trailer, err = t.method.Output.New().Interface(), sdk.Trailer{}, nil // absent is success
	}
	switch judge(err) {
	case succeeded:
		if t.mayHaveTwin(acc) && !t.row.Verify {
			return t.update(ctx, func(r *row) {
				r.Verify = true
				r.Status = int32(apiv1.OperationStatus_OPERATION_STATUS_UNKNOWN_OUTCOME)
			})
		}
		return t.acceptAnswer(ctx, acc, answer, trailer)
	case refused:
		return t.fail(ctx, err, true)
	case noEffect:
		if t.row.Attempts == 1 && t.row.ParentID == "" {
			return t.fail(ctx, err, false)
		}
		return t.postpone(ctx, err)
	default:
		if t.row.Attempts >= maxFaults && sdk.ReasonOf(err) == apiv1.Reason_REASON_DRIVER_FAULT {
			return t.fail(ctx, err, true)
		}
		return t.postpone(ctx, err)
	}
}

// awaitOpening waits for an account that has never been opened in this process:
// how its cloud takes repeats is not known, and nothing can be sent.
func (t *task) awaitOpening(ctx context.Context) error {
	switch {
	case t.fresh && t.row.ParentID == "":
		return t.fail(ctx, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE), false)
	case t.engine.now().After(t.row.DeadlineAt):
		return t.timeOut(ctx)
	default:
		return t.patience.wait(ctx, minRepeat)
	}
}

// minRepeat is the least time between an attempt and its repeat.
const minRepeat = 250 * time.Millisecond

// prepareRepeat waits until a repeat is safe, and counts it. It answers false when
// the operation's time is over.
func (t *task) prepareRepeat(ctx context.Context, acc *account.Account) (bool, error) {
	now := t.engine.now()
	if now.After(t.row.DeadlineAt) {
		return false, t.timeOut(ctx)
	}
	settled := t.row.LastAttemptAt.Add(settleTime(acc, t)).Sub(now)
	if err := t.patience.wait(ctx, max(settled, minRepeat)); err != nil {
		return false, err
	}
	return true, t.update(ctx, func(r *row) {
		r.Attempts++
		r.LastAttemptAt = t.engine.now()
	})
}

// settleTime is how long after an attempt a repeat must wait: where the cloud
// takes no token, until a request that may still run there has ended and what it
// made can be found.
func settleTime(acc *account.Account, t *task) time.Duration {
	if !t.makesUntokened(acc) {
		return 0
	}
	seconds := acc.Idempotency.GetMarkerDelaySeconds()
	if t.adrift {
		seconds += acc.Idempotency.GetRequestTimeoutSeconds()
	}
	return time.Duration(seconds) * time.Second
}

func (t *task) makesUntokened(acc *account.Account) bool {
	return t.method.Kind == apiv1.Kind_KIND_CREATE && !acc.Idempotency.GetNativeToken()
}

// mayHaveTwin tells that an earlier attempt may still surface at a cloud without
// tokens, so that the repeat's answer must be looked at once more.
func (t *task) mayHaveTwin(acc *account.Account) bool {
	return t.row.Attempts > 1 && t.adrift && t.makesUntokened(acc) && settleTime(acc, t) > 0
}

// postpone records that the outcome is not known; the next advance repeats.
func (t *task) postpone(ctx context.Context, cause error) error {
	t.engine.log.LogAttrs(ctx, slog.LevelWarn, "outcome of a call is not known, it will be repeated",
		slog.String("operation_id", t.row.ID), slog.String("request_id", t.row.RequestID),
		slog.Int("attempt", int(t.row.Attempts)), slog.String("error", cause.Error()))
	return t.update(ctx, func(r *row) {
		r.Status = int32(apiv1.OperationStatus_OPERATION_STATUS_UNKNOWN_OUTCOME)
		r.Verify = false
	})
}

// verdict is what an error says about the cloud.
type verdict int

const (
	succeeded verdict = iota
	refused           // the cloud said no, finally
	noEffect          // nothing happened, and the same may succeed later
	unknown           // it may have happened
)

func judge(err error) verdict {
	if err == nil {
		return succeeded
	}
	if errors.Is(err, driverhost.ErrNotSent) || errors.Is(err, errNotOpen) {
		return noEffect
	}
	switch reason := sdk.ReasonOf(err); reason {
	case apiv1.Reason_REASON_THROTTLED, apiv1.Reason_REASON_RATE_LIMITED, apiv1.Reason_REASON_RESOURCE_BUSY,
		apiv1.Reason_REASON_REQUEST_IN_PROGRESS:
		return noEffect
	case apiv1.Reason_REASON_CLOUD_ERROR, apiv1.Reason_REASON_CLOUD_TIMEOUT, apiv1.Reason_REASON_CLOUD_UNAVAILABLE,
		apiv1.Reason_REASON_DEADLINE_EXCEEDED, apiv1.Reason_REASON_DRIVER_UNAVAILABLE, apiv1.Reason_REASON_DRIVER_FAULT,
		apiv1.Reason_REASON_UNAVAILABLE, apiv1.Reason_REASON_INTERNAL:
		return unknown
	default:
		if sdk.StatusOf(err).Code() == codes.Canceled {
			return unknown
		}
		return refused
	}
}

// acceptAnswer records what the driver answered, with the resource, and wakes the
// client.
func (t *task) acceptAnswer(ctx context.Context, acc *account.Account, answer proto.Message, trailer sdk.Trailer) error {
	public := answer.ProtoReflect()
	fields := public.Descriptor().Fields()
	idField := fields.ByName("id")
	if idField == nil || t.row.ResourceID == "" && public.Get(idField).String() == "" {
		return t.fail(ctx, sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT, sdk.Cause(errors.New("the driver's answer has no id"))), true)
	}
	resourceID := t.row.ResourceID
	if resourceID == "" {
		resourceID = publicid.Join(t.row.AccountID, public.Get(idField).String())
	}
	if _, _, err := publicid.Split("id", resourceID); err != nil {
		return t.fail(ctx, sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT, sdk.Cause(fmt.Errorf("the driver's answer: %w", err))), true)
	}
	pipeline.PrefixIDs(public, publicid.Join(t.row.AccountID, ""))
	public.Set(idField, protoreflect.ValueOfString(resourceID))
	clearSecrets(public)
	state := acceptedState(public)
	now := t.engine.now()
	chain, err := t.chainItems()
	if err != nil {
		return t.fail(ctx, err, true)
	}
	ends := trailer.NextStep == "" && len(chain) == 0 && !t.followed()
	status := apiv1.OperationStatus_OPERATION_STATUS_RUNNING
	if ends {
		status = apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED
	}
	setString(public, fields.ByName("operation_id"), t.row.ID)
	if field := fields.ByName("operation_status"); field != nil {
		public.Set(field, protoreflect.ValueOfEnum(status.Number()))
	}
	encoded, err := proto.Marshal(answer)
	if err != nil {
		return t.fail(ctx, err, true)
	}
	t.patience.reset()
	t.pollAfter = trailer.PollAfter
	change := func(r *row) {
		r.Status, r.ResourceID, r.ResourceState, r.Answer = int32(status), resourceID, state, encoded
		r.NextStep, r.StartedAt, r.Verify = trailer.NextStep, &now, false
	}
	observed := t.observation(resourceID, state, nil)
	observed.Created = t.method.Kind == apiv1.Kind_KIND_CREATE
	if ends {
		if observed.Gone = t.method.Kind == apiv1.Kind_KIND_DELETE; !observed.Gone {
			_, observed.Body = t.glance(ctx, acc, t.method.ResourceType, resourceID)
		}
		return t.end(ctx, status, nil, change, observed)
	}
	if err = t.record(ctx, change, observed); err == nil {
		t.accepted.give()
	}
	return err
}

// clearSecrets takes out of an answer what must not be stored in clear.
func clearSecrets(answer protoreflect.Message) {
	for i := range answer.Descriptor().Fields().Len() {
		if field := answer.Descriptor().Fields().Get(i); contract.IsSecret(field) {
			answer.Clear(field)
		}
	}
}

// acceptedState is the state in a driver's answer to a write; "" if the driver did
// not tell.
func acceptedState(answer protoreflect.Message) string {
	field := answer.Descriptor().Fields().ByName("state")
	if field == nil || field.Enum() == nil || answer.Get(field).Enum() == 0 {
		return ""
	}
	return stateName(answer)
}

// observation is what the inventory shall know after this answer.
func (t *task) observation(resourceID, state string, body []byte) *inventory.Observation {
	o := &inventory.Observation{
		ID: resourceID, Type: t.row.ResourceType, AccountID: t.row.AccountID, State: state, Body: body, At: t.engine.now(),
		Source: "FOLLOWER", OperationID: t.row.ID, RequestID: t.row.RequestID, ActorID: t.row.ActorID,
		Name: t.requestString("name"), KnownOnly: t.method.Kind == apiv1.Kind_KIND_DELETE,
	}
	o.Owner = inventory.Ownership{TenantID: t.row.TenantID, OwnerID: t.row.ActorID, DeletionProtected: t.row.Protect}
	o.Owner.Managed = apiv1.Managed_MANAGED_DISCOVERED
	if t.method.Kind == apiv1.Kind_KIND_CREATE {
		o.Owner.Managed = apiv1.Managed_MANAGED_CREATED
	} else {
		o.Owner.OwnerID = ""
	}
	return o
}

// requestString reads a string field of the request, "" if there is none.
func (t *task) requestString(name protoreflect.Name) string {
	if t.request == nil {
		return ""
	}
	m := t.request.ProtoReflect()
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}

// stateName reads the state field of an answer or resource; "" if it has none.
func stateName(m protoreflect.Message) string {
	field := m.Descriptor().Fields().ByName("state")
	if field == nil || field.Enum() == nil {
		return ""
	}
	if value := field.Enum().Values().ByNumber(m.Get(field).Enum()); value != nil {
		return string(value.Name())
	}
	return ""
}
