package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// checkRead holds what a resource that has just been made must look like.
func (s *suite) checkRead(ctx context.Context, o *object) {
	resource := o.form.resource
	get := s.contract.Getter(resource)
	if !s.declared(get) {
		return
	}
	found, err := s.get(ctx, get, o.id)
	if !s.worked(get, err) {
		return
	}
	wrong := ""
	asked := o.request.ProtoReflect()
	for _, name := range []protoreflect.Name{"size_gib", "memory_mib", "storage_gib", "cpu_millicores"} {
		want, got := number(asked, name), number(found, name)
		if want != 0 && got != 0 && got != want {
			wrong = fmt.Sprintf("%s was asked to be %d and is %d", name, want, got)
		}
		if want != 0 && got != 0 {
			s.verdict(RuleUnits, resource, wrong)
		}
	}
	s.checkKept(resource, asked, found)
	if lister := s.contract.Lister(resource); s.declared(lister) && !s.idsOf(ctx, resource, o)[o.id] {
		s.fail(RuleDeclared, lister.FullName, "%s is there and not in the list", o.id)
	}
}

// checkKept holds that a resource has the description and the tags that it was
// asked to have, where the driver says that its cloud keeps them.
func (s *suite) checkKept(resource string, asked, found protoreflect.Message) {
	for _, name := range []protoreflect.Name{"description", "tags"} {
		feature := resource + "." + string(name)
		in, out := asked.Descriptor().Fields().ByName(name), found.Descriptor().Fields().ByName(name)
		if !s.features[feature] || in == nil || out == nil || !asked.Has(in) {
			continue
		}
		if !asked.Get(in).Equal(found.Get(out)) {
			s.fail(RuleFeature, feature, "%s was asked to be %v and is %v", name, asked.Get(in), found.Get(out))
			continue
		}
		s.used[feature] = true
	}
}

// atOnce is how many creates are sent together.
const atOnce = 3

// checkParallel sends one create several times together. Where the cloud has no
// token, the driver may find twins only later: the last repeat must tidy up.
func (s *suite) checkParallel(ctx context.Context, f form, create *contract.Method) {
	o, features, err := s.prepare(f, create, true)
	if err != nil {
		return
	}
	before := s.idsOf(ctx, f.resource, o)
	ids := make([]string, atOnce)
	errs := make([]error, atOnce)
	var group sync.WaitGroup
	for i := range atOnce {
		call := o.call
		call.Attempt = i + 1
		group.Go(func() {
			done, err := s.do(ctx, create, o.request, call)
			if err == nil {
				ids[i] = text(done.answer.ProtoReflect(), "id")
			}
			errs[i] = err
		})
	}
	group.Wait()
	wrong := ""
	if s.repeats.GetNativeToken() {
		if err := errors.Join(errs...); err != nil {
			wrong = err.Error()
		} else if slices.Sort(ids); ids[0] != ids[atOnce-1] {
			wrong = "the calls answer " + strings.Join(slices.Compact(ids), ", ")
		}
	}
	if wrong == "" {
		wrong = s.lastRepeat(ctx, create, o, atOnce+1)
	}
	made := s.newIDs(ctx, f.resource, o, before)
	if notOurs(errors.Join(errs...)) {
		s.untested(RuleParallel, create.FullName, "%v", errors.Join(errs...))
	} else {
		if len(made) > 1 {
			wrong = fmt.Sprintf("%d calls with one request id made %s", atOnce+1, strings.Join(made, ", "))
		}
		s.verdict(RuleParallel, create.FullName, wrong)
	}
	if wrong == "" {
		for _, feature := range features {
			s.used[feature] = true
		}
	}
	if main := s.made[f.resource]; main != nil && o.id == main.id {
		s.fail(RuleIdempotent, create.FullName, "another request id got the first one's %s", o.id)
		return
	}
	s.finish(ctx, f, o.id, made)
}

// lastRepeat repeats a create once more, when its marker can be seen, and keeps its id.
func (s *suite) lastRepeat(ctx context.Context, create *contract.Method, o *object, attempt int) string {
	if err := pace.Pause(ctx, s.markerDelay()); err != nil {
		return err.Error()
	}
	call := o.call
	call.Attempt = attempt
	done, err := s.do(ctx, create, o.request, call)
	if err != nil {
		return "the last repeat failed: " + err.Error()
	}
	o.id = text(done.answer.ProtoReflect(), "id")
	return ""
}

// finish ends what a check has made: the one it should be by the rules, the
// others without judging.
func (s *suite) finish(ctx context.Context, f form, id string, made []string) {
	s.clear(ctx, f, without(made, id))
	if id != "" && s.settle(ctx, f.resource, id, nil) {
		s.remove(ctx, f, id)
	}
}

// crashAfter are the moments after the begin of a create at which the driver is killed.
var crashAfter = []time.Duration{time.Millisecond, 0}

// checkCrash kills the driver in the middle of a create, and after the answer of
// another, and repeats.
func (s *suite) checkCrash(ctx context.Context, f form, create *contract.Method) {
	for _, after := range crashAfter {
		o, _, err := s.prepare(f, create, true)
		if err != nil {
			return
		}
		before := s.idsOf(ctx, f.resource, o)
		wrong, err := s.crash(ctx, create, o, after)
		if errors.Is(err, ErrNotOurs) {
			s.untested(RuleCrash, create.FullName, "%v", err)
			s.finish(ctx, f, o.id, s.newIDs(ctx, f.resource, o, before))
			return
		}
		if err != nil {
			s.fail(RuleCrash, create.FullName, "start it again: %v", err)
			return
		}
		if wrong == "" {
			wrong = s.lastRepeat(ctx, create, o, atOnce+1)
		}
		made := s.newIDs(ctx, f.resource, o, before)
		if len(made) > 1 {
			wrong = fmt.Sprintf("a create, kill -9 and a repeat made %s", strings.Join(made, ", "))
		}
		s.verdict(RuleCrash, create.FullName, wrong)
		s.finish(ctx, f, o.id, made)
	}
}

// crash begins a create and kills the driver after a while; 0: after the answer.
func (s *suite) crash(ctx context.Context, create *contract.Method, o *object, after time.Duration) (wrong string, err error) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		request := sdkCall(ctx, o)
		_ = s.target.Conn().Invoke(request, create.Path, o.request, create.Output.New().Interface())
	}()
	if after == 0 {
		<-answered
	} else if err := pace.Pause(ctx, after); err != nil {
		return "", err
	}
	err = s.target.Crash(ctx)
	<-answered
	if err != nil {
		return "", err
	}
	if _, err := s.openAccount(ctx); err != nil {
		return fmt.Sprintf("the account cannot be opened after the kill: %v", err), nil
	}
	return "", nil
}

// checkUndo begins a create that takes steps and has it undone.
func (s *suite) checkUndo(ctx context.Context, f form, create *contract.Method) {
	o, _, err := s.prepare(f, create, true)
	if err != nil {
		return
	}
	before := s.idsOf(ctx, f.resource, o)
	_, trailer, err := s.invoke(ctx, create, o.request, o.call)
	if err != nil || trailer.NextStep == "" {
		s.finish(ctx, f, "", s.newIDs(ctx, f.resource, o, before))
		return
	}
	undo := o.call
	undo.NextStep, undo.Undo, undo.Attempt = trailer.NextStep, true, 2
	if _, err := s.do(ctx, create, o.request, undo); err != nil {
		s.fail(RuleSteps, create.FullName, "undo: %v", err)
	}
	if left := s.newIDs(ctx, f.resource, o, before); len(left) > 0 {
		s.fail(RuleSteps, create.FullName, "undo left %s", strings.Join(left, ", "))
		s.clear(ctx, f, left)
	}
}
