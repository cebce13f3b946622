package policy

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// visitFields calls f for every field of a request, set or not, and of the
// messages in it. Inline tells that the message stands in a chain.
func visitFields(m protoreflect.Message, path string, inline bool, f func(path string, inline bool, field protoreflect.FieldDescriptor, m protoreflect.Message)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		name := string(field.Name())
		if path != "" {
			name = path + "." + name
		}
		f(name, inline, field, m)
		if field.Message() == nil || field.IsMap() || !m.Has(field) || field.Message().ParentFile().Package() == "google.protobuf" {
			continue
		}
		inside := inline || contract.FieldRule(field).GetChain() != nil
		if !field.IsList() {
			visitFields(m.Get(field).Message(), name, inside, f)
			continue
		}
		for j := range m.Get(field).List().Len() {
			visitFields(m.Get(field).List().Get(j).Message(), fmt.Sprintf("%s[%d]", name, j), inside, f)
		}
	}
}

// requireFields refuses a request that lacks a field which only a chain may leave
// to the gateway, or that has in a chain what the gateway takes from the whole.
func requireFields(m protoreflect.Message) error {
	var problems []sdk.ErrorOption
	visitFields(m, "", false, func(path string, inline bool, field protoreflect.FieldDescriptor, m protoreflect.Message) {
		rule := contract.FieldRule(field)
		switch set := m.Has(field); {
		case !set && !inline && rule.GetRequiredUnlessInline():
			problems = append(problems, sdk.Violation(path, "is required"))
		case set && inline && (rule.GetRequiredUnlessInline() || rule.GetGateway()):
			problems = append(problems, sdk.Violation(path, "is filled by the gateway here and must be left out"))
		}
	})
	return invalid(problems)
}

// checkFeatures refuses fields that the account's cloud would drop, and asks for
// those that it needs.
func checkFeatures(m protoreflect.Message, a *account.Account) error {
	var missing, needed []sdk.ErrorOption
	visitFields(m, "", false, func(path string, _ bool, field protoreflect.FieldDescriptor, m protoreflect.Message) {
		for _, feature := range contract.FeaturesNeeded(m, field) {
			if !a.Has(feature) {
				missing = append(missing, sdk.Violation(path, "needs the feature "+feature+", which the cloud of account "+a.ID+" does not have"))
			}
		}
		if feature := contract.FieldRule(field).GetRequiredWithFeature(); !m.Has(field) && feature != "" && a.Has(feature) {
			needed = append(needed, sdk.Violation(path, "is required at the cloud of account "+a.ID))
		}
	})
	if len(missing) > 0 {
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, missing...)
	}
	return invalid(needed)
}

func invalid(problems []sdk.ErrorOption) error {
	if len(problems) == 0 {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, problems...)
}

// clearGatewayFields takes out what drivers neither see nor set.
func clearGatewayFields(m protoreflect.Message) {
	visitFields(m, "", false, func(_ string, _ bool, field protoreflect.FieldDescriptor, m protoreflect.Message) {
		if contract.FieldRule(field).GetGateway() && m.Has(field) {
			m.Clear(field)
		}
	})
}
