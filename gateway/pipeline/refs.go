package pipeline

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// refPlan is where the ids are in one message type, worked out once.
type refPlan struct {
	ids      []idField
	children []childField
}

type idField struct {
	field protoreflect.FieldDescriptor
	rule  *apiv1.FieldRule
	// values is set where the ids are the values of a StringList.
	values protoreflect.FieldDescriptor
}

type childField struct {
	field protoreflect.FieldDescriptor
	plan  *refPlan
}

var plans sync.Map // protoreflect.FullName -> *refPlan

func planOf(d protoreflect.MessageDescriptor) *refPlan {
	if plan, ok := plans.Load(d.FullName()); ok {
		return plan.(*refPlan)
	}
	plan := buildPlan(d)
	plans.Store(d.FullName(), plan)
	return plan
}

// buildPlan descends into messages of the contract; none of them holds itself.
func buildPlan(d protoreflect.MessageDescriptor) *refPlan {
	plan := &refPlan{}
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		rule := contract.FieldRule(field)
		switch {
		case field.IsMap():
		case rule.GetRef() != "" && field.Message() != nil:
			plan.ids = append(plan.ids, idField{field, rule, field.Message().Fields().ByName("values")})
		case rule.GetRef() != "":
			plan.ids = append(plan.ids, idField{field, rule, nil})
		case field.Message() != nil && field.Message().ParentFile().Package() != "google.protobuf":
			if child := planOf(field.Message()); len(child.ids)+len(child.children) > 0 {
				plan.children = append(plan.children, childField{field, child})
			}
		}
	}
	return plan
}

// idVisitor sees one id and returns what shall stand in its place.
type idVisitor func(path string, rule *apiv1.FieldRule, id string) (string, error)

// RewriteIDs replaces every id of a request, in place, by what visit returns. The
// path is that of the field, with proto names: "nics[0].subnet_id".
func RewriteIDs(m protoreflect.Message, visit func(path string, rule *apiv1.FieldRule, id string) (string, error)) error {
	return planOf(m.Descriptor()).rewrite(m, "", true, visit)
}

// PrefixIDs makes the native ids of an answer public, in place.
func PrefixIDs(m protoreflect.Message, prefix string) {
	_ = planOf(m.Descriptor()).rewrite(m, "", false, func(_ string, _ *apiv1.FieldRule, id string) (string, error) {
		if id == "" {
			return "", nil
		}
		return prefix + id, nil
	})
}

func (p *refPlan) rewrite(m protoreflect.Message, path string, withPath bool, visit idVisitor) error {
	for i := range p.ids {
		id := &p.ids[i]
		if !m.Has(id.field) {
			continue
		}
		where := ""
		if withPath {
			where = joinPath(path, string(id.field.Name()))
		}
		if err := id.rewrite(m, where, withPath, visit); err != nil {
			return err
		}
	}
	for i := range p.children {
		child := &p.children[i]
		if !m.Has(child.field) {
			continue
		}
		where := ""
		if withPath {
			where = joinPath(path, string(child.field.Name()))
		}
		if err := child.rewrite(m, where, withPath, visit); err != nil {
			return err
		}
	}
	return nil
}

func (f *idField) rewrite(m protoreflect.Message, path string, withPath bool, visit idVisitor) error {
	if f.values != nil {
		return rewriteList(m.Mutable(f.field).Message().Mutable(f.values).List(), path+".values", withPath, f.rule, visit)
	}
	if f.field.IsList() {
		return rewriteList(m.Mutable(f.field).List(), path, withPath, f.rule, visit)
	}
	given := m.Get(f.field).String()
	if given == "" {
		return nil // an optional field, present to be cleared
	}
	id, err := visit(path, f.rule, given)
	if err == nil {
		m.Set(f.field, protoreflect.ValueOfString(id))
	}
	return err
}

func rewriteList(list protoreflect.List, path string, withPath bool, rule *apiv1.FieldRule, visit idVisitor) error {
	for i := range list.Len() {
		where := ""
		if withPath {
			where = fmt.Sprintf("%s[%d]", path, i)
		}
		id, err := visit(where, rule, list.Get(i).String())
		if err != nil {
			return err
		}
		list.Set(i, protoreflect.ValueOfString(id))
	}
	return nil
}

func (c *childField) rewrite(m protoreflect.Message, path string, withPath bool, visit idVisitor) error {
	if !c.field.IsList() {
		return c.plan.rewrite(m.Mutable(c.field).Message(), path, withPath, visit)
	}
	list := m.Mutable(c.field).List()
	for i := range list.Len() {
		where := ""
		if withPath {
			where = fmt.Sprintf("%s[%d]", path, i)
		}
		if err := c.plan.rewrite(list.Get(i).Message(), where, withPath, visit); err != nil {
			return err
		}
	}
	return nil
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
