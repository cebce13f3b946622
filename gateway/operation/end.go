package operation

import (
	"context"

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
	observed := t.observation(t.row.ResourceID, state, body, false)
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
	var why []sdk.ErrorOption
	if field := resource.Descriptor().Fields().ByName("state_reason"); field != nil && resource.Get(field).String() != "" {
		why = append(why, sdk.Violation("state_reason", resource.Get(field).String()))
	}
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_FAILED, sdk.NewError(apiv1.Reason_REASON_RESOURCE_FAILED, why...),
		func(r *row) { r.ResourceState = state }, t.observation(t.row.ResourceID, state, body, false))
}

func (t *task) timeOut(ctx context.Context) error {
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_TIMED_OUT,
		sdk.NewError(apiv1.Reason_REASON_OPERATION_TIMED_OUT), func(*row) {}, nil)
}

// refuseStep takes the steps back after the cloud has refused one.
func (t *task) refuseStep(ctx context.Context, cause error) error {
	if t.row.Undo {
		return t.fail(ctx, cause, true)
	}
	encoded, err := t.encodeError(cause)
	if err != nil {
		return err
	}
	return t.update(ctx, func(r *row) { r.Undo, r.Error = true, encoded })
}

// endUndone ends an operation whose steps have been taken back: cancelled, or
// failed with the error that made it necessary.
func (t *task) endUndone(ctx context.Context) error {
	if len(t.row.Error) > 0 {
		return t.fail(ctx, t.failure(), true)
	}
	return t.end(ctx, apiv1.OperationStatus_OPERATION_STATUS_CANCELLED,
		sdk.NewError(apiv1.Reason_REASON_OPERATION_CANCELLED), func(*row) {}, nil)
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
	err := t.record(ctx, func(r *row) {
		r.Status, r.FinishedAt, r.NextPollAt, r.Error, r.Request = int32(status), &now, nil, encoded, nil
		if r.CallbackURL != "" {
			r.CallbackDueAt = &now
		}
		change(r)
	}, observed, t.passwords(status, gone), func(tx *gorm.DB) error {
		return outbox.Append(tx, outbox.Event{
			Type: "OperationFinished", ResourceID: t.row.ResourceID, ResourceType: t.row.ResourceType, AccountID: t.row.AccountID,
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
	t.mu.Lock()
	t.outcome = cause
	t.mu.Unlock()
	t.accepted.give()
	return nil
}

// encodeError keeps what a client may know of an error.
func (t *task) encodeError(cause error) ([]byte, error) {
	return proto.Marshal(fault.Decode(t.annotate(cause)).Client(true))
}
