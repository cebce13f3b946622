package reconcile

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// partKind is a type that can only be listed within another: the rules of a security
// group, the members of a pool. It is not compared as the others are; but a part ends
// with its whole, and one of which nothing but the id is known is looked at.
type partKind struct {
	kind
	whole protoreflect.FieldDescriptor // of the part's message: the native id of its whole
}

// partKindsOf finds the types that belong to organizations and are listed within
// another.
func partKindsOf(c *contract.Contract) []partKind {
	var kinds []partKind
	for _, m := range c.Methods {
		if m.Module || c.Lister(m.ResourceType) != m || c.Getter(m.ResourceType) == nil || !needsParent(m.Input.Descriptor()) {
			continue
		}
		get := c.Getter(m.ResourceType)
		resource := get.Output.Descriptor().Fields().Get(0).Message()
		for i := range resource.Fields().Len() {
			field := resource.Fields().Get(i)
			if field.Kind() != protoreflect.StringKind || field.IsList() || contract.FieldRule(field).GetRef() == "" ||
				m.Input.Descriptor().Fields().ByName(field.Name()) == nil {
				continue
			}
			kinds = append(kinds, partKind{kind{name: m.ResourceType, list: m, get: get}, field})
			break
		}
	}
	return kinds
}

// compareParts ends the parts of what is gone, and reads those that are recorded
// without their attributes.
func (c *comparison) compareParts(ctx context.Context, k partKind) (err error) {
	if c.known, err = c.inventory.Known(ctx, c.account.ID, k.name); err != nil || len(c.known) == 0 {
		return err
	}
	bodies, err := c.inventory.Bodies(ctx, c.account.ID, k.name)
	if err != nil {
		return err
	}
	wholes, bare := map[string]string{}, []found{}
	for _, id := range slices.Sorted(maps.Keys(bodies)) {
		resource := k.get.Output.New().NewField(k.get.Output.Descriptor().Fields().Get(0)).Message()
		if err := proto.Unmarshal(bodies[id], resource.Interface()); err != nil {
			return err
		}
		if whole := resource.Get(k.whole).String(); whole != "" {
			wholes[id] = publicid.Join(c.account.ID, whole)
			continue
		}
		_, native, err := publicid.Split("id", id)
		if err != nil {
			return err
		}
		bare = append(bare, found{id: id, native: native, known: c.known[id], since: c.known[id].Sequence})
	}
	gone, err := c.gone(ctx, slices.Collect(maps.Values(wholes)))
	if err != nil {
		return err
	}
	var observations []inventory.Observation
	for _, id := range slices.Sorted(maps.Keys(wholes)) {
		if gone[wholes[id]] {
			observations = append(observations, c.ended(found{id: id, known: c.known[id], since: c.known[id].Sequence}))
		}
	}
	looked, err := c.lookAt(ctx, bare)
	if err != nil {
		return err
	}
	return c.record(ctx, append(observations, looked...))
}

// gone tells which of these resources are recorded as being no more.
func (c *comparison) gone(ctx context.Context, ids []string) (map[string]bool, error) {
	slices.Sort(ids)
	gone := map[string]bool{}
	for part := range slices.Chunk(slices.Compact(ids), batch) {
		former, err := c.inventory.Former(ctx, part)
		if err != nil {
			return nil, err
		}
		for id := range former {
			gone[id] = true
		}
	}
	return gone, nil
}

// lookAt reads resources by themselves; those that are not there any more have ended.
func (c *comparison) lookAt(ctx context.Context, list []found) ([]inventory.Observation, error) {
	observations, err := c.look(ctx, list)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, o := range observations {
		there[o.ID] = true
	}
	for _, f := range list {
		if !there[f.id] {
			observations = append(observations, c.ended(f))
		}
	}
	return observations, nil
}
