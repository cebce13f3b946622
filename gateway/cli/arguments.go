package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// arguments collects key=value arguments in the messages of one call.
type arguments struct {
	request protoreflect.Message
	options protoreflect.Message // of writes; nil for reads
	getenv  func(string) string
	stdin   io.Reader
}

func newArguments(m *contract.Method, env *environment) *arguments {
	a := &arguments{request: m.Input.New(), getenv: env.getenv, stdin: env.stdin}
	if m.IsWrite() {
		a.options = (&apiv1.WriteOptions{}).ProtoReflect()
	}
	return a
}

// set takes one argument: "name=value", where the name is a path into the request
// ("tags.env", "boot_disk.size_gib", "nics.0.subnet_id").
func (a *arguments) set(argument string) error {
	path, text, ok := strings.Cut(argument, "=")
	if !ok || path == "" {
		return fmt.Errorf("%q is not key=value", argument)
	}
	target := a.request
	name, _, _ := strings.Cut(path, ".")
	if a.options != nil && target.Descriptor().Fields().ByName(protoreflect.Name(name)) == nil &&
		a.options.Descriptor().Fields().ByName(protoreflect.Name(name)) != nil {
		target = a.options
	}
	if err := a.setPath(target, strings.Split(path, "."), text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (a *arguments) setPath(m protoreflect.Message, path []string, text string) error {
	field := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if field == nil {
		return fmt.Errorf("%s has no %s; it has %s", m.Descriptor().Name(), path[0], fieldNames(m.Descriptor()))
	}
	rest := path[1:]
	switch {
	case field.IsMap() && len(rest) > 0:
		value, err := a.scalar(field.MapValue(), text, contract.IsSecret(field))
		if err != nil {
			return err
		}
		m.Mutable(field).Map().Set(protoreflect.ValueOfString(strings.Join(rest, ".")).MapKey(), value)
		return nil
	case field.IsList() && len(rest) > 0:
		return a.setItem(m.Mutable(field).List(), field, rest, text)
	case len(rest) > 0 && field.Message() != nil:
		return a.setPath(m.Mutable(field).Message(), rest, text)
	case len(rest) > 0:
		return errors.New("has no members")
	case field.IsMap():
		return a.json(m, field, text)
	case isTime(field):
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errors.New("must be a time such as 2026-01-31T08:00:00Z")
		}
		m.Set(field, protoreflect.ValueOfMessage(timestamppb.New(at).ProtoReflect()))
		return nil
	case field.Message() != nil && !strings.HasPrefix(strings.TrimSpace(text), "{"):
		return errors.New(`takes JSON, as '{"name":…}', or its members one by one, as ` + path[0] + `.name=…`)
	case field.Message() != nil:
		return a.json(m, field, text)
	case field.IsList():
		return a.appendAll(m.Mutable(field).List(), field, text)
	}
	value, err := a.scalar(field, text, contract.IsSecret(field))
	if err == nil {
		m.Set(field, value)
	}
	return err
}

// setItem sets what stands behind "nics.0": the list grows by one item at a time.
func (a *arguments) setItem(list protoreflect.List, field protoreflect.FieldDescriptor, path []string, text string) error {
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i > list.Len() {
		return fmt.Errorf("%q must be a number from 0 to %d", path[0], list.Len())
	}
	if field.Message() == nil || len(path) == 1 {
		return errors.New("give the items separated by commas")
	}
	if i == list.Len() {
		list.AppendMutable()
	}
	return a.setPath(list.Get(i).Message(), path[1:], text)
}

func (a *arguments) appendAll(list protoreflect.List, field protoreflect.FieldDescriptor, text string) error {
	for _, part := range contract.SplitList(text) {
		value, err := a.scalar(field, part, contract.IsSecret(field))
		if err != nil {
			return err
		}
		list.Append(value)
	}
	return nil
}

// json reads a field that is given as JSON text; items of a list are added to it.
func (a *arguments) json(m protoreflect.Message, field protoreflect.FieldDescriptor, text string) error {
	if contract.IsSecret(field) {
		return errSecret
	}
	value := json.RawMessage(text)
	if !json.Valid(value) {
		return errors.New("is not valid JSON")
	}
	if field.IsList() {
		value = json.RawMessage("[" + text + "]")
	}
	whole, err := json.Marshal(map[string]json.RawMessage{string(field.Name()): value})
	if err != nil {
		return err
	}
	part := m.New()
	if err := protojson.Unmarshal(whole, part.Interface()); err != nil {
		return fmt.Errorf("does not fit: %w", err)
	}
	if !field.IsList() {
		m.Set(field, part.Get(field))
		return nil
	}
	for i := range part.Get(field).List().Len() {
		m.Mutable(field).List().Append(part.Get(field).List().Get(i))
	}
	return nil
}

// errSecret explains why a secret is refused.
var errSecret = errors.New("is a secret, and other users see command lines: give @FILE, @- for standard input, or env:NAME")

// scalar converts one value. "@FILE" stands for what is in the file.
func (a *arguments) scalar(field protoreflect.FieldDescriptor, text string, secret bool) (protoreflect.Value, error) {
	none := protoreflect.Value{}
	kind := field.Kind()
	if kind == protoreflect.StringKind || kind == protoreflect.BytesKind {
		var err error
		if text, err = a.text(text, secret, kind == protoreflect.BytesKind); err != nil {
			return none, err
		}
	}
	switch kind {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(text)), nil
	case protoreflect.BoolKind:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return none, fmt.Errorf("%q is neither true nor false", text)
		}
		return protoreflect.ValueOfBool(v), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return none, fmt.Errorf("%q is no whole number of 32 bits", text)
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	case protoreflect.EnumKind:
		return enumValue(field.Enum(), text)
	default:
		return none, errors.New("cannot be given on the command line; use --json")
	}
}

// text reads a value from where it points to.
func (a *arguments) text(text string, secret, raw bool) (string, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok && secret {
		if v := a.getenv(name); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the environment variable %s is empty", name)
	}
	file, ok := strings.CutPrefix(text, "@")
	switch {
	case !ok && secret && text != "":
		return "", errSecret
	case !ok:
		return text, nil
	}
	content, err := readFile(file, a.stdin)
	if err != nil || raw {
		return string(content), err
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

// isTime tells whether a field holds one point in time.
func isTime(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && !field.IsList() && !field.IsMap() && field.Message().FullName() == "google.protobuf.Timestamp"
}

// enumValue takes the whole name, or the part after the prefix in any case.
func enumValue(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, error) {
	prefix := strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
	upper := strings.ToUpper(text)
	var names []string
	for i := range enum.Values().Len() {
		v := enum.Values().Get(i)
		short := strings.TrimPrefix(string(v.Name()), prefix)
		if upper == short || upper == string(v.Name()) {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
		if i > 0 {
			names = append(names, strings.ToLower(short))
		}
	}
	return protoreflect.Value{}, fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
}

func fieldNames(m protoreflect.MessageDescriptor) string {
	var names []string
	for i := range m.Fields().Len() {
		names = append(names, string(m.Fields().Get(i).Name()))
	}
	return strings.Join(names, ", ")
}
