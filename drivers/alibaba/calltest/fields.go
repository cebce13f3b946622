package calltest

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// CheckCovered fails the test for a field of a request that reaches drivers and is
// not among covered, and for one that is no field at all.
func CheckCovered(t testing.TB, req proto.Message, covered ...string) {
	t.Helper()
	fields := req.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if name := string(field.Name()); reachesDriver(field) && !slices.Contains(covered, name) {
			t.Errorf("no row for field %s of %s", name, req.ProtoReflect().Descriptor().Name())
		}
	}
	for _, name := range covered {
		if fields.ByName(protoreflect.Name(name)) == nil {
			t.Errorf("%s has no field %s", req.ProtoReflect().Descriptor().Name(), name)
		}
	}
}

func reachesDriver(field protoreflect.FieldDescriptor) bool {
	rule, _ := proto.GetExtension(field.Options(), apiv1.E_Field).(*apiv1.FieldRule)
	return !rule.GetGateway() && rule.GetChain() == nil
}
