package operation

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/fault"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// ToProtoOperation shows an operation to a client, in the client's language.
func ToProtoOperation(r row, english bool) *operationv1.Operation {
	o := &operationv1.Operation{
		Id: r.ID, Method: r.Method, ResourceId: r.ResourceID, ResourceType: r.ResourceType, AccountId: r.AccountID,
		TenantId: r.TenantID, ActorId: r.ActorID, RequestId: r.RequestID, Status: r.status(), Attempts: r.Attempts,
		ResourceState: r.ResourceState, CreatedAt: timestamppb.New(r.CreatedAt), StartedAt: timestamp(r.StartedAt),
		FinishedAt: timestamp(r.FinishedAt), DeadlineAt: timestamppb.New(r.DeadlineAt), NextPollAt: timestamp(r.NextPollAt),
		CallbackUrl: r.CallbackURL, ParentId: r.ParentID, Cancellable: cancellable(&r),
	}
	if r.IdempotencyKey != nil && !strings.HasPrefix(*r.IdempotencyKey, "chain:") {
		o.IdempotencyKey = *r.IdempotencyKey
	}
	if len(r.Error) > 0 && r.ended() {
		o.Error = fault.Decode(fault.Remember(r.error())).Client(english)
	}
	return o
}

// cancellable: only work that goes in steps can be taken back.
func cancellable(r *row) bool {
	return !r.ended() && !r.Undo && r.NextStep != ""
}

func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
