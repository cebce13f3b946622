package policy

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// read asks the cloud and shows its answer.
func (r *Runner) read(ctx context.Context, call *pipeline.Call, t *target) (proto.Message, error) {
	answer, err := r.invoke(ctx, call, t.account, call.Method, t.native)
	if err != nil {
		return nil, err
	}
	r.publish(answer.ProtoReflect(), t.account.ID, call.Language)
	return answer, nil
}

// invoke makes one reading call to a driver.
func (r *Runner) invoke(ctx context.Context, call *pipeline.Call, a *account.Account, m *contract.Method, native proto.Message) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.ReadTimeout)
	defer cancel()
	ctx = sdk.WithCall(ctx, sdk.Call{RequestID: call.RequestID, AccountID: a.ID})
	answer := m.Output.New().Interface()
	err := a.Conn.Invoke(ctx, m.Path, native, answer)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		// The account exists here; the driver has not opened it again yet.
		err = sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Cause(err))
	}
	return answer, fault.InAccount(err, a.ID)
}

// fetch reads one resource by its native id, for the gateway's own checks.
func (r *Runner) fetch(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType, native string) (protoreflect.Message, error) {
	getter := r.contract.Getter(resourceType)
	if getter == nil || usable(a, getter) != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD)
	}
	request := getter.Input.New()
	request.Set(request.Descriptor().Fields().ByName("id"), protoreflect.ValueOfString(native))
	answer, err := r.invoke(ctx, call, a, getter, request.Interface())
	if err != nil {
		return nil, err
	}
	m := answer.ProtoReflect()
	return m.Get(m.Descriptor().Fields().Get(0)).Message(), nil
}

// currentState reads the state of the resource that a call acts on.
func (r *Runner) currentState(ctx context.Context, call *pipeline.Call, t *target) (protoreflect.EnumNumber, error) {
	_, native, err := publicid.Split(call.Method.IDField, t.resourceID)
	if err != nil {
		return 0, err
	}
	resource, err := r.fetch(ctx, call, t.account, call.Method.ResourceType, native)
	if err != nil {
		return 0, err
	}
	if field := resource.Descriptor().Fields().ByName("state"); field != nil && field.Enum() != nil {
		return resource.Get(field).Enum(), nil
	}
	return 0, nil
}

// checkReferences refuses a create whose references are absent, or in a state in
// which they may not be used. Where the cloud cannot be asked it has the last word.
func (r *Runner) checkReferences(ctx context.Context, call *pipeline.Call, t *target) error {
	var failure error
	visitFields(t.native.ProtoReflect(), "", false, func(path string, inline bool, field protoreflect.FieldDescriptor, m protoreflect.Message) {
		rule := contract.FieldRule(field)
		if failure != nil || inline || len(rule.GetRefState()) == 0 || field.IsList() || !m.Has(field) {
			return
		}
		resource, err := r.fetch(ctx, call, t.account, rule.GetRef(), m.Get(field).String())
		switch {
		case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
			failure = sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Violation(path, "there is no such "+rule.GetRef()))
		case err == nil:
			failure = checkState(path, rule, resource)
		}
	})
	return failure
}

func checkState(path string, rule *apiv1.FieldRule, resource protoreflect.Message) error {
	field := resource.Descriptor().Fields().ByName("state")
	if field == nil || field.Enum() == nil {
		return nil
	}
	value := field.Enum().Values().ByNumber(resource.Get(field).Enum())
	if value == nil {
		return nil
	}
	for _, wanted := range rule.GetRefState() {
		if string(value.Name()) == wanted {
			return nil
		}
	}
	reason := apiv1.Reason_REASON_INVALID_STATE
	if contract.Phase(value) == apiv1.Phase_PHASE_TRANSIENT {
		reason = apiv1.Reason_REASON_RESOURCE_BUSY
	}
	return sdk.NewError(reason, sdk.Violation(path, "is "+string(value.Name())))
}
