package main

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

type tagged interface{ GetTags() map[string]string }

// hideMarker takes the marker out of the resources of an answer. What the
// driver does not own belongs to the embedded cloud and is copied first.
func hideMarker(answer proto.Message, own bool) {
	m := answer.ProtoReflect()
	if f := resourceField(answer); f != nil && m.Has(f) {
		if clean, changed := withoutMarker(m.Get(f).Message(), own); changed {
			m.Set(f, protoreflect.ValueOfMessage(clean))
		}
	}
	if f := itemsField(answer); f != nil && m.Has(f) {
		items := m.Mutable(f).List()
		for i := range items.Len() {
			if clean, changed := withoutMarker(items.Get(i).Message(), own); changed {
				items.Set(i, protoreflect.ValueOfMessage(clean))
			}
		}
	}
}

func withoutMarker(m protoreflect.Message, own bool) (protoreflect.Message, bool) {
	t, ok := m.Interface().(tagged)
	if !ok || t.GetTags()[markerTag] == "" {
		return m, false
	}
	if !own {
		m = proto.Clone(m.Interface()).ProtoReflect()
	}
	tags := m.Mutable(m.Descriptor().Fields().ByName("tags")).Map()
	tags.Clear(protoreflect.ValueOfString(markerTag).MapKey())
	return m, true
}

// resourceField is the field of a get's answer that holds the resource: its
// first, if that is one message. Nil in other answers.
func resourceField(answer proto.Message) protoreflect.FieldDescriptor {
	return firstField(answer, false)
}

// itemsField is the field of a list's answer that holds the resources. Nil in other answers.
func itemsField(answer proto.Message) protoreflect.FieldDescriptor {
	return firstField(answer, true)
}

func firstField(answer proto.Message, list bool) protoreflect.FieldDescriptor {
	fields := answer.ProtoReflect().Descriptor().Fields()
	if fields.Len() == 0 {
		return nil
	}
	f := fields.Get(0)
	if f.Message() == nil || f.IsMap() || f.IsList() != list {
		return nil
	}
	return f
}

// splitMethod takes "/a.b.Service/Method" apart.
func splitMethod(fullMethod string) (service, method string) {
	service, method, _ = strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	return service, method
}
