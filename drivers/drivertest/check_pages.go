package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// inPages is how many resources a check of pages makes.
const inPages = 5

// checkPages reads pages of two while one resource goes and another comes.
func (s *suite) checkPages(ctx context.Context) {
	for _, f := range s.forms() {
		lister, create := s.contract.Lister(f.resource), s.creates[f.resource]
		if f.paged && s.made[f.resource] != nil && s.declared(lister) {
			var made []*object
			for range inPages {
				if o := s.quick(ctx, f); o != nil {
					made = append(made, o)
				}
			}
			if len(made) == inPages {
				s.verdict(RulePages, lister.FullName, s.readPages(ctx, f, &made))
			} else {
				s.untested(RulePages, lister.FullName, "%s did not make enough", create.FullName)
			}
			for _, o := range made {
				s.remove(ctx, f, o.id)
			}
			return
		}
	}
}

// quick makes one more of a resource.
func (s *suite) quick(ctx context.Context, f form) *object {
	create := s.creates[f.resource]
	o, _, err := s.prepare(f, create, true)
	if err != nil {
		return nil
	}
	done, err := s.do(ctx, create, o.request, o.call)
	if !s.worked(create, err) {
		return nil
	}
	o.id = text(done.answer.ProtoReflect(), "id")
	if !s.settle(ctx, f.resource, o.id, nil) {
		return nil
	}
	return o
}

func holds(items []protoreflect.Message, id string) bool {
	return slices.ContainsFunc(items, func(m protoreflect.Message) bool { return text(m, "id") == id })
}

// readPages tells what is wrong with the pages.
func (s *suite) readPages(ctx context.Context, f form, made *[]*object) string {
	changed := false
	items, err := s.list(ctx, f.resource, nil, func(seen []protoreflect.Message) {
		gone := slices.IndexFunc(*made, func(o *object) bool { return holds(seen, o.id) })
		if changed || gone < 0 {
			return
		}
		changed = true
		s.remove(ctx, f, (*made)[gone].id)
		*made = slices.Delete(*made, gone, gone+1)
		if come := s.quick(ctx, f); come != nil {
			*made = append(*made, come)
		}
	})
	if err != nil {
		return err.Error()
	}
	seen := map[string]int{}
	for _, item := range items {
		seen[text(item, "id")]++
	}
	var wrong []string
	for _, o := range (*made)[:min(inPages-1, len(*made))] {
		if seen[o.id] == 0 {
			wrong = append(wrong, o.id+" was lost")
		}
	}
	for id, times := range seen {
		if times > 1 {
			wrong = append(wrong, fmt.Sprintf("%s came %d times", id, times))
		}
	}
	return strings.Join(wrong, "; ")
}
