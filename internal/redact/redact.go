// Package redact shows messages without their secrets: the fields that the
// contract marks debug_redact.
package redact

import (
	"bytes"
	"encoding/json"
	"fmt"

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

// JSON is a message without secrets as compact JSON, of at most limit bytes. Where it
// is longer the longest members give way to how long they were, so that the text
// stays JSON and tells what fits.
func JSON(m proto.Message, limit int) string {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(Message(m))
	if err != nil {
		return `{"error":"not encodable"}`
	}
	if len(text) <= limit {
		return string(text)
	}
	if text = shorten(text, limit); len(text) <= limit {
		return string(text)
	}
	return string(leftOut(len(text)))
}

const leftOutPrefix = `{"left_out_bytes":`

func leftOut(length int) []byte { return fmt.Appendf(nil, leftOutPrefix+"%d}", length) }

// shorten takes the longest members out of an object, or out of the object that its
// longest member is, until it has at most limit bytes or nothing more can go.
func shorten(text []byte, limit int) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return leftOut(len(text))
	}
	for {
		out, err := json.Marshal(members)
		if err != nil {
			return leftOut(len(text))
		}
		over := len(out) - limit
		longest := ""
		for name := range members {
			if longest == "" || len(members[name]) > len(members[longest]) {
				longest = name
			}
		}
		value := members[longest]
		switch note := leftOut(len(value)); {
		case over <= 0 || len(value) <= len(note) || bytes.HasPrefix(value, []byte(leftOutPrefix)):
			return out
		case value[0] == '{' && len(value)-over > len(note):
			if members[longest] = shorten(value, len(value)-over); len(members[longest]) >= len(value) {
				members[longest] = note
			}
		default:
			members[longest] = note
		}
	}
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
