package contracttest_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/yunqiao/yunqiao/internal/openapi"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// TestEverythingHasAComment reads the comments that the document is made of.
func TestEverythingHasAComment(t *testing.T) {
	need := func(d protoreflect.Descriptor) {
		if openapi.Comment(d) == "" {
			t.Errorf("%s has no comment", d.FullName())
		}
	}
	all := files(t)
	for message := range messages(all) {
		need(message)
	}
	for field := range fields(all) {
		need(field)
	}
	for enum := range enums(all) {
		need(enum)
		for i := range enum.Values().Len() {
			need(enum.Values().Get(i))
		}
	}
	for _, file := range all {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			need(service)
			for j := range service.Methods().Len() {
				need(service.Methods().Get(j))
			}
		}
	}
}

// TestUnitsAreNamed wants the unit of a field's name in its comment too.
func TestUnitsAreNamed(t *testing.T) {
	words := []struct{ suffix, word string }{
		{"_mib", "MiB"}, {"_gib", "GiB"}, {"_mbps", "Mbit/s"}, {"_seconds", "econds"}, {"_percent", "percent"},
	}
	for field := range fields(files(t)) {
		for _, unit := range words {
			comment := openapi.Comment(field)
			if strings.HasSuffix(string(field.Name()), unit.suffix) && !strings.Contains(comment, unit.word) {
				t.Errorf("%s: the comment %q lacks %q", field.FullName(), comment, unit.word)
			}
		}
	}
}

// TestNumbersFitJSON refuses what JSON would show as a string or round.
func TestNumbersFitJSON(t *testing.T) {
	refused := []protoreflect.Kind{
		protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind, protoreflect.Fixed64Kind,
		protoreflect.Sfixed64Kind, protoreflect.FloatKind, protoreflect.DoubleKind,
	}
	for field := range fields(public(files(t))) {
		if slices.Contains(refused, field.Kind()) {
			t.Errorf("%s is of kind %s", field.FullName(), field.Kind())
		}
	}
}

// TestStatesHavePhases: waiting and metering read phases only.
func TestStatesHavePhases(t *testing.T) {
	for enum := range enums(public(files(t))) {
		if !strings.HasSuffix(string(enum.Name()), "State") {
			continue
		}
		for i := range enum.Values().Len() {
			value := enum.Values().Get(i)
			if known := contract.Phase(value) != apiv1.Phase_PHASE_UNSPECIFIED; known == (value.Number() == 0) {
				t.Errorf("%s: got phase %s", value.FullName(), contract.Phase(value))
			}
		}
	}
}

// TestReferencesExist: a ref names a resource type that can be read, and states
// that this resource has.
func TestReferencesExist(t *testing.T) {
	c := linked(t)
	for field := range fields(public(files(t))) {
		rule := contract.FieldRule(field)
		if rule.GetRef() == "" {
			continue
		}
		reader := c.Getter(rule.GetRef())
		if reader == nil {
			reader = c.Lister(rule.GetRef())
		}
		if reader == nil {
			t.Errorf("%s: ref %s has neither a Get nor a List rpc", field.FullName(), rule.GetRef())
			continue
		}
		for _, state := range rule.GetRefState() {
			if !hasState(reader.Output.Descriptor(), state) {
				t.Errorf("%s: ref_state %s is no state of %s", field.FullName(), state, rule.GetRef())
			}
		}
	}
}

// TestFollowersCanRead: an operation is followed by asking for the resource
// that it acts on.
func TestFollowersCanRead(t *testing.T) {
	c := linked(t)
	for _, method := range c.Methods {
		if method.Module || !method.IsWrite() {
			continue
		}
		for _, name := range []string{"id", "state", "operation_id", "operation_status"} {
			if !hasField(method.Output.Descriptor(), name) && !method.Immediate {
				t.Errorf("%s: the answer has no field %s", method.FullName, name)
			}
		}
		if !method.Immediate && c.Getter(method.ResourceType) == nil {
			t.Errorf("%s: %s has no Get rpc", method.FullName, method.ResourceType)
		}
	}
}

// TestChainsExist: a chain names an rpc and fields of its request.
func TestChainsExist(t *testing.T) {
	c := linked(t)
	for field := range fields(public(files(t))) {
		chain := contract.FieldRule(field).GetChain()
		if chain == nil {
			continue
		}
		second := c.Method(chain.GetRpc())
		if second == nil {
			t.Errorf("%s: chain names %q, which is no public rpc", field.FullName(), chain.GetRpc())
			continue
		}
		request := second.Input.Descriptor()
		if !hasField(request, chain.GetParentField()) {
			t.Errorf("%s: %q is no field of %s", field.FullName(), chain.GetParentField(), request.FullName())
		}
		switch value := chain.GetValueField(); {
		case value != "" && !hasField(request, value):
			t.Errorf("%s: %q is no field of %s", field.FullName(), value, request.FullName())
		case value == "" && (field.Message() == nil || field.Message().FullName() != request.FullName()):
			t.Errorf("%s: without value_field it must be a %s", field.FullName(), request.FullName())
		}
	}
}

// TestFeatureNames holds the grammar <service>.<resource>.<what>[.<value>].
func TestFeatureNames(t *testing.T) {
	grammar := regexp.MustCompile(`^[a-z]+(\.[a-z][a-z0-9_]*){2,3}$`)
	for field := range fields(public(files(t))) {
		rule := contract.FieldRule(field)
		if feature := rule.GetFeature(); feature != "" && !grammar.MatchString(feature) {
			t.Errorf("%s: feature %q", field.FullName(), feature)
		}
		for _, some := range rule.GetValueFeatures() {
			if _, err := regexp.Compile(some.GetPattern()); err != nil || some.GetPattern() == "" || !grammar.MatchString(some.GetFeature()) {
				t.Errorf("%s: feature %q of values %q: %v", field.FullName(), some.GetFeature(), some.GetPattern(), err)
			}
		}
	}
}

// TestValidationRulesCompile evaluates the rules of every message once.
func TestValidationRulesCompile(t *testing.T) {
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for message := range messages(files(t)) {
		var invalid *protovalidate.ValidationError
		if err := validator.Validate(dynamicpb.NewMessage(message)); err != nil && !errors.As(err, &invalid) {
			t.Errorf("%s: %v", message.FullName(), err)
		}
	}
}

func hasField(message protoreflect.MessageDescriptor, name string) bool {
	return message.Fields().ByName(protoreflect.Name(name)) != nil
}

// hasState looks for a state in the resource that a Get answers with.
func hasState(answer protoreflect.MessageDescriptor, state string) bool {
	for i := range answer.Fields().Len() {
		resource := answer.Fields().Get(i).Message()
		if resource == nil {
			continue
		}
		field := resource.Fields().ByName("state")
		if field != nil && field.Enum() != nil && field.Enum().Values().ByName(protoreflect.Name(state)) != nil {
			return true
		}
	}
	return false
}
