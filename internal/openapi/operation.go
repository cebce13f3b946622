package openapi

import (
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// addMethod adds all routes of an rpc to the paths.
func (b *builder) addMethod(method *contract.Method, paths map[string]any) error {
	request, err := b.sampler.request(method)
	if err != nil {
		return err
	}
	sample, err := encode(request, false)
	if err != nil {
		return err
	}
	if err := b.addResponses(method); err != nil {
		return err
	}
	for i, route := range method.Routes {
		if i > 0 && route == method.Routes[0] {
			continue
		}
		item, ok := paths[route.Pattern].(*object)
		if !ok {
			item = obj()
			paths[route.Pattern] = item
		}
		verb := strings.ToLower(route.Method)
		if item.has(verb) {
			return fmt.Errorf("route %s %s belongs to two rpcs", route.Method, route.Pattern)
		}
		item.set(verb, b.operation(method, route, i > 0, sample))
	}
	return nil
}

func (b *builder) operation(method *contract.Method, route contract.Route, rest bool, sample map[string]any) *object {
	comment := Comment(method.Descriptor)
	name := string(method.Descriptor.Name())
	id := name
	if rest {
		id += "Rest"
	}
	op := obj("operationId", id, "tags", []string{tagName(method)})
	op.setText("summary", FirstSentence(comment))
	op.setText("description", comment)
	op.set("x-rpc", method.FullName)
	op.set("x-permission", method.Permission)
	op.set("x-resource-type", method.ResourceType)
	if len(method.Rows) > 0 {
		op.set("x-gyt355-rows", method.Rows)
	}
	if b.isAsync(method) {
		op.set("x-timeout-seconds", method.Timeout)
	}
	op.set("parameters", b.parameters(method, route, sample))
	if hasBody(method, route) {
		op.set("requestBody", b.requestBody(method, route, sample))
	}
	responses := obj("200", refTo("responses", name))
	if b.isAsync(method) {
		responses.set("202", refTo("responses", name+".Accepted"))
	}
	addErrors(responses, comment, b.reasons)
	op.set("responses", responses)
	if b.isAsync(method) {
		key := "OperationFinished"
		if !hasBody(method, route) {
			key = "OperationFinishedByQuery"
		}
		op.set("callbacks", obj("operationFinished", refTo("callbacks", key)))
	}
	return op
}

func tagName(method *contract.Method) string { return method.Service + "/" + method.Resource }

// isAsync tells whether a write is recorded as an operation.
func (b *builder) isAsync(method *contract.Method) bool {
	return method.IsWrite() && !method.Module && hasField(method.Descriptor.Output(), "operation_id")
}

// requestBody is the request message without what the path holds, and the
// write options.
func (b *builder) requestBody(method *contract.Method, route contract.Route, sample map[string]any) *object {
	input := method.Descriptor.Input()
	inPath := pathVariables(route.Pattern)
	schema := obj("allOf", []any{b.schemas.message(input), refTo("schemas", componentName(b.writeOptions))})
	example := map[string]any{}
	for name, value := range sample {
		if !inPath[name] {
			example[name] = value
		}
	}
	required := len(b.sampler.required(input)) > 0
	if len(inPath) > 0 {
		name := componentName(input) + "Body"
		b.schemas.components[name] = b.schemas.messageSchema(input, inPath)
		schema = obj("allOf", []any{refTo("schemas", name), refTo("schemas", componentName(b.writeOptions))})
		required = b.schemas.components[name].(*object).has("required")
	}
	body := obj("content", obj("application/json", obj("schema", schema, "example", inFieldOrder(example, input))))
	if required {
		body.set("required", true)
	}
	return body
}

// addResponses adds the answers of an rpc to the components; all its routes
// refer to them.
func (b *builder) addResponses(method *contract.Method) error {
	answer, err := b.sampler.answer(method)
	if err != nil {
		return err
	}
	data, err := encode(answer, true)
	if err != nil {
		return err
	}
	output := method.Descriptor.Output()
	name := string(method.Descriptor.Name())
	schema := envelope(successCode(), b.schemas.message(output))
	b.responses[name] = jsonResponse("Success.", schema, sampleEnvelope(inFieldOrder(data, output)))
	if !b.isAsync(method) {
		return nil
	}
	accepted := obj("operation_id", sampleUUID)
	if hasField(output, "operation_status") {
		accepted.set("operation_status", "OPERATION_STATUS_PENDING")
	}
	b.responses[name+".Accepted"] = jsonResponse(
		"Recorded; the cloud's answer is not known yet. The operation tells the end.", schema, sampleEnvelope(accepted))
	return nil
}

func jsonResponse(description string, schema, example any) *object {
	return obj("description", description, "content", obj("application/json", obj("schema", schema, "example", example)))
}

func successCode() *object {
	return obj("type", "integer", "const", 0, "description", "0: success.")
}

// envelope is what every answer is wrapped in.
func envelope(code, data *object) *object {
	return obj("type", "object", "required", []string{"code", "message", "data", "request_id"}, "properties", obj(
		"code", code,
		"message", obj("type", "string", "description", "The outcome in words, in the caller's language."),
		"data", data,
		"request_id", obj("type", "string", "description", "Id of the request, for support and logs."),
	))
}

func sampleEnvelope(data any) *object {
	return obj("code", 0, "message", "成功", "data", data, "request_id", sampleUUID)
}
