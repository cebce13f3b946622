package drivertest

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// text is a string field, or empty where the message has no such field.
func text(m protoreflect.Message, name protoreflect.Name) string {
	f := m.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.Get(f).String()
}

// setText sets a string field where the message has it.
func setText(m protoreflect.Message, name protoreflect.Name, value string) bool {
	f := m.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return false
	}
	m.Set(f, protoreflect.ValueOfString(value))
	return true
}

// number is an int32 field, or 0 where the message has no such field.
func number(m protoreflect.Message, name protoreflect.Name) int32 {
	f := m.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.Int32Kind || f.IsList() {
		return 0
	}
	return int32(m.Get(f).Int())
}

// resourceOf is the resource of a get's answer, or nil.
func resourceOf(answer proto.Message) protoreflect.Message {
	m := answer.ProtoReflect()
	fields := m.Descriptor().Fields()
	if fields.Len() == 0 || fields.Get(0).Message() == nil || fields.Get(0).IsList() || !m.Has(fields.Get(0)) {
		return nil
	}
	return m.Get(fields.Get(0)).Message()
}

// itemsOf are the resources of a list's answer.
func itemsOf(answer proto.Message) []protoreflect.Message {
	m := answer.ProtoReflect()
	fields := m.Descriptor().Fields()
	if fields.Len() == 0 || fields.Get(0).Message() == nil || !fields.Get(0).IsList() {
		return nil
	}
	list := m.Get(fields.Get(0)).List()
	items := make([]protoreflect.Message, list.Len())
	for i := range items {
		items[i] = list.Get(i).Message()
	}
	return items
}

// stateOf is the value and the phase of the state field. ok is false for a
// resource without states.
func stateOf(resource protoreflect.Message) (value protoreflect.EnumValueDescriptor, phase apiv1.Phase, ok bool) {
	f := resource.Descriptor().Fields().ByName("state")
	if f == nil || f.Enum() == nil {
		return nil, 0, false
	}
	value = f.Enum().Values().ByNumber(resource.Get(f).Enum())
	return value, contract.Phase(value), true
}

// eachField visits every set field of a message and of those within.
func eachField(m protoreflect.Message, visit func(in protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value)) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		visit(m, f, v)
		switch {
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				eachField(v.List().Get(i).Message(), visit)
			}
		default:
			eachField(v.Message(), visit)
		}
		return true
	})
}

// fit takes out of a request what the gateway would not pass to a driver: its
// own fields, and fields whose feature is not declared. It returns the features
// that the rest needs.
func fit(request protoreflect.Message, declared func(feature string) bool) []string {
	var features []string
	type place struct {
		in protoreflect.Message
		f  protoreflect.FieldDescriptor
	}
	var out []place
	eachField(request, func(in protoreflect.Message, f protoreflect.FieldDescriptor, _ protoreflect.Value) {
		needed := contract.FeaturesNeeded(in, f)
		lacks := slices.ContainsFunc(needed, func(feature string) bool { return !declared(feature) })
		if lacks || contract.FieldRule(f).GetGateway() {
			out = append(out, place{in, f})
			return
		}
		features = append(features, needed...)
	})
	for _, p := range out {
		p.in.Clear(p.f)
	}
	return features
}

// withoutRedacted is a copy without the fields that may hold secrets.
func withoutRedacted(m proto.Message) proto.Message {
	copied := proto.Clone(m)
	type place struct {
		in protoreflect.Message
		f  protoreflect.FieldDescriptor
	}
	var out []place
	eachField(copied.ProtoReflect(), func(in protoreflect.Message, f protoreflect.FieldDescriptor, _ protoreflect.Value) {
		if contract.IsSecret(f) {
			out = append(out, place{in, f})
		}
	})
	for _, p := range out {
		p.in.Clear(p.f)
	}
	return copied
}
