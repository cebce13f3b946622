package drivertest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// maxPages bounds one listing.
const maxPages = 10000

func fieldName(m *contract.Method) protoreflect.Name { return protoreflect.Name(m.IDField) }

// reached tells whether a state is one that an rpc leads to.
func reached(m *contract.Method, state protoreflect.EnumNumber) bool {
	return m == nil || len(m.Until) == 0 || slices.Contains(m.Until, state)
}

func subject(m, otherwise *contract.Method) string {
	if m == nil {
		m = otherwise
	}
	return m.FullName
}

func stateName(value protoreflect.EnumValueDescriptor) string {
	if value == nil {
		return "in a state that the contract does not know"
	}
	return string(value.Name())
}

// get reads one resource.
func (s *suite) get(ctx context.Context, m *contract.Method, id string) (protoreflect.Message, error) {
	request := m.Input.New()
	setText(request, "id", id)
	done, err := s.do(ctx, m, request.Interface(), s.newCall())
	if err != nil {
		return nil, err
	}
	found := resourceOf(done.answer)
	if found == nil {
		return nil, errors.New("the answer holds no resource")
	}
	return found, nil
}

// list reads all pages. like fills the parents of the list, where the request
// of a resource has the same ones. With between, pages are of two, and between
// is called after each but the last with what was seen so far.
func (s *suite) list(ctx context.Context, resource string, like *object, between func(seen []protoreflect.Message)) ([]protoreflect.Message, error) {
	m := s.contract.Lister(resource)
	if !s.declared(m) {
		return nil, nil
	}
	var all []protoreflect.Message
	request := m.Input.New()
	fillParents(request, like)
	if f := request.Descriptor().Fields().ByName("page_size"); f != nil && between != nil {
		request.Set(f, protoreflect.ValueOfInt32(2))
	}
	for range maxPages {
		done, err := s.do(ctx, m, request.Interface(), s.newCall())
		if err != nil {
			return nil, err
		}
		all = append(all, itemsOf(done.answer)...)
		next := text(done.answer.ProtoReflect(), "next_page_token")
		if next == "" {
			s.pass(RuleDeclared, m.FullName)
			return all, nil
		}
		request = proto.Clone(request.Interface()).ProtoReflect()
		setText(request, "page_token", next)
		if between != nil {
			between(all)
		}
	}
	return nil, errors.New("the pages do not end")
}

// fillParents sets the parents that some lists cannot do without.
func fillParents(request protoreflect.Message, like *object) {
	if like == nil || like.request == nil {
		return
	}
	for _, name := range []protoreflect.Name{"pool_id", "security_group_id", "firewall_policy_id"} {
		if parent := text(like.request.ProtoReflect(), name); parent != "" {
			setText(request, name, parent)
		}
	}
}

// idsOf are the ids of all resources of a type; a list that fails is empty and reported.
func (s *suite) idsOf(ctx context.Context, resource string, like *object) map[string]bool {
	ids := map[string]bool{}
	for _, item := range s.items(ctx, resource, like) {
		ids[text(item, "id")] = true
	}
	return ids
}

func (s *suite) items(ctx context.Context, resource string, like *object) []protoreflect.Message {
	items, err := s.list(ctx, resource, like, nil)
	if err != nil {
		s.worked(s.contract.Lister(resource), err)
	}
	return items
}

// leaving tells whether a resource is being deleted.
func leaving(item protoreflect.Message) bool {
	value, _, has := stateOf(item)
	return has && value != nil && strings.HasSuffix(string(value.Name()), "_DELETING")
}

// newIDs are those that were not there before, may be of this run, and stay.
func (s *suite) newIDs(ctx context.Context, resource string, like *object, before map[string]bool) []string {
	var found []string
	for _, item := range s.items(ctx, resource, like) {
		name := text(item, "name")
		foreign := name != "" && !strings.Contains(name, s.run) && !strings.Contains(text(item, "description"), s.run)
		if id := text(item, "id"); !before[id] && !foreign && !leaving(item) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}
