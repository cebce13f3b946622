package operation

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/outbox"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// succeed ends the operation well.
func (t *task) succeed(ctx context.Context, state string, body []byte, gone bool) error {
	observed := t.observation(t.row.ResourceID, state, body)
	observed.Gone = gone
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED, nil, func(r *row) {
		if state != "" {
			r.ResourceState = state
		}
	}, observed)
}

// fail ends the operation with an error. One that may pass and left no trace is
// not remembered: its key may be used again.
func (t *task) fail(ctx context.Context, cause error, remember bool) error {
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_FAILED, cause, func(r *row) {
		if !remember {
			r.IdempotencyKey = nil
		}
	}, nil)
}

// failResource ends the operation because its resource is in an error state.
func (t *task) failResource(ctx context.Context, resource protoreflect.Message, state string, body []byte) error {
	cause := &apiv1.Error{Code: int32(apiv1.Reason_REASON_RESOURCE_FAILED)}
	if field := resource.Descriptor().Fields().ByName("state_reason"); field != nil {
		cause.CauseReason = resource.Get(field).String()
	}
	return t.endFailed(ctx, cause, state, body)
}

// failElsewhere ends the operation because its resource has settled in another
// state than was asked for.
func (t *task) failElsewhere(ctx context.Context, state string, body []byte) error {
	return t.endFailed(ctx, &apiv1.Error{
		Code:        int32(apiv1.Reason_REASON_RESOURCE_FAILED),
		CauseReason: sdk.ReasonName(apiv1.Reason_REASON_INVALID_STATE),
		Violations:  []*apiv1.Violation{{Field: "state", Description: "stays " + state}},
	}, state, body)
}

func (t *task) endFailed(ctx context.Context, cause *apiv1.Error, state string, body []byte) error {
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_FAILED, fault.Remember(cause),
		func(r *row) { r.ResourceState = state }, t.observation(t.row.ResourceID, state, body))
}

// failTaken ends the operation because the cloud has taken its resource away again,
// and tells why if the cloud does.
func (t *task) failTaken(ctx context.Context, resource protoreflect.Message, state string) error {
	field := resource.Descriptor().Fields().ByName("state_reason")
	if field == nil || resource.Get(field).String() == "" {
		return t.failGone(ctx)
	}
	observed := t.observation(t.row.ResourceID, state, nil)
	observed.Gone = true
	cause := &apiv1.Error{Code: int32(apiv1.Reason_REASON_RESOURCE_FAILED), CauseReason: resource.Get(field).String()}
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_FAILED, fault.Remember(cause),
		func(r *row) { r.ResourceState = state }, observed)
}

// failGone ends the operation because its resource is no more.
func (t *task) failGone(ctx context.Context) error {
	observed := t.observation(t.row.ResourceID, "", nil)
	observed.Gone = true
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_FAILED,
		sdk.NewError(apiv1.Reason_REASON_RESOURCE_GONE), func(*row) {}, observed)
}

func (t *task) timeOut(ctx context.Context) error {
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_TIMED_OUT,
		sdk.NewError(apiv1.Reason_REASON_OPERATION_TIMED_OUT), func(*row) {}, nil)
}

// refuseStep takes the steps back after the cloud has refused one. A refused undo
// ends the operation with the error that made it necessary, if there is one.
func (t *task) refuseStep(ctx context.Context, cause error) error {
	if t.row.Undo && len(t.row.Error) > 0 {
		t.engine.log.LogAttrs(ctx, slog.LevelWarn, "steps of an operation could not be taken back",
			slog.String("operation_id", t.row.ID), slog.String("request_id", t.row.RequestID), slog.String("error", cause.Error()))
		return t.fail(ctx, t.failure(), true)
	}
	if t.row.Undo {
		return t.fail(ctx, cause, true)
	}
	encoded, err := t.encodeError(cause)
	if err != nil {
		return err
	}
	return t.update(ctx, func(r *row) { r.Undo, r.Error = true, encoded })
}

// undoLimit is how long the steps of an operation may take to be taken back after
// its time is over.
const undoLimit = 10 * time.Minute

// giveUp ends an operation whose time is over; steps that were made are taken back
// first.
func (t *task) giveUp(ctx context.Context) error {
	if t.row.NextStep == "" || t.row.Undo {
		return t.timeOut(ctx)
	}
	encoded, err := t.encodeError(sdk.NewError(apiv1.Reason_REASON_OPERATION_TIMED_OUT))
	if err != nil {
		return err
	}
	return t.update(ctx, func(r *row) {
		r.Undo, r.Error, r.DeadlineAt = true, encoded, t.engine.now().Add(undoLimit)
	})
}

// endUndone ends an operation whose steps have been taken back: cancelled, or
// failed with the error that made it necessary.
func (t *task) endUndone(ctx context.Context) error {
	cause, status := sdk.NewError(apiv1.Reason_REASON_OPERATION_CANCELLED), apiv1.OperationStatus_OPERATION_STATUS_CANCELLED
	if len(t.row.Error) > 0 {
		cause, status = t.failure(), apiv1.OperationStatus_OPERATION_STATUS_FAILED
	}
	if sdk.ReasonOf(cause) == apiv1.Reason_REASON_OPERATION_TIMED_OUT {
		status = apiv1.OperationStatus_OPERATION_STATUS_TIMED_OUT
	}
	var observed *inventory.Observation
	if t.method.Kind == apiv1.Kind_KIND_CREATE { // what the steps made was the resource
		observed = t.observation(t.row.ResourceID, "", nil)
		observed.Gone = true
	}
	return t.end(ctx, status, cause, func(*row) {}, observed)
}

// end records the final status, with its event, and wakes everybody.
func (t *task) end(ctx context.Context, status apiv1.OperationStatus, cause error, change func(*row), observed *inventory.Observation) error {
	now := t.engine.now()
	var encoded []byte
	if cause != nil {
		var err error
		if encoded, err = t.encodeError(cause); err != nil {
			return err
		}
	}
	gone := observed != nil && observed.Gone
	var parts []inventory.Observation
	if status == apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED && observed != nil {
		var err error
		if parts, err = t.parts(ctx, observed.Body); err != nil {
			return err
		}
	}
	var applied []func()
	err := t.record(ctx, func(r *row) {
		r.Status, r.FinishedAt, r.NextPollAt, r.Error, r.Request = int32(status), &now, nil, encoded, nil
		if r.CallbackURL != "" {
			r.CallbackDueAt = &now
		}
		change(r)
	}, observed, t.passwords(gone), func(tx *gorm.DB, _ *row) error {
		for _, part := range parts {
			apply, err := t.engine.inventory.Observe(tx, part)
			if err != nil {
				return err
			}
			applied = append(applied, apply)
		}
		return nil
	}, func(tx *gorm.DB, next *row) error {
		return outbox.Append(tx, outbox.Event{
			Type: "OperationFinished", ResourceID: next.ResourceID, ResourceType: t.row.ResourceType, AccountID: t.row.AccountID,
			TenantID: t.row.TenantID, Source: "FOLLOWER", OperationID: t.row.ID, RequestID: t.row.RequestID, ActorID: t.row.ActorID,
			OccurredAt: now, Payload: map[string]any{
				"method": t.row.Method, "status": status.String(), "reason": sdk.ReasonName(sdk.ReasonOf(cause)),
				"duration_ms": now.Sub(t.row.CreatedAt).Milliseconds(),
			},
		})
	})
	if err != nil {
		return err
	}
	for _, apply := range applied {
		apply()
	}
	t.mu.Lock()
	t.outcome = cause
	t.mu.Unlock()
	t.accepted.give()
	t.ended.give()
	return nil
}

// encodeError keeps what a client may know of an error.
func (t *task) encodeError(cause error) ([]byte, error) {
	return proto.Marshal(fault.Decode(t.annotate(cause)).Client(true))
}
