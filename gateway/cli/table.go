package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func printJSON(w io.Writer, data json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}

// printTable shows an answer to people: lists as rows, single messages as lines.
func printTable(w io.Writer, answer protoreflect.Message) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if list := mainList(answer); list != nil {
		writeRows(t, list.Message(), answer.Get(list).List())
		if err := t.Flush(); err != nil {
			return err
		}
		return writeNotes(w, answer)
	}
	fields := answer.Descriptor().Fields()
	if fields.Len() == 1 && isOwnMessage(fields.Get(0)) && !fields.Get(0).IsList() {
		answer = answer.Get(fields.Get(0)).Message()
	}
	writeLines(t, "", answer)
	return t.Flush()
}

// mainList is the field with the things that a list returns: the first field, if
// it is a list of messages.
func mainList(answer protoreflect.Message) protoreflect.FieldDescriptor {
	if fields := answer.Descriptor().Fields(); fields.Len() > 0 && fields.Get(0).IsList() && isOwnMessage(fields.Get(0)) {
		return fields.Get(0)
	}
	return nil
}

func isOwnMessage(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && !f.IsMap() && f.Message().ParentFile().Package() != "google.protobuf"
}

// maxColumns keeps a row on a screen; --output json has everything.
const maxColumns = 8

// dull fields are left out of rows: the id says the account, the rest is for
// single answers.
var dull = []protoreflect.Name{
	"account_id", "description", "tenant_id", "owner_id", "actor_id", "permission", "credential", "provider_state", "state_reason", "state_message",
	"region_id", "host_name", "updated_at", "observed_at", "request_id", "idempotency_key", "callback_url", "parent_id", "resource_type",
}

// chosen are the columns of rows whose first fields are not what one looks for.
var chosen = map[protoreflect.FullName][]protoreflect.Name{
	"cloud.program.v1.Message":       {"id", "at", "group_id", "message_id", "message_type", "outcome", "code", "cause"},
	"cloud.program.v1.PartnerKey":    {"id", "use", "fingerprint", "created_at", "valid_until", "public_key"},
	"cloud.program.v1.PlayLocation":  {"video_id", "cdn", "nodes", "problem"},
	"cloud.program.v1.PlayProbe":     {"video_id", "playable", "format", "resolution", "bitrate_kbps", "problems"},
	"cloud.program.v1.Record":        {"id", "group_id", "record_id", "title", "definition", "online", "online_since", "locked"},
	"cloud.program.v1.RecordVersion": {"version", "at", "cause", "message_id", "status", "online", "locked", "changes"},
}

// columnsOf are the fields that rows show.
func columnsOf(message protoreflect.MessageDescriptor, list protoreflect.List) []protoreflect.FieldDescriptor {
	var columns []protoreflect.FieldDescriptor
	for _, name := range chosen[message.FullName()] {
		if f := message.Fields().ByName(name); f.Kind() == protoreflect.BoolKind || !alwaysEmpty(f, list) {
			columns = append(columns, f)
		}
	}
	if columns != nil {
		return columns
	}
	for i := range message.Fields().Len() {
		f := message.Fields().Get(i)
		scalar := !f.IsList() && !f.IsMap() && !isOwnMessage(f) && f.Kind() != protoreflect.BoolKind
		if scalar && !slices.Contains(dull, f.Name()) && !alwaysEmpty(f, list) && len(columns) < maxColumns {
			columns = append(columns, f)
		}
	}
	return columns
}

func writeRows(w io.Writer, message protoreflect.MessageDescriptor, list protoreflect.List) {
	columns := columnsOf(message, list)
	var header []string
	for _, f := range columns {
		header = append(header, strings.ToUpper(string(f.Name())))
	}
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for i := range list.Len() {
		var row []string
		for _, f := range columns {
			row = append(row, cell(list.Get(i).Message(), f))
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
}

func alwaysEmpty(f protoreflect.FieldDescriptor, list protoreflect.List) bool {
	for i := range list.Len() {
		if list.Get(i).Message().Has(f) {
			return false
		}
	}
	return list.Len() > 0
}

// writeNotes tells what a list has beside its rows.
func writeNotes(w io.Writer, answer protoreflect.Message) error {
	var notes strings.Builder
	fields := answer.Descriptor().Fields()
	if f := fields.ByName("unreachable"); f != nil {
		for i := range answer.Get(f).List().Len() {
			fmt.Fprintf(&notes, "not asked: %s\n", text(answer.Get(f).List().Get(i).Message()))
		}
	}
	if f := fields.ByName("next_page_token"); f != nil && answer.Has(f) {
		fmt.Fprintf(&notes, "there is more: page_token=%s\n", answer.Get(f).String())
	}
	_, err := io.WriteString(w, notes.String())
	return err
}

// writeLines writes one field a line, those that are set.
func writeLines(w io.Writer, prefix string, m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if m.Has(f) {
			fmt.Fprintf(w, "%s%s\t%s\n", prefix, f.Name(), cell(m, f))
		}
	}
}

// cell is a field's value on one line.
func cell(m protoreflect.Message, f protoreflect.FieldDescriptor) string {
	if !m.Has(f) && f.Message() == nil && f.Kind() != protoreflect.Int32Kind && f.Kind() != protoreflect.BoolKind {
		return ""
	}
	v := m.Get(f)
	switch {
	case f.IsMap():
		var pairs []string
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			pairs = append(pairs, k.String()+"="+v.String())
			return true
		})
		slices.Sort(pairs)
		return strings.Join(pairs, " ")
	case f.IsList():
		var items []string
		for i := range v.List().Len() {
			items = append(items, scalarText(f, v.List().Get(i)))
		}
		return strings.Join(items, separator(f))
	case f.Message() != nil && !m.Has(f):
		return ""
	default:
		return scalarText(f, v)
	}
}

// separator stands between the items of a list: those that are sentences have blanks.
func separator(f protoreflect.FieldDescriptor) string {
	if f.Name() == "problems" || f.Name() == "changes" {
		return "; "
	}
	return " "
}

func scalarText(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case f.Message() != nil && f.Message().FullName() == "cloud.program.v1.FieldChange":
		return changeText(v.Message())
	case f.Enum() != nil:
		return shortEnum(f.Enum(), v.Enum())
	case f.Message() != nil:
		return text(v.Message())
	default:
		return v.String()
	}
}

// shortEnum is a value's name without the prefix that all values have.
func shortEnum(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	value := enum.Values().ByNumber(number)
	if value == nil {
		return fmt.Sprint(number)
	}
	return strings.TrimPrefix(string(value.Name()), strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED"))
}

// maxValue keeps a changed value on a screen, in characters.
const maxValue = 40

// changeText is a difference between two versions of a record.
func changeText(m protoreflect.Message) string {
	value := func(name protoreflect.Name) string {
		text := []rune(m.Get(m.Descriptor().Fields().ByName(name)).String())
		if len(text) > maxValue {
			return string(text[:maxValue]) + "…"
		}
		return string(text)
	}
	return fmt.Sprintf("%s: %s → %s", value("field"), value("before"), value("after"))
}

// text is a message as compact JSON; a time is only its text.
func text(m protoreflect.Message) string {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m.Interface())
	if err != nil {
		return "?"
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil { // protojson varies its spaces
		return "?"
	}
	return strings.Trim(compact.String(), `"`)
}
