package openapi

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// maxDepth ends samples of messages that contain themselves.
const maxDepth = 6

// sampler makes messages with plausible values that satisfy their own rules.
type sampler struct {
	validator protovalidate.Validator
	contract  *contract.Contract
}

func newSampler(c *contract.Contract) (*sampler, error) {
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("start validator: %w", err)
	}
	return &sampler{validator: validator, contract: c}, nil
}

// required names the fields that must be set: those at fault in an empty message.
func (s *sampler) required(message protoreflect.MessageDescriptor) map[protoreflect.Name]bool {
	return s.faults(dynamicpb.NewMessage(message))
}

// faults names the top-level fields at fault.
func (s *sampler) faults(message proto.Message) map[protoreflect.Name]bool {
	faults := map[protoreflect.Name]bool{}
	var invalid *protovalidate.ValidationError
	if errors.As(s.validator.Validate(message), &invalid) {
		for _, violation := range invalid.Violations {
			if path := violation.Proto.GetField().GetElements(); len(path) > 0 {
				faults[protoreflect.Name(path[0].GetFieldName())] = true
			}
		}
	}
	return faults
}

// countFaults is how many rules a message breaks; a rule that cannot be
// evaluated counts as broken.
func (s *sampler) countFaults(message proto.Message) int {
	err := s.validator.Validate(message)
	var invalid *protovalidate.ValidationError
	if errors.As(err, &invalid) {
		return len(invalid.Violations)
	}
	if err != nil {
		return 1
	}
	return 0
}

// sampleOptions choose what a sample shows.
type sampleOptions struct {
	method *contract.Method
	answer bool
	ref    string // resource type that a wrapper's values refer to
	omit   string // field that a chain fills, so that requests leave it out
}

// message makes a sample: the required fields, then what makes the whole
// valid, then every field worth showing that keeps it valid.
func (s *sampler) message(d protoreflect.MessageDescriptor, opts sampleOptions, depth int) (*dynamicpb.Message, error) {
	m := dynamicpb.NewMessage(d)
	required := s.required(d)
	var optional []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		if !required[field.Name()] {
			optional = append(optional, field)
			continue
		}
		if !s.fill(m, field, opts, depth, func() bool { return !s.faults(m)[field.Name()] }) {
			return nil, fmt.Errorf("no sample value satisfies the rules of %s", field.FullName())
		}
	}
	valid := func() bool { return s.countFaults(m) == 0 }
	for _, field := range optional {
		before := s.countFaults(m)
		if before == 0 {
			break
		}
		s.fill(m, field, opts, depth, func() bool { return s.countFaults(m) < before })
	}
	if !valid() {
		return nil, fmt.Errorf("no sample satisfies the rules of %s: %w", d.FullName(), s.validator.Validate(m))
	}
	for _, field := range optional {
		if !m.Has(field) && worthShowing(field, opts) && (field.ContainingOneof() == nil || m.WhichOneof(field.ContainingOneof()) == nil) {
			s.fill(m, field, opts, depth, valid)
		}
	}
	return m, nil
}

// fill sets a field to the first candidate that is accepted, else clears it.
func (s *sampler) fill(m *dynamicpb.Message, field protoreflect.FieldDescriptor, opts sampleOptions, depth int, accepted func() bool) bool {
	for _, value := range s.candidates(m, field, opts, depth) {
		m.Set(field, value)
		if accepted() {
			return true
		}
	}
	m.Clear(field)
	return false
}

func (s *sampler) candidates(m *dynamicpb.Message, field protoreflect.FieldDescriptor, opts sampleOptions, depth int) []protoreflect.Value {
	switch {
	case field.IsMap():
		var maps []protoreflect.Value
		for _, value := range s.values(field.MapValue(), opts, depth) {
			for _, key := range mapKeys(field.MapKey()) {
				entries := m.NewField(field)
				entries.Map().Set(key, value)
				maps = append(maps, entries)
			}
		}
		return maps
	case field.IsList():
		values := s.values(field, opts, depth)
		var lists []protoreflect.Value
		for size := 1; size <= 2 && size <= len(values); size++ {
			for start := 0; start+size <= len(values); start++ {
				list := m.NewField(field)
				for _, value := range values[start : start+size] {
					list.List().Append(value)
				}
				lists = append(lists, list)
			}
		}
		return lists
	default:
		return s.values(field, opts, depth)
	}
}

func mapKeys(key protoreflect.FieldDescriptor) []protoreflect.MapKey {
	if key.Kind() == protoreflect.StringKind {
		return []protoreflect.MapKey{protoreflect.ValueOfString("department").MapKey()}
	}
	return []protoreflect.MapKey{protoreflect.ValueOfInt32(1).MapKey()}
}

// values are candidates for one value of a field, the best first.
func (s *sampler) values(field protoreflect.FieldDescriptor, opts sampleOptions, depth int) []protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return []protoreflect.Value{protoreflect.ValueOfBool(true)}
	case protoreflect.EnumKind:
		return enumValues(field, opts)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		var values []protoreflect.Value
		for _, number := range numberCandidates(field) {
			values = append(values, protoreflect.ValueOfInt32(number))
		}
		return values
	case protoreflect.DoubleKind:
		return []protoreflect.Value{protoreflect.ValueOfFloat64(12.5), protoreflect.ValueOfFloat64(0.5)}
	case protoreflect.BytesKind:
		return []protoreflect.Value{protoreflect.ValueOfBytes([]byte("#cloud-config\n"))}
	case protoreflect.StringKind:
		var values []protoreflect.Value
		for _, text := range s.textCandidates(field, opts) {
			values = append(values, protoreflect.ValueOfString(text))
		}
		return values
	case protoreflect.MessageKind:
		if field.Message().FullName() == "google.protobuf.Timestamp" {
			return []protoreflect.Value{timestampValue(field)}
		}
		if depth >= maxDepth {
			return nil
		}
		rule := contract.FieldRule(field)
		opts.ref, opts.omit = rule.GetRef(), rule.GetChain().GetParentField()
		nested, err := s.message(field.Message(), opts, depth+1)
		if err != nil {
			return nil
		}
		return []protoreflect.Value{protoreflect.ValueOfMessage(nested)}
	default:
		return nil
	}
}

// request is a sample of the request of an rpc; nil if it has no fields.
func (s *sampler) request(method *contract.Method) (*dynamicpb.Message, error) {
	m, err := s.message(method.Descriptor.Input(), sampleOptions{method: method}, 0)
	if err != nil {
		return nil, fmt.Errorf("request sample of %s: %w", method.FullName, err)
	}
	return m, nil
}

// answer is a sample of what an rpc answers.
func (s *sampler) answer(method *contract.Method) (*dynamicpb.Message, error) {
	m, err := s.message(method.Descriptor.Output(), sampleOptions{method: method, answer: true}, 0)
	if err != nil {
		return nil, fmt.Errorf("answer sample of %s: %w", method.FullName, err)
	}
	return m, nil
}

// encode writes a message as the gateway does; zero values are shown in answers.
func encode(m proto.Message, answer bool) (map[string]any, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: answer}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode sample: %w", err)
	}
	return decodeObject(raw)
}

// hasField tells whether a message has a field of that name.
func hasField(d protoreflect.MessageDescriptor, name string) bool {
	return d.Fields().ByName(protoreflect.Name(name)) != nil
}

func lastPart(resourceType string) string {
	return strings.ReplaceAll(resourceType[strings.LastIndexByte(resourceType, '.')+1:], "_", "-")
}
