package edge

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// decodeQuery sets fields from query parameters. A list may be repeated or
// separated by commas ("\,": one in an item); anything unknown or doubled is a problem.
func decodeQuery(query url.Values, endpoint *endpoint, request, options protoreflect.Message, problems *problems) {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := query[name]
		target, field := request, request.Descriptor().Fields().ByName(protoreflect.Name(name))
		if field == nil && endpoint.method.IsWrite() {
			target, field = options, writeOptionFields[protoreflect.Name(name)]
		}
		switch {
		case field == nil:
			problems.add(name, "is no parameter of this interface")
		case field.IsMap() || field.Message() != nil && !isTime(field):
			problems.add(name, "cannot be given in the query")
		case contract.IsSecret(field):
			problems.add(name, "is a secret and must be given in the body: addresses are logged on their way")
		case target.Has(field):
			problems.add(name, "is given in the body and in the query")
		case field.IsList():
			setList(target, field, values, problems)
		case len(values) > 1:
			problems.add(name, "is given more than once")
		default:
			if value, ok := scalar(field, values[0], problems); ok {
				target.Set(field, value)
			}
		}
	}
}

func setList(target protoreflect.Message, field protoreflect.FieldDescriptor, values []string, problems *problems) {
	list := target.Mutable(field).List()
	for _, value := range values {
		for _, part := range contract.SplitList(value) {
			if v, ok := scalar(field, part, problems); ok {
				list.Append(v)
			}
		}
	}
}

func scalar(field protoreflect.FieldDescriptor, text string, problems *problems) (protoreflect.Value, bool) {
	name := string(field.Name())
	switch field.Kind() {
	case protoreflect.StringKind:
		if !utf8.ValidString(text) {
			problems.add(name, "is not valid UTF-8")
			return protoreflect.Value{}, false
		}
		return protoreflect.ValueOfString(text), true
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return protoreflect.ValueOfBool(text == "true"), true
		}
		problems.add(name, "must be true or false")
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err == nil {
			return protoreflect.ValueOfInt32(int32(n)), true
		}
		problems.add(name, "must be a whole number of 32 bits")
	case protoreflect.EnumKind:
		if value := enumValue(field.Enum(), text); value != nil {
			return protoreflect.ValueOfEnum(value.Number()), true
		}
		problems.add(name, "must be one of "+enumNames(field.Enum()))
	case protoreflect.BytesKind:
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			return protoreflect.ValueOfBytes(raw), true
		}
		problems.add(name, "must be base64")
	case protoreflect.MessageKind: // a time
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return protoreflect.ValueOfMessage(timestamppb.New(at).ProtoReflect()), true
		}
		problems.add(name, "must be a time such as 2026-01-31T08:00:00Z")
	default:
		problems.add(name, "cannot be given in the query")
	}
	return protoreflect.Value{}, false
}

// isTime tells whether a field holds one point in time.
func isTime(field protoreflect.FieldDescriptor) bool {
	return !field.IsList() && field.Message().FullName() == "google.protobuf.Timestamp"
}

// enumValue finds a value by its full name, or by the name without the enum's
// prefix in any case: "VM_STATE_RUNNING", "RUNNING", "cached".
func enumValue(enum protoreflect.EnumDescriptor, text string) protoreflect.EnumValueDescriptor {
	if value := enum.Values().ByName(protoreflect.Name(text)); value != nil {
		return value
	}
	return enum.Values().ByName(protoreflect.Name(enumPrefix(enum) + strings.ToUpper(text)))
}

// enumPrefix is what all values begin with: the first ends in "_UNSPECIFIED".
func enumPrefix(enum protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
}

func enumNames(enum protoreflect.EnumDescriptor) string {
	var names []string
	for i := 1; i < enum.Values().Len(); i++ {
		names = append(names, string(enum.Values().Get(i).Name()))
	}
	return strings.Join(names, ", ")
}
