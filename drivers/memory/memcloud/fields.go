package memcloud

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

func field(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

func setString(m proto.Message, name protoreflect.Name, value string) {
	if f := field(m, name); f != nil {
		m.ProtoReflect().Set(f, protoreflect.ValueOfString(value))
	}
}

func setTime(m proto.Message, name protoreflect.Name, t *timestamppb.Timestamp) {
	if f := field(m, name); f != nil {
		m.ProtoReflect().Set(f, protoreflect.ValueOfMessage(t.ProtoReflect()))
	}
}

func nameOf(m proto.Message) string {
	if named, ok := m.(interface{ GetName() string }); ok {
		return named.GetName()
	}
	return ""
}

// fill copies the fields of a create or update request into the resource that
// has fields of the same name. What the gateway keeps and what it chains never
// reaches a cloud, and the id is the cloud's own to give.
func fill(resource, request proto.Message) {
	to := resource.ProtoReflect()
	fields := to.Descriptor().Fields()
	request.ProtoReflect().Range(func(from protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		target := fields.ByName(from.Name())
		rule := contract.FieldRule(from)
		if target == nil || from.Name() == "id" || rule.GetGateway() || rule.GetChain() != nil {
			return true
		}
		switch inner := wrapped(from, target); {
		case inner != nil:
			to.Set(target, cloned(to, target, value.Message().Get(inner)))
		case sameShape(from, target):
			to.Set(target, cloned(to, target, value))
		}
		return true
	})
}

// wrapped finds the list or map inside a message that exists only so that the
// list or map can be absent: StringList, StringMap and their like.
func wrapped(from, target protoreflect.FieldDescriptor) protoreflect.FieldDescriptor {
	if from.Message() == nil || from.IsList() || from.IsMap() || !(target.IsList() || target.IsMap()) {
		return nil
	}
	fields := from.Message().Fields()
	if fields.Len() == 1 && sameShape(fields.Get(0), target) {
		return fields.Get(0)
	}
	return nil
}

func sameShape(a, b protoreflect.FieldDescriptor) bool {
	if a.Kind() != b.Kind() || a.IsList() != b.IsList() || a.IsMap() != b.IsMap() {
		return false
	}
	return a.Message() == nil || a.IsMap() || a.Message().FullName() == b.Message().FullName()
}

// cloned copies lists, maps and messages, so that a record never shares
// anything with a request.
func cloned(to protoreflect.Message, target protoreflect.FieldDescriptor, value protoreflect.Value) protoreflect.Value {
	switch {
	case target.IsList():
		list := to.NewField(target)
		for i := range value.List().Len() {
			e := value.List().Get(i)
			if target.Message() != nil {
				e = protoreflect.ValueOfMessage(proto.Clone(e.Message().Interface()).ProtoReflect())
			}
			list.List().Append(e)
		}
		return list
	case target.IsMap():
		m := to.NewField(target)
		value.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
			m.Map().Set(k, e)
			return true
		})
		return m
	case target.Message() != nil:
		return protoreflect.ValueOfMessage(proto.Clone(value.Message().Interface()).ProtoReflect())
	default:
		return value
	}
}
