package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// object is a resource that the run has made.
type object struct {
	form    form
	id      string
	own     values
	request proto.Message
	call    sdk.Call
}

// live runs the life of one resource but for its end.
func (s *suite) live(ctx context.Context, f form) {
	create := s.creates[f.resource]
	if !s.declared(create) {
		return
	}
	o := s.createMain(ctx, f, create)
	if o == nil {
		return
	}
	s.made[f.key()] = o
	s.checkRead(ctx, o)
	for _, step := range slices.Concat(f.link, f.calls) {
		s.runStep(ctx, o, step)
	}
	if f.single {
		return
	}
	s.checkParallel(ctx, f, create)
	if f.crash {
		s.checkCrash(ctx, f, create)
	}
}

// prepare makes a resource's request without sending it. sibling is for those
// that are made beside the main one.
func (s *suite) prepare(f form, create *contract.Method, sibling bool) (*object, []string, error) {
	o := &object{form: f, own: s.newValues(f.resource), call: s.newCall()}
	request, features, err := s.build(create, f.body, o.own)
	if err != nil {
		return nil, nil, err
	}
	o.request = request
	s.tag(o)
	s.chooseOne(o, sibling)
	return o, features, nil
}

// tag gives a new resource a tag where the driver says that its cloud keeps tags.
func (s *suite) tag(o *object) {
	m := o.request.ProtoReflect()
	field := m.Descriptor().Fields().ByName("tags")
	if field == nil || !field.IsMap() || !s.features[o.form.resource+".tags"] {
		return
	}
	m.Mutable(field).Map().Set(protoreflect.ValueOfString("conformance").MapKey(), protoreflect.ValueOfString(s.run))
}

// chooseOne leaves one of the fields that exclude each other.
func (s *suite) chooseOne(o *object, last bool) {
	m := o.request.ProtoReflect()
	var given []int
	for i, name := range o.form.oneOf {
		if m.Has(m.Descriptor().Fields().ByName(name)) {
			given = append(given, i)
		}
	}
	if len(given) < 2 {
		return
	}
	keep := given[0]
	if last {
		keep = given[len(given)-1]
	}
	for _, i := range given {
		if i != keep {
			m.Clear(m.Descriptor().Fields().ByName(o.form.oneOf[i]))
		}
	}
}

// createMain makes the resource that others build on, twice with one request id.
func (s *suite) createMain(ctx context.Context, f form, create *contract.Method) *object {
	o, features, err := s.prepare(f, create, false)
	if err != nil {
		if errors.Is(err, errMissing) {
			s.untested(RuleDeclared, create.FullName, "%v", err)
		} else {
			s.fail(RuleDeclared, create.FullName, "%v", err)
		}
		s.note(create)
		return nil
	}
	before := s.idsOf(ctx, f.resource, o)
	done, err := s.do(ctx, create, o.request, o.call)
	if !s.worked(create, err) {
		s.clear(ctx, f, s.newIDs(ctx, f.resource, o, before))
		return nil
	}
	o.id = text(done.answer.ProtoReflect(), "id")
	if o.id == "" {
		s.fail(RuleDeclared, create.FullName, "the answer has no id")
		return nil
	}
	for _, feature := range features {
		s.used[feature] = true
	}
	s.stack = append(s.stack, o)
	s.repeat(ctx, create, o, before)
	if !s.settle(ctx, f.resource, o.id, nil) {
		return nil
	}
	if done.step != "" {
		s.checkUndo(ctx, f, create)
	}
	return o
}

// repeat sends the create again and counts.
func (s *suite) repeat(ctx context.Context, create *contract.Method, o *object, before map[string]bool) {
	if err := pace.Pause(ctx, s.markerDelay()); err != nil {
		return
	}
	again := o.call
	again.Attempt = 2
	done, err := s.do(ctx, create, o.request, again)
	if err != nil {
		s.fail(RuleIdempotent, create.FullName, "the repeat failed: %v", err)
		return
	}
	wrong := ""
	if id := text(done.answer.ProtoReflect(), "id"); id != o.id {
		wrong = fmt.Sprintf("the repeat answers %s, the first call %s", id, o.id)
	}
	if ids := s.newIDs(ctx, o.form.resource, o, before); len(ids) > 1 {
		wrong = fmt.Sprintf("two calls with one request id made %s", strings.Join(ids, ", "))
		s.clear(ctx, o.form, without(ids, o.id))
	}
	s.verdict(RuleIdempotent, create.FullName, wrong)
}

// markerDelay is how long a driver that looks for a marker cannot see it.
func (s *suite) markerDelay() time.Duration {
	if s.repeats.GetNativeToken() {
		return 0
	}
	return time.Duration(s.repeats.GetMarkerDelaySeconds()) * time.Second
}

// runStep calls one rpc of a resource's life and waits for its end.
func (s *suite) runStep(ctx context.Context, o *object, step step) {
	m := s.method(step.rpc)
	if !s.declared(m) {
		return
	}
	own := values{"id": o.id}
	for k, v := range o.own {
		own[k] = v
	}
	request, features, err := s.build(m, step.body, own)
	if err != nil {
		if errors.Is(err, errMissing) {
			s.untested(RuleDeclared, m.FullName, "%v", err)
			s.note(m)
			return
		}
		s.fail(RuleDeclared, m.FullName, "%v", err)
		return
	}
	_, err = s.do(ctx, m, request, s.newCall())
	if step.mayLack && sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		err = nil
	}
	if !s.worked(m, err) {
		return
	}
	for _, feature := range features {
		s.used[feature] = true
	}
	if id := text(request.ProtoReflect(), fieldName(m)); m.IsWrite() && id != "" {
		s.settle(ctx, m.ResourceType, id, m)
	}
}

// method finds an rpc by the end of its name.
func (s *suite) method(name string) *contract.Method {
	for _, m := range s.contract.Methods {
		if strings.HasSuffix(m.FullName, "."+name) {
			return m
		}
	}
	return nil
}

// settle follows a resource until it stays as it is, and tells whether that is
// well. after is the rpc that moved it, or nil for its creation.
func (s *suite) settle(ctx context.Context, resource, id string, after *contract.Method) bool {
	get := s.contract.Getter(resource)
	if !s.declared(get) {
		return true
	}
	deadline := time.Now().Add(s.options.settle())
	for {
		found, err := s.get(ctx, get, id)
		if err != nil && !(after == nil && sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND && time.Now().Before(deadline)) {
			s.fail(RuleDeclared, get.FullName, "read %s: %v", id, err)
			return false
		}
		if err == nil {
			s.checkStates(resource, found)
			value, phase, has := stateOf(found)
			switch {
			case !has, phase == apiv1.Phase_PHASE_SETTLED && reached(after, value.Number()):
				s.pass(RuleSettles, resource)
				if resource == "security.firewall" && s.picks["firewall_policy"] == "" {
					s.picks["firewall_policy"] = text(found, "ingress_policy_id")
				}
				return true
			case phase == apiv1.Phase_PHASE_FAILED:
				s.fail(RuleDeclared, subject(after, s.creates[resource]), "%s ended in %s: %s", id, value.Name(), text(found, "state_reason"))
				return false
			case time.Now().After(deadline):
				s.fail(RuleSettles, resource, "%s is still %s (%s) after %s", id, stateName(value), text(found, "provider_state"), s.options.settle())
				return false
			}
		}
		if pace.Pause(ctx, s.options.poll()) != nil {
			return false
		}
	}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}
