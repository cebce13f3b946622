package metering

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// ContractPhases reads phases from the state enums of the contract.
type ContractPhases struct {
	byState     map[string]map[string]Phase // by resource type and state
	fingerprint string                      // equal where all phases are
}

// NewContractPhases collects the states of every resource that can be read.
func NewContractPhases(c *contract.Contract) *ContractPhases {
	p := &ContractPhases{byState: map[string]map[string]Phase{}}
	for _, m := range c.Methods {
		if m.Kind != apiv1.Kind_KIND_GET || m.Output.Descriptor().Fields().Len() == 0 {
			continue
		}
		resource := m.Output.Descriptor().Fields().Get(0).Message()
		if resource == nil {
			continue
		}
		field := resource.Fields().ByName("state")
		if field == nil || field.Kind() != protoreflect.EnumKind {
			continue
		}
		states := map[string]Phase{}
		values := field.Enum().Values()
		for i := range values.Len() {
			states[string(values.Get(i).Name())] = toPhase(contract.Phase(values.Get(i)))
		}
		p.byState[m.ResourceType] = states
	}
	h := sha256.New()
	for _, resourceType := range slices.Sorted(maps.Keys(p.byState)) {
		for _, state := range slices.Sorted(maps.Keys(p.byState[resourceType])) {
			fmt.Fprintf(h, "%s %s %d\n", resourceType, state, p.byState[resourceType][state])
		}
	}
	p.fingerprint = hex.EncodeToString(h.Sum(nil)[:16])
	return p
}

func toPhase(p apiv1.Phase) Phase {
	switch p {
	case apiv1.Phase_PHASE_FAILED, apiv1.Phase_PHASE_GONE:
		return Idle
	case apiv1.Phase_PHASE_TRANSIENT, apiv1.Phase_PHASE_UNSPECIFIED:
		return Transient
	default:
		return Settled
	}
}

// Phase implements Phases.
func (p *ContractPhases) Phase(resourceType, state string) Phase {
	return p.byState[resourceType][state]
}
