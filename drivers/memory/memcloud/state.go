package memcloud

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// setState sets the state of a resource and, in the cloud's own word for it,
// the provider state: VM_STATE_RUNNING is "running".
func setState(m proto.Message, state protoreflect.Enum) {
	r := m.ProtoReflect()
	r.Set(field(m, "state"), protoreflect.ValueOfEnum(state.Number()))
	name := string(state.Descriptor().Values().ByNumber(state.Number()).Name())
	_, word, _ := strings.Cut(name, "_STATE_")
	setString(m, "provider_state", strings.ToLower(word))
}

// settleTo ends a move: in the good state, or in the bad one if that is the
// record's fate.
func settleTo(r *record, good, bad protoreflect.Enum) {
	if r.fate == "" {
		setState(r.msg, good)
		return
	}
	setState(r.msg, bad)
	setString(r.msg, "state_reason", r.fate)
	r.fate = ""
}

// inState refuses a call on a resource that is in none of the states given:
// RESOURCE_BUSY while the state will move by itself, else INVALID_STATE.
func inState[E interface {
	comparable
	protoreflect.Enum
}](r *record, state E, allowed ...E) error {
	if slices.Contains(allowed, state) {
		return nil
	}
	return sdk.NewError(wrongState(state), sdk.Resource(string(r.kind), r.id))
}

func wrongState(state protoreflect.Enum) apiv1.Reason {
	if contract.Phase(state.Descriptor().Values().ByNumber(state.Number())) == apiv1.Phase_PHASE_TRANSIENT {
		return apiv1.Reason_REASON_RESOURCE_BUSY
	}
	return apiv1.Reason_REASON_INVALID_STATE
}

// refInState is inState for a resource that a field of the request names.
func refInState[E interface {
	comparable
	protoreflect.Enum
}](field string, r *record, state E, allowed ...E) error {
	if slices.Contains(allowed, state) {
		return nil
	}
	return sdk.NewError(wrongState(state), sdk.Field(field), sdk.Resource(string(r.kind), r.id))
}

func rejected(field string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field))
}

func mismatch(field string) error {
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Field(field))
}
