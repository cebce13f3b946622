package inventory

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Spec is what a resource is measured by beside its state: its size and what it
// was ordered as. The keys are the fields' names.
type Spec map[string]any

// linked is the contract of this program; it never changes.
var linked = sync.OnceValues(contract.Linked)

// sizes are the endings of the fields that say how much there is.
var sizes = []string{"_mib", "_gib", "_mbps", "_mibps", "vcpus", "_millicores", "iops"}

// catalogues are the endings of the types whose ids say what was ordered.
var catalogues = []string{"flavor", "_type"}

func endsWith(text string, endings []string) bool {
	return slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(text, ending) })
}

// SpecOf reads the spec out of a resource's message. What the cloud does not tell
// is absent.
func SpecOf(resource protoreflect.Message) Spec {
	spec := Spec{}
	resource.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := string(field.Name())
		switch {
		case field.IsList() || field.IsMap():
		case field.Kind() == protoreflect.StringKind && endsWith(contract.FieldRule(field).GetRef(), catalogues), name == "disk_type_id":
			spec[name] = value.String()
		case field.Kind() == protoreflect.Int32Kind && endsWith(name, sizes) && !strings.HasPrefix(name, "min_"):
			spec[name] = float64(value.Int()) // as it comes back from JSON
		case field.Message() != nil && field.Message().FullName() == chargeName:
			spec.charge(value.Message().Interface())
		}
		return true
	})
	return spec
}

var chargeName = (&apiv1.Charge{}).ProtoReflect().Descriptor().FullName()

// charge says how a resource is paid for, if it is a subscription.
func (s Spec) charge(m proto.Message) {
	charge, ok := m.(*apiv1.Charge)
	if !ok || charge.GetMode() != apiv1.ChargeMode_CHARGE_MODE_PREPAID {
		return
	}
	s["charge_mode"] = charge.GetMode().String()
	s["charge_months"] = float64(charge.GetPeriodMonths())
	s["charge_auto_renew"] = charge.GetAutoRenew()
}

// decode reads a resource's message; nil for a type that this program does not know.
func decode(resourceType string, body []byte) (protoreflect.Message, error) {
	c, err := linked()
	if err != nil {
		return nil, err
	}
	getter := c.Getter(resourceType)
	if getter == nil {
		return nil, nil
	}
	resource := getter.Output.New().NewField(getter.Output.Descriptor().Fields().Get(0)).Message()
	if err := proto.Unmarshal(body, resource.Interface()); err != nil {
		return nil, fmt.Errorf("decode a %s: %w", resourceType, err)
	}
	return resource, nil
}

// updateBody takes over the message of an observation, and the spec in it.
func updateBody(r *row, o Observation) error {
	told, err := decode(r.Type, o.Body)
	if err != nil {
		return err
	}
	r.Body, err = merged(r, o, told)
	if err != nil || told == nil {
		return err
	}
	before, err := parseSpec(r.Spec)
	r.Spec = before.with(SpecOf(told)).String()
	return err
}

// merged is the message to store: of a listing, over what is stored.
func merged(r *row, o Observation, told protoreflect.Message) ([]byte, error) {
	if !o.Partial || told == nil || len(r.Body) == 0 {
		return o.Body, nil
	}
	whole, err := decode(r.Type, r.Body)
	if err != nil {
		return nil, err
	}
	told.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		whole.Set(field, value)
		return true
	})
	return proto.Marshal(whole.Interface())
}

// parseSpec reads a stored spec; "" is nil.
func parseSpec(text string) (Spec, error) {
	if text == "" {
		return nil, nil
	}
	var spec Spec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return nil, fmt.Errorf("stored spec: %w", err)
	}
	return spec, nil
}

// String is the spec as JSON, keys sorted, as it is stored.
func (s Spec) String() string {
	text, err := json.Marshal(map[string]any(s))
	if err != nil { // strings and numbers only
		return "{}"
	}
	return string(text)
}

// with is the spec with what is told now over what was told before: lists tell
// less than single looks do.
func (s Spec) with(told Spec) Spec {
	next := maps.Clone(s)
	if next == nil {
		next = Spec{}
	}
	maps.Copy(next, told)
	return next
}
