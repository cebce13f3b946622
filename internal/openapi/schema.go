package openapi

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// schemas collects the messages and enums that the document refers to.
type schemas struct {
	sampler    *sampler
	components map[string]any
	answered   map[protoreflect.FullName]bool // messages that some answer contains
}

// componentName is the name without "cloud.": "compute.v1.Vm".
func componentName(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), "cloud.")
}

// markAnswered remembers a message and all that it contains as part of answers.
func (s *schemas) markAnswered(message protoreflect.MessageDescriptor) {
	if s.answered[message.FullName()] {
		return
	}
	s.answered[message.FullName()] = true
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if field.IsMap() {
			field = field.MapValue()
		}
		if field.Message() != nil {
			s.markAnswered(field.Message())
		}
	}
}

// message makes sure of the component and returns a reference to it.
func (s *schemas) message(message protoreflect.MessageDescriptor) *object {
	name := componentName(message)
	if _, ok := s.components[name]; !ok {
		s.components[name] = nil // ends recursion
		s.components[name] = s.messageSchema(message, nil)
	}
	return refTo("schemas", name)
}

// messageSchema is the schema of a message without the fields named in omit.
func (s *schemas) messageSchema(message protoreflect.MessageDescriptor, omit map[string]bool) *object {
	schema := obj("type", "object")
	schema.setText("description", Comment(message))
	properties := obj()
	var required []string
	needed := s.sampler.required(message)
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		name := string(field.Name())
		if omit[name] {
			continue
		}
		properties.set(name, s.field(field))
		if needed[field.Name()] {
			required = append(required, name)
		}
	}
	if !properties.empty() {
		schema.set("properties", properties)
	}
	if len(required) > 0 {
		schema.set("required", required)
	}
	texts := ruleTexts(messageRules(message).GetCel())
	for _, group := range messageRules(message).GetOneof() {
		word := "at most"
		if group.GetRequired() {
			word = "exactly"
		}
		texts = append(texts, fmt.Sprintf("%s one of %s", word, strings.Join(group.GetFields(), ", ")))
	}
	if len(texts) > 0 {
		schema.set("x-rules", texts)
	}
	return schema
}

// field is the schema of one field with its comment and extensions.
func (s *schemas) field(field protoreflect.FieldDescriptor) *object {
	schema := s.fieldType(field)
	schema.setText("description", Comment(field))
	if contract.IsSecret(field) {
		schema.set("x-secret", true)
		if !s.answered[field.ContainingMessage().FullName()] {
			schema.set("writeOnly", true)
		}
	}
	addFieldRule(schema, contract.FieldRule(field))
	return schema
}

func addFieldRule(schema *object, rule *apiv1.FieldRule) {
	if params := rule.GetGyt355Params(); len(params) > 0 {
		schema.set("x-gyt355-param", params)
	}
	schema.setText("x-ref", rule.GetRef())
	schema.setText("x-feature", rule.GetFeature())
	schema.setText("x-permission", rule.GetPermission())
}

func (s *schemas) fieldType(field protoreflect.FieldDescriptor) *object {
	rules := fieldRules(field)
	switch {
	case field.IsMap():
		values := s.value(field.MapValue())
		applyScalar(values, rules.GetMap().GetValues())
		schema := obj("type", "object", "additionalProperties", values)
		applyMap(schema, rules.GetMap())
		return schema
	case field.IsList():
		items := s.value(field)
		applyScalar(items, rules.GetRepeated().GetItems())
		schema := obj("type", "array", "items", items)
		applyRepeated(schema, rules.GetRepeated())
		return schema
	default:
		schema := s.value(field)
		applyScalar(schema, rules)
		if refused := refusedNames(field, rules.GetEnum().GetNotIn()); len(refused) > 0 {
			schema.set("not", obj("enum", refused))
		}
		return schema
	}
}

func refusedNames(field protoreflect.FieldDescriptor, numbers []int32) []string {
	var names []string
	for _, number := range numbers {
		if value := field.Enum().Values().ByNumber(protoreflect.EnumNumber(number)); value != nil {
			names = append(names, string(value.Name()))
		}
	}
	return names
}

// value is the schema of one value of a field, whatever its cardinality.
// Source of the JSON forms: protobuf's ProtoJSON format.
func (s *schemas) value(field protoreflect.FieldDescriptor) *object {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return obj("type", "boolean")
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return obj("type", "integer", "format", "int32")
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return obj("type", "integer", "minimum", 0)
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return obj("type", "number", "format", "double")
	case protoreflect.BytesKind:
		return obj("type", "string", "contentEncoding", "base64")
	case protoreflect.EnumKind:
		return s.enum(field.Enum())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return s.messageValue(field.Message())
	default: // string, and the 64-bit integers that JSON shows as strings
		return obj("type", "string")
	}
}

func (s *schemas) messageValue(message protoreflect.MessageDescriptor) *object {
	switch message.FullName() {
	case "google.protobuf.Timestamp":
		return obj("type", "string", "format", "date-time")
	case "google.protobuf.Duration":
		return obj("type", "string", "pattern", `^-?[0-9]+(\.[0-9]{1,9})?s$`)
	case "google.protobuf.Struct":
		return obj("type", "object")
	case "google.protobuf.Value":
		return obj()
	default:
		return s.message(message)
	}
}

func (s *schemas) enum(enum protoreflect.EnumDescriptor) *object {
	name := componentName(enum)
	if _, ok := s.components[name]; !ok {
		s.components[name] = enumSchema(enum)
	}
	return refTo("schemas", name)
}

func enumSchema(enum protoreflect.EnumDescriptor) *object {
	var names []string
	meanings, phases := obj(), obj()
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		names = append(names, string(value.Name()))
		meanings.set(string(value.Name()), Comment(value))
		if phase := contract.Phase(value); phase != apiv1.Phase_PHASE_UNSPECIFIED {
			phases.set(string(value.Name()), strings.TrimPrefix(phase.String(), "PHASE_"))
		}
	}
	schema := obj("type", "string", "enum", names)
	schema.setText("description", Comment(enum))
	schema.set("x-enum-descriptions", meanings)
	if !phases.empty() {
		schema.set("x-phases", phases)
	}
	return schema
}
