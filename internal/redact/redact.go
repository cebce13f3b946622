// Package redact shows messages without their secrets: the fields that the
// contract marks debug_redact.
package redact

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

const mask = "******"

// Message is a copy without secrets.
func Message(m proto.Message) proto.Message {
	clean := proto.Clone(m)
	clear(clean.ProtoReflect())
	return clean
}

// JSON is a message without secrets as compact JSON, cut to at most limit bytes;
// what is cut is replaced whole, so that the text stays JSON.
func JSON(m proto.Message, limit int) string {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(Message(m))
	if err != nil {
		return `{"error":"not encodable"}`
	}
	if len(text) <= limit {
		return string(text)
	}
	note, err := json.Marshal(map[string]int{"left_out_bytes": len(text)})
	if err != nil {
		return "{}"
	}
	return string(note)
}

func clear(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case contract.IsSecret(field):
			hide(m, field)
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					clear(v.Message())
					return true
				})
			}
		case field.Message() != nil && field.IsList():
			for i := range value.List().Len() {
				clear(value.List().Get(i).Message())
			}
		case field.Message() != nil:
			clear(value.Message())
		}
		return true
	})
}

// hide shows that a secret was there, and of a map its keys.
func hide(m protoreflect.Message, field protoreflect.FieldDescriptor) {
	switch {
	case field.IsMap() && field.MapValue().Kind() == protoreflect.StringKind:
		entries := m.Mutable(field).Map()
		entries.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
			entries.Set(key, protoreflect.ValueOfString(mask))
			return true
		})
	case field.Kind() == protoreflect.StringKind && !field.IsList():
		m.Set(field, protoreflect.ValueOfString(mask))
	default:
		m.Clear(field)
	}
}
