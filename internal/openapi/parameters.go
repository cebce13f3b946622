package openapi

import (
	"net/http"
	"regexp"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

var pathVariable = regexp.MustCompile(`\{([^}]+)\}`)

// pathVariables are the names in braces of a pattern.
func pathVariables(pattern string) map[string]bool {
	names := map[string]bool{}
	for _, match := range pathVariable.FindAllStringSubmatch(pattern, -1) {
		names[match[1]] = true
	}
	return names
}

// parameters of one route: headers, path, and the query where the request has
// no body.
func (b *builder) parameters(method *contract.Method, route contract.Route, sample map[string]any) []any {
	list := []any{refTo("parameters", "AcceptLanguage")}
	if method.IsWrite() {
		list = append(list, refTo("parameters", "IdempotencyKey"))
	}
	inPath := pathVariables(route.Pattern)
	input := method.Descriptor.Input()
	needed := b.sampler.required(input)
	for i := range input.Fields().Len() {
		field := input.Fields().Get(i)
		name := string(field.Name())
		switch {
		case inPath[name]:
			list = append(list, b.parameter(field, "path", name, true, sample[name]))
		case !hasBody(method, route):
			list = append(list, b.queryParameters(field, "", needed[field.Name()], sample)...)
		}
	}
	if method.IsWrite() {
		options := (&apiv1.WriteOptions{}).ProtoReflect().Descriptor()
		for i := range options.Fields().Len() {
			if name := string(options.Fields().Get(i).Name()); !hasField(input, name) {
				list = append(list, refTo("parameters", name))
			}
		}
	}
	return list
}

// queryParameters are one for a scalar or list, and one for each member of a
// message, with dots between the names; maps have no query form.
func (b *builder) queryParameters(field protoreflect.FieldDescriptor, prefix string, required bool, sample map[string]any) []any {
	name := string(field.Name())
	example := sample[name]
	message := field.Message()
	if message == nil || message.FullName() == "google.protobuf.Timestamp" {
		return []any{b.parameter(field, "query", prefix+name, required, example)}
	}
	if field.IsMap() || field.IsList() || prefix != "" {
		return nil
	}
	members, _ := example.(map[string]any)
	needed := b.sampler.required(message)
	var list []any
	for i := range message.Fields().Len() {
		member := message.Fields().Get(i)
		list = append(list, b.queryParameters(member, name+".", required && needed[member.Name()], members)...)
	}
	return list
}

func (b *builder) parameter(field protoreflect.FieldDescriptor, in, name string, required bool, example any) *object {
	p := obj("name", name, "in", in)
	p.setText("description", Comment(field))
	if required {
		p.set("required", true)
	}
	schema := b.schemas.fieldType(field)
	if field.IsList() {
		p.set("style", "form").set("explode", true)
	}
	p.set("schema", schema)
	if example != nil {
		p.set("example", example)
	}
	addFieldRule(p, contract.FieldRule(field))
	return p
}

// hasBody tells whether the fields of the request travel in a body.
func hasBody(method *contract.Method, route contract.Route) bool {
	return method.IsWrite() && route.Method != http.MethodDelete
}

// sharedParameters are those that components/parameters holds.
func (b *builder) sharedParameters() map[string]any {
	shared := map[string]any{
		"AcceptLanguage": obj("name", "Accept-Language", "in", "header",
			"description", "Language of messages: zh (default) or en.",
			"schema", obj("type", "string"), "example", "zh-CN"),
		"IdempotencyKey": obj("name", "Idempotency-Key", "in", "header",
			"description", "The same key and the same message give the same answer for 24 hours; another message is refused. Same as request_id.",
			"schema", obj("type", "string", "maxLength", 128, "pattern", `^[\x21-\x7e]*$`), "example", "create-newsroom-01"),
	}
	for i := range b.writeOptions.Fields().Len() {
		field := b.writeOptions.Fields().Get(i)
		shared[string(field.Name())] = b.parameter(field, "query", string(field.Name()), false, nil)
	}
	return shared
}
