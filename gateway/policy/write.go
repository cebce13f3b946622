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
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func (r *Runner) create(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	t.check = func(ctx context.Context) error { return r.checkReferences(ctx, call, t) }
	result, err := r.submit(ctx, call, t)
	return result.Answer, err
}

func (r *Runner) remove(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	owner, gone, _, err := r.inventory.Recall(ctx, t.resourceID)
	if err != nil {
		return nil, err
	}
	if owner.DeletionProtected && !gone {
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

func textField(message proto.Message, name protoreflect.Name) string {
	m := message.ProtoReflect()
	if field := m.Descriptor().Fields().ByName(name); field != nil && field.Kind() == protoreflect.StringKind {
		return m.Get(field).String()
	}
	return ""
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
	owner, err := r.access.Owner(call.Principal, textField(call.Request, "tenant_id"))
	if err != nil {
		return operation.Result{}, err
	}
	if err := r.access.Account(pipeline.Principal{TenantID: owner}, t.account.ID); err != nil {
		return operation.Result{}, sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN,
			sdk.Violation("tenant_id", "is of an organization that may not use the account "+t.account.ID))
	}
	return r.operations.Submit(ctx, operation.Submission{
		Method: call.Method, AccountID: t.account.ID, TenantID: owner, Quotas: r.quotas(call, owner, t.account.ID), ActorID: call.Principal.UserID,
		RequestID: call.RequestID, Key: call.Options.GetRequestId(), Hash: hash, Request: t.native, ResourceID: t.resourceID, Check: t.check,
		Protect: protect != nil && *protect, Callback: call.Options.GetCallbackUrl(),
		Wait: time.Duration(call.Options.GetWaitSeconds()) * time.Second,
	})
}

// quotas are the limits that a create counts against, with what its chain makes.
func (r *Runner) quotas(call *pipeline.Call, owner, accountID string) []pipeline.Quota {
	if call.Method.Kind != apiv1.Kind_KIND_CREATE {
		return nil
	}
	making := map[string]int{call.Method.ResourceType: 1}
	call.Request.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		chained := r.contract.Method(contract.FieldRule(field).GetChain().GetRpc())
		if chained == nil || chained.Kind != apiv1.Kind_KIND_CREATE {
			return true
		}
		if field.IsList() {
			making[chained.ResourceType] += value.List().Len()
		} else {
			making[chained.ResourceType]++
		}
		return true
	})
	var out []pipeline.Quota
	for resourceType, n := range making {
		for _, q := range r.access.Quotas(owner, resourceType, accountID) {
			q.Making = n
			out = append(out, q)
		}
	}
	return out
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
