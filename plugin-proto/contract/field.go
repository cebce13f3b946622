package contract

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// FieldRule reads the field option; it is never nil.
func FieldRule(f protoreflect.FieldDescriptor) *apiv1.FieldRule {
	rule, _ := proto.GetExtension(f.Options(), apiv1.E_Field).(*apiv1.FieldRule)
	if rule == nil {
		return &apiv1.FieldRule{}
	}
	return rule
}

// Phase reads the phase of one value of a state enum.
func Phase(v protoreflect.EnumValueDescriptor) apiv1.Phase {
	if v == nil {
		return apiv1.Phase_PHASE_UNSPECIFIED
	}
	return proto.GetExtension(v.Options(), apiv1.E_Phase).(apiv1.Phase)
}

// IsSecret tells whether a field must never be logged, stored in clear or repeated.
func IsSecret(f protoreflect.FieldDescriptor) bool {
	options, ok := f.Options().(*descriptorpb.FieldOptions)
	return ok && options.GetDebugRedact()
}

func guardedFields(request protoreflect.MessageDescriptor) []GuardedField {
	var guarded []GuardedField
	for i := range request.Fields().Len() {
		field := request.Fields().Get(i)
		if permission := FieldRule(field).GetPermission(); permission != "" {
			guarded = append(guarded, GuardedField{field, permission})
		}
	}
	return guarded
}

// ErrorRule reads the row of the error table that a reason stands for; it is
// nil for an unknown reason.
func ErrorRule(reason apiv1.Reason) *apiv1.ErrorRule {
	value := reason.Descriptor().Values().ByNumber(reason.Number())
	if value == nil || !proto.HasExtension(value.Options(), apiv1.E_Error) {
		return nil
	}
	return proto.GetExtension(value.Options(), apiv1.E_Error).(*apiv1.ErrorRule)
}
