package edge

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// maxDepth bounds the nesting of a body; no message of the contract comes near.
const maxDepth = 32

// decodeBody reads a JSON object into the message, and the members that every
// write has into the options. The shape is checked first, because protojson's
// errors name no path; then protojson does the conversion.
func decodeBody(body []byte, request protoreflect.Message, options *apiv1.WriteOptions, problems *problems) {
	if len(bytes.TrimSpace(body)) == 0 {
		return
	}
	if !utf8.Valid(body) {
		problems.add("body", "is not valid UTF-8")
		return
	}
	before := len(problems.violations)
	s := &shape{dec: json.NewDecoder(bytes.NewReader(body)), problems: problems}
	s.dec.UseNumber()
	if err := s.check(request.Descriptor()); err != nil {
		problems.add(s.where(), "is not valid JSON: "+err.Error())
		return
	}
	if len(problems.violations) > before {
		return
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &members); err != nil {
		problems.add("body", "must be a JSON object")
		return
	}
	own := map[string]json.RawMessage{}
	for name := range writeOptionFields {
		if raw, ok := members[string(name)]; ok {
			own[string(name)] = raw
			delete(members, string(name))
		}
	}
	unmarshal(own, options.ProtoReflect(), problems)
	unmarshal(members, request, problems)
}

func unmarshal(members map[string]json.RawMessage, into protoreflect.Message, problems *problems) {
	raw, err := json.Marshal(members)
	if err == nil {
		err = protojson.Unmarshal(raw, into.Interface())
	}
	if err != nil {
		problems.add("body", "does not fit "+string(into.Descriptor().Name()))
	}
}

// shape walks a body along a message's descriptor.
type shape struct {
	dec      *json.Decoder
	problems *problems
	path     string
	depth    int
}

func (s *shape) where() string {
	if s.path == "" {
		return "body"
	}
	return s.path
}

func (s *shape) check(d protoreflect.MessageDescriptor) error {
	token, err := s.dec.Token()
	if err != nil {
		return plain(err)
	}
	if token != json.Delim('{') {
		s.problems.add("body", "must be a JSON object")
		return nil
	}
	if err := s.object(d, true); err != nil {
		return err
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// object checks the members after an opening brace.
func (s *shape) object(d protoreflect.MessageDescriptor, top bool) error {
	parent := s.path
	seen := map[string]bool{}
	for s.dec.More() {
		token, err := s.dec.Token()
		if err != nil {
			return plain(err)
		}
		name, _ := token.(string)
		s.path = join(parent, name)
		field := d.Fields().ByName(protoreflect.Name(name))
		if field == nil && top {
			field = writeOptionFields[protoreflect.Name(name)]
		}
		if seen[name] {
			s.problems.add(s.path, "is given more than once")
		}
		seen[name] = true
		if field == nil {
			s.problems.add(s.path, "is no member of this interface")
			if err := s.skip(); err != nil {
				return err
			}
			continue
		}
		if err := s.field(field); err != nil {
			return err
		}
	}
	s.path = parent
	_, err := s.dec.Token()
	return plain(err)
}

func (s *shape) field(field protoreflect.FieldDescriptor) error {
	token, err := s.dec.Token()
	if err != nil {
		return plain(err)
	}
	if token == nil { // null means absent
		return nil
	}
	switch {
	case field.IsMap():
		return s.mapEntries(field, token)
	case field.IsList():
		return s.list(field, token)
	default:
		return s.value(field, token)
	}
}

func (s *shape) list(field protoreflect.FieldDescriptor, token json.Token) error {
	if token != json.Delim('[') {
		return s.wrong("must be an array", token)
	}
	parent := s.path
	for i := 0; s.dec.More(); i++ {
		s.path = fmt.Sprintf("%s[%d]", parent, i)
		item, err := s.dec.Token()
		if err != nil {
			return plain(err)
		}
		if err := s.value(field, item); err != nil {
			return err
		}
	}
	s.path = parent
	_, err := s.dec.Token()
	return plain(err)
}

func (s *shape) mapEntries(field protoreflect.FieldDescriptor, token json.Token) error {
	if token != json.Delim('{') {
		return s.wrong("must be an object", token)
	}
	parent := s.path
	seen := map[string]bool{}
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return plain(err)
		}
		name, _ := key.(string)
		s.path = fmt.Sprintf("%s[%q]", parent, name)
		if seen[name] {
			s.problems.add(s.path, "is given more than once")
		}
		seen[name] = true
		value, err := s.dec.Token()
		if err != nil {
			return plain(err)
		}
		if err := s.value(field.MapValue(), value); err != nil {
			return err
		}
	}
	s.path = parent
	_, err := s.dec.Token()
	return plain(err)
}

func (s *shape) value(field protoreflect.FieldDescriptor, token json.Token) error {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return s.message(field.Message(), token)
	case protoreflect.StringKind, protoreflect.BytesKind:
		text, ok := token.(string)
		if !ok {
			return s.wrong("must be a string", token)
		}
		if field.Kind() == protoreflect.BytesKind && !isBase64(text) {
			s.problems.add(s.path, "must be base64")
		}
	case protoreflect.BoolKind:
		if _, ok := token.(bool); !ok {
			return s.wrong("must be true or false", token)
		}
	case protoreflect.EnumKind:
		text, ok := token.(string)
		if !ok || field.Enum().Values().ByName(protoreflect.Name(text)) == nil {
			return s.wrong("must be one of "+enumNames(field.Enum()), token)
		}
	default:
		number, ok := token.(json.Number)
		if !ok {
			return s.wrong("must be a number", token)
		}
		if n, err := number.Int64(); field.Kind() == protoreflect.Int32Kind && (err != nil || int64(int32(n)) != n) {
			s.problems.add(s.path, "must be a whole number of 32 bits")
		}
	}
	return nil
}

func (s *shape) message(d protoreflect.MessageDescriptor, token json.Token) error {
	if d.FullName().Parent() == "google.protobuf" { // times and durations are strings
		text, ok := token.(string)
		if !ok {
			return s.wrong("must be a string", token)
		}
		if quoted, err := json.Marshal(text); err != nil || protojson.Unmarshal(quoted, dynamicpb.NewMessage(d)) != nil {
			s.problems.add(s.path, "is no "+strings.ToLower(string(d.Name())))
		}
		return nil
	}
	if token != json.Delim('{') {
		return s.wrong("must be an object", token)
	}
	if s.depth++; s.depth > maxDepth {
		return errors.New("nested too deeply")
	}
	defer func() { s.depth-- }()
	return s.object(d, false)
}

// wrong reports a value of another type and passes over the rest of it.
func (s *shape) wrong(problem string, token json.Token) error {
	s.problems.add(s.path, problem)
	if token == json.Delim('{') || token == json.Delim('[') {
		return s.skipOpen()
	}
	return nil
}

func (s *shape) skip() error {
	token, err := s.dec.Token()
	if err != nil {
		return plain(err)
	}
	if token == json.Delim('{') || token == json.Delim('[') {
		return s.skipOpen()
	}
	return nil
}

// skipOpen passes over what follows an opening brace or bracket, to its end.
func (s *shape) skipOpen() error {
	for depth := 1; depth > 0; {
		token, err := s.dec.Token()
		if err != nil {
			return plain(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// plain hides io details of a JSON error from the client.
func plain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends early")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s at byte %d", syntax.Error(), syntax.Offset)
	}
	return err
}

// isBase64 accepts what protojson does: either alphabet, padded or not.
func isBase64(text string) bool {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	_, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil
}
