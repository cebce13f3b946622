package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Validate checks requests and write options against the rules of the contract,
// all of which are compiled now.
func Validate(c *contract.Contract) (Middleware, error) {
	messages := []proto.Message{&apiv1.WriteOptions{}}
	for _, m := range c.Methods {
		messages = append(messages, m.Input.Zero().Interface())
	}
	validator, err := protovalidate.New(protovalidate.WithMessages(messages...), protovalidate.WithDisableLazy())
	if err != nil {
		return nil, fmt.Errorf("compile validation rules: %w", err)
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			problems, err := violations(validator, call.Request)
			if err != nil {
				return nil, err
			}
			if call.Method.IsWrite() {
				more, err := violations(validator, call.Options)
				if err != nil {
					return nil, err
				}
				problems = slices.Concat(problems, more, callbackProblems(call.Options), emptyUpdate(call))
			}
			if len(problems) > 0 {
				return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, problems...)
			}
			return next(ctx, call)
		}
	}, nil
}

func violations(validator protovalidate.Validator, message proto.Message) ([]sdk.ErrorOption, error) {
	err := validator.Validate(message)
	if err == nil {
		return nil, nil
	}
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return nil, fmt.Errorf("validate %s: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	var problems []sdk.ErrorOption
	for _, v := range invalid.Violations {
		path := protovalidate.FieldPathString(v.Proto.GetField())
		if path == "" {
			path = "body"
		}
		text := v.Proto.GetMessage()
		if text == "" {
			text = "breaks the rule " + v.Proto.GetRuleId()
		}
		problems = append(problems, sdk.Violation(path, text))
	}
	return problems, nil
}

// emptyUpdate reports an update that changes nothing.
func emptyUpdate(call *Call) []sdk.ErrorOption {
	if call.Method.Kind != apiv1.Kind_KIND_UPDATE {
		return nil
	}
	message := call.Request.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); string(field.Name()) != call.Method.IDField && message.Has(field) {
			return nil
		}
	}
	return []sdk.ErrorOption{sdk.Violation("body", "names nothing to change")}
}
