package edge

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// endpoint is what one route needs to know of its rpc, worked out once.
type endpoint struct {
	method    *contract.Method
	variables []protoreflect.FieldDescriptor // of the path, in order
	// Fields of the answer by which an accepted create without an id is known.
	id, operationID protoreflect.FieldDescriptor
}

func newEndpoint(method *contract.Method, variables []string) (*endpoint, error) {
	e := &endpoint{method: method}
	fields := method.Input.Descriptor().Fields()
	for _, name := range variables {
		field := fields.ByName(protoreflect.Name(name))
		if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
			return nil, fmt.Errorf("rpc %s: path variable %s is no string field of the request", method.FullName, name)
		}
		e.variables = append(e.variables, field)
	}
	if method.IsWrite() {
		for name := range writeOptionFields {
			if fields.ByName(name) != nil {
				return nil, fmt.Errorf("rpc %s: field %s hides a member that every write has", method.FullName, name)
			}
		}
		answer := method.Output.Descriptor().Fields()
		e.id, e.operationID = answer.ByName("id"), answer.ByName("operation_id")
	}
	return e, nil
}

// writeOptionFields are accepted beside the fields of every write.
var writeOptionFields = func() map[protoreflect.Name]protoreflect.FieldDescriptor {
	fields := (&apiv1.WriteOptions{}).ProtoReflect().Descriptor().Fields()
	byName := make(map[protoreflect.Name]protoreflect.FieldDescriptor, fields.Len())
	for i := range fields.Len() {
		byName[fields.Get(i).Name()] = fields.Get(i)
	}
	return byName
}()

// accepted tells that the cloud's answer to a create is not known yet.
func (e *endpoint) accepted(answer protoreflect.Message) bool {
	return e.id != nil && e.operationID != nil &&
		answer.Get(e.id).String() == "" && answer.Get(e.operationID).String() != ""
}
