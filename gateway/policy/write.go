package policy

import (
	"context"
	"crypto/sha256"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func (r *Runner) create(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	if err := r.checkReferences(ctx, call, t); err != nil {
		return nil, err
	}
	result, err := r.submit(ctx, call, t)
	return result.Answer, err
}

func (r *Runner) remove(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	if owner, ok := r.inventory.Owner(t.resourceID); ok && owner.DeletionProtected {
		return nil, sdk.NewError(apiv1.Reason_REASON_DELETION_PROTECTED,
			sdk.Violation(call.Method.IDField, "update it with deletion_protected=false first"))
	}
	result, err := r.submit(ctx, call, t)
	return result.Answer, err
}

// update changes the resource at its cloud, and deletion protection here.
func (r *Runner) update(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	protect := boolField(call.Request, "deletion_protected")
	var answer proto.Message
	if changesCloud(t.native, call.Method.IDField) {
		result, err := r.submit(ctx, call, t)
		if err != nil {
			return nil, err
		}
		answer = result.Answer
	} else {
		state, err := r.currentState(ctx, call, t)
		if err != nil {
			return nil, err
		}
		answer = doneAnswer(call, t.resourceID, state)
	}
	if protect == nil {
		return answer, nil
	}
	return answer, r.inventory.Record(ctx, inventory.Observation{
		ID: t.resourceID, Type: call.Method.ResourceType, AccountID: t.account.ID, At: r.now(), Source: "REQUEST",
		RequestID: call.RequestID, ActorID: call.Principal.UserID, Protect: protect,
		Owner: inventory.Ownership{TenantID: call.Principal.TenantID, Managed: apiv1.Managed_MANAGED_DISCOVERED},
	})
}

// changesCloud tells whether an update holds anything for the driver.
func changesCloud(native proto.Message, idField string) bool {
	changes := false
	native.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		changes = string(field.Name()) != idField
		return !changes
	})
	return changes
}

func boolField(message proto.Message, name protoreflect.Name) *bool {
	m := message.ProtoReflect()
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || !m.Has(field) {
		return nil
	}
	value := m.Get(field).Bool()
	return &value
}

// doneAnswer is the answer to a write that needed no call to the cloud.
func doneAnswer(call *pipeline.Call, id string, state protoreflect.EnumNumber) proto.Message {
	answer := call.Method.Output.New()
	fields := answer.Descriptor().Fields()
	if field := fields.ByName("id"); field != nil {
		answer.Set(field, protoreflect.ValueOfString(id))
	}
	if field := fields.ByName("state"); field != nil && field.Enum() != nil {
		answer.Set(field, protoreflect.ValueOfEnum(state))
	}
	if field := fields.ByName("operation_status"); field != nil {
		answer.Set(field, protoreflect.ValueOfEnum(apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED.Number()))
	}
	return answer.Interface()
}

// submit hands a write to the operations.
func (r *Runner) submit(ctx context.Context, call *pipeline.Call, t *target) (operation.Result, error) {
	hash, err := messageHash(call.Request)
	if err != nil {
		return operation.Result{}, err
	}
	protect := boolField(call.Request, "deletion_protected")
	return r.operations.Submit(ctx, operation.Submission{
		Method: call.Method, AccountID: t.account.ID, TenantID: call.Principal.TenantID, ActorID: call.Principal.UserID,
		RequestID: call.RequestID, Key: call.Options.GetRequestId(), Hash: hash, Request: t.native, ResourceID: t.resourceID,
		Protect: protect != nil && *protect, Callback: call.Options.GetCallbackUrl(),
		Wait: time.Duration(call.Options.GetWaitSeconds()) * time.Second,
	})
}

// messageHash identifies what a client meant, however it was spelt.
func messageHash(message proto.Message) ([]byte, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(encoded)
	return sum[:], nil
}
