package drivertest

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// remove deletes a resource, waits until it is gone and holds the rules on what
// is absent.
func (s *suite) remove(ctx context.Context, f form, id string) {
	del := s.deletes[f.resource]
	if !s.declared(del) {
		s.fail(RuleNothingLeft, f.resource, "%s cannot be deleted: the rpc is not declared", id)
		return
	}
	if _, err := s.do(ctx, del, deleteRequest(del, id), s.newCall()); !s.worked(del, err) {
		return
	}
	if !s.waitGone(ctx, f.resource, id) {
		return
	}
	_, err := s.do(ctx, del, deleteRequest(del, id), s.newCall())
	wrong := ""
	if err != nil {
		wrong = err.Error()
	}
	s.verdict(RuleDelAbsent, del.FullName, wrong)
}

func deleteRequest(m *contract.Method, id string) proto.Message {
	request := m.Input.New()
	setText(request, fieldName(m), id)
	return request.Interface()
}

// waitGone follows a deletion to its end.
func (s *suite) waitGone(ctx context.Context, resource, id string) bool {
	get := s.contract.Getter(resource)
	if !s.declared(get) {
		return true
	}
	deadline := time.Now().Add(s.options.settle())
	for {
		found, err := s.get(ctx, get, id)
		switch {
		case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
			s.pass(RuleGetAbsent, get.FullName)
			return true
		case err != nil:
			s.fail(RuleGetAbsent, get.FullName, "%s is deleted, and reading it answers %v", id, err)
			return true
		}
		value, phase, _ := stateOf(found)
		switch {
		case phase == apiv1.Phase_PHASE_GONE:
			return true
		case time.Now().After(deadline):
			s.fail(RuleNothingLeft, resource, "%s was deleted and is still %s after %s", id, stateName(value), s.options.settle())
			return false
		}
		if pace.Pause(ctx, s.options.poll()) != nil {
			return false
		}
	}
}

// clear deletes what a broken promise has left behind, without judging.
func (s *suite) clear(ctx context.Context, f form, ids []string) {
	del := s.deletes[f.resource]
	if !s.declared(del) {
		return
	}
	for _, id := range ids {
		call := s.newCall()
		deadline := time.Now().Add(s.options.settle())
		for {
			_, _, err := s.invoke(ctx, del, deleteRequest(del, id), call)
			if err == nil || time.Now().After(deadline) || pace.Pause(ctx, s.options.poll()) != nil {
				break
			}
		}
	}
}

// tearDown deletes everything in reverse order. It goes on after the run was
// interrupted.
func (s *suite) tearDown(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, o := range slices.Backward(s.stack) {
		for _, step := range o.form.unlink {
			s.runStep(ctx, o, step)
		}
		s.remove(ctx, o.form, o.id)
		delete(s.made, o.form.key())
	}
	s.stack = nil
}

// checkNothingLeft looks for what carries this run's mark.
func (s *suite) checkNothingLeft(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, f := range s.forms() {
		lister := s.contract.Lister(f.resource)
		if !s.declared(s.creates[f.resource]) || !s.declared(lister) || !s.wanted(f.resource) || needsParent(lister) {
			continue
		}
		var left []string
		var err error
		deadline := time.Now().Add(s.options.settle())
		for {
			left, err = s.marked(ctx, f)
			if err == nil && len(left) == 0 || time.Now().After(deadline) || pace.Pause(ctx, s.options.poll()) != nil {
				break
			}
		}
		wrong := ""
		switch {
		case err != nil:
			wrong = "it cannot be seen what is left: " + err.Error()
		case len(left) > 0:
			wrong = "left behind: " + strings.Join(left, ", ")
		}
		s.verdict(RuleNothingLeft, f.resource, wrong)
	}
}

// needsParent tells whether a list without its parent is refused; the parent is gone by then.
func needsParent(lister *contract.Method) bool {
	switch lister.Input.Descriptor().Name() {
	case "ListMembersRequest", "ListSecurityGroupRulesRequest":
		return true
	}
	return false
}

func (s *suite) marked(ctx context.Context, f form) ([]string, error) {
	items, err := s.list(ctx, f.resource, nil, nil)
	var found []string
	for _, item := range items {
		if strings.Contains(text(item, "name"), s.run) || strings.Contains(text(item, "description"), s.run) {
			found = append(found, text(item, "id"))
		}
	}
	return found, err
}
