package gyt345

import (
	"strconv"
	"strings"
)

// Message is a message in the form that we write, whatever form it was received in.
type Message struct {
	ID   string // msgId
	Type Type   // msgType
	Time int64  // msgTime, milliseconds since 1970
	// Data is msgData: members in the order of the standard's tables, each in the form
	// of its table. Members that the tables do not have are only in the raw body.
	Data Value
}

// Record names the series or program that an injection or delete is about.
func (m *Message) Record() string {
	v, _ := m.Data.Member(m.Type.table().id)
	return v.Text
}

// Records are the ids that an offline message is about.
func (m *Message) Records() []string {
	v, _ := m.Data.Member(m.Type.table().id)
	if v.Kind == String {
		return strings.Split(v.Text, ",")
	}
	ids := make([]string, len(v.Items))
	for i, item := range v.Items {
		ids[i] = item.Text
	}
	return ids
}

// NewOffline makes the message that takes series or programs offline, in the form of
// its type.
func NewOffline(t Type, id string, millis int64, records []string) *Message {
	m := &Message{ID: id, Type: t, Time: millis}
	if t.Interface() == InterfaceSeriesOffline || t.Interface() == InterfaceEmergencySeriesOffline {
		m.Data = object(Member{"seriesIds", text(strings.Join(records, ","))})
		return m
	}
	list := Value{Kind: Array}
	for _, r := range records {
		list.Items = append(list.Items, text(r))
	}
	m.Data = object(Member{"programIds", list})
	return m
}

// Body is the message as JSON with a given msgSign.
func (m *Message) Body(msgSign string) []byte {
	return appendOrdered(nil, object(
		Member{"msgId", text(m.ID)}, Member{"msgType", integer(int64(m.Type))}, Member{"msgTime", integer(m.Time)},
		Member{signMember, text(msgSign)}, Member{"msgData", m.Data},
	))
}

// unsigned is the body without msgSign.
func (m *Message) unsigned() Value {
	return object(
		Member{"msgId", text(m.ID)}, Member{"msgType", integer(int64(m.Type))}, Member{"msgTime", integer(m.Time)},
		Member{"msgData", m.Data},
	)
}

// Canonical is the text that msgSign of Body is made over.
func (m *Message) Canonical() []byte { return Canonical(m.unsigned()) }

// JSON writes the value with its members in their order.
func (v Value) JSON() []byte { return appendOrdered(make([]byte, 0, usualBody), v) }

// Scalar is the text of a string, number or boolean; empty for others.
func (v Value) Scalar() string {
	switch v.Kind {
	case String:
		return v.Text
	case Integer:
		return strconv.FormatInt(v.Integer, 10)
	case Bool:
		return strconv.FormatBool(v.Bool)
	default:
		return ""
	}
}
