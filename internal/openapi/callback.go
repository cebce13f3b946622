package openapi

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// finishedMethod is the rpc whose answer a callback carries.
const finishedMethod = "cloud.operation.v1.OperationService/GetOperation"

// callbacks are what the gateway posts when an operation has ended, by where
// the request named the address.
func (b *builder) callbacks() (map[string]any, error) {
	getter := b.contract.Method(finishedMethod)
	if getter == nil {
		return nil, fmt.Errorf("the contract has no %s", finishedMethod)
	}
	sample, err := b.sampler.answer(getter)
	if err != nil {
		return nil, err
	}
	setSucceeded(sample)
	data, err := encode(sample, true)
	if err != nil {
		return nil, err
	}
	output := getter.Descriptor.Output()
	post := func(id string) *object {
		return obj("post", obj(
			"operationId", id,
			"summary", "The finished operation is posted to callback_url.",
			"requestBody", obj("required", true, "content", obj("application/json", obj(
				"schema", envelope(obj("type", "integer", "format", "int32",
					"description", "0: the operation succeeded; else the code of its error."), b.schemas.message(output)),
				"example", sampleEnvelope(inFieldOrder(data, output))))),
			"responses", obj("2XX", obj("description", "Received."))))
	}
	return map[string]any{
		"OperationFinished":        obj("{$request.body#/callback_url}", post("operationFinished")),
		"OperationFinishedByQuery": obj("{$request.query.callback_url}", post("operationFinishedByQuery")),
	}, nil
}

// setSucceeded makes the sample an operation that has ended well.
func setSucceeded(answer *dynamicpb.Message) {
	field := answer.Descriptor().Fields().ByName("operation")
	operation := answer.Mutable(field).Message()
	status := field.Message().Fields().ByName("status")
	succeeded := status.Enum().Values().ByName("OPERATION_STATUS_SUCCEEDED")
	operation.Set(status, protoreflect.ValueOfEnum(succeeded.Number()))
	operation.Clear(field.Message().Fields().ByName("cancellable"))
}
