package operation

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const (
	// visibleAfter is how long a fresh resource may be unknown to reads.
	visibleAfter = 60 * time.Second
	// failingGrace is how long a resource may still look failed after its deletion
	// was accepted.
	failingGrace = 30 * time.Second
	// stuckAfter is how long a resource may stay settled in another state than the
	// operation leads to before the cloud is taken to have given up.
	stuckAfter = 3 * time.Minute
	// glanceTime bounds a read that only brings the inventory up to date.
	glanceTime = 5 * time.Second
)

// followed tells whether the resource must be watched after the driver's answer.
func (t *task) followed() bool {
	getter := t.engine.contract.Getter(t.method.ResourceType)
	return !t.method.Immediate && getter != nil && resourceField(getter).Message().Fields().ByName("state") != nil
}

// resourceField is the field of a Get answer that holds the resource: its first.
func resourceField(getter *contract.Method) protoreflect.FieldDescriptor {
	return getter.Output.Descriptor().Fields().Get(0)
}

// follow makes one move of an accepted operation: the next step, one look at the
// resource, or the chain.
func (t *task) follow(ctx context.Context) error {
	if t.engine.now().After(t.row.DeadlineAt) {
		return t.giveUp(ctx)
	}
	if t.undoAsked.given() {
		if cancellable(&t.row) {
			if err := t.update(ctx, func(r *row) { r.Undo = true }); err != nil {
				return err
			}
		}
		t.undoSeen.give()
	}
	acc, err := t.engine.accounts.Get(t.row.AccountID)
	if err != nil {
		return t.fail(ctx, err, true)
	}
	if t.row.NextStep != "" || t.row.Undo {
		return t.step(ctx, acc)
	}
	if t.followed() && !t.row.Chaining {
		return t.look(ctx, acc)
	}
	return t.runChain(ctx, acc)
}

// step repeats the rpc with the driver's next step.
func (t *task) step(ctx context.Context, acc *account.Account) error {
	if err := t.pause(ctx); err != nil {
		return err
	}
	if t.undoAsked.given() && cancellable(&t.row) {
		return nil // asked during the pause
	}
	_, trailer, err := t.call(ctx, acc, t.row.Attempts+t.unrecorded)
	t.unrecorded++
	t.pollAfter = trailer.PollAfter
	switch judge(err) {
	case succeeded:
		if t.row.Undo && trailer.NextStep == "" {
			return t.endUndone(ctx)
		}
		if trailer.NextStep == t.row.NextStep {
			t.unrecorded = 0
			return nil
		}
		t.patience.reset()
		err = t.update(ctx, func(r *row) { r.NextStep = trailer.NextStep })
	case refused:
		return t.refuseStep(ctx, err)
	default:
		err = t.update(ctx, func(r *row) { r.Attempts++ })
	}
	if err == nil {
		t.unrecorded = 0
	}
	return err
}

// look reads the resource once and decides whether the operation has ended.
func (t *task) look(ctx context.Context, acc *account.Account) error {
	if err := t.pause(ctx); err != nil {
		return err
	}
	getter := t.engine.contract.Getter(t.method.ResourceType)
	_, native, err := publicid.Split("id", t.row.ResourceID)
	if err != nil {
		return t.fail(ctx, err, true)
	}
	answer, trailer, err := t.get(ctx, acc, getter, native)
	t.pollAfter = trailer.PollAfter
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return t.lookAbsent(ctx)
	}
	if err != nil {
		return nil // the cloud cannot be asked now; the deadline ends this
	}
	resource := answer.ProtoReflect().Get(resourceField(getter)).Message()
	body, err := proto.Marshal(resource.Interface())
	if err != nil {
		return err
	}
	return t.decide(ctx, resource, body)
}

// glance reads the resource of an operation that has ended, for the inventory. It
// finds nothing where the cloud cannot be asked: the cache is then as old as it is.
func (t *task) glance(ctx context.Context, acc *account.Account, resourceType, resourceID string) (state string, body []byte) {
	getter := t.engine.contract.Getter(resourceType)
	_, native, err := publicid.Split("id", resourceID)
	if getter == nil || err != nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, glanceTime)
	defer cancel()
	answer, _, err := t.get(ctx, acc, getter, native)
	if err != nil {
		return "", nil
	}
	resource := answer.ProtoReflect().Get(resourceField(getter)).Message()
	if body, err = proto.Marshal(resource.Interface()); err != nil {
		return "", nil
	}
	return stateName(resource), body
}

func (t *task) lookAbsent(ctx context.Context) error {
	switch {
	case t.method.Kind == apiv1.Kind_KIND_DELETE:
		return t.succeed(ctx, t.goneState(), nil, true)
	case t.method.Kind == apiv1.Kind_KIND_CREATE && t.engine.now().Sub(*t.row.StartedAt) < visibleAfter:
		return nil
	default:
		return t.failGone(ctx)
	}
}

// goneState is the state of the resource when it is no more; "" if its type has none.
func (t *task) goneState() string {
	resource := resourceField(t.engine.contract.Getter(t.method.ResourceType)).Message()
	values := resource.Fields().ByName("state").Enum().Values()
	for i := range values.Len() {
		if contract.Phase(values.Get(i)) == apiv1.Phase_PHASE_GONE {
			return string(values.Get(i).Name())
		}
	}
	return ""
}

func (t *task) decide(ctx context.Context, resource protoreflect.Message, body []byte) error {
	field := resource.Descriptor().Fields().ByName("state")
	number := resource.Get(field).Enum()
	state := stateName(resource)
	deleting := t.method.Kind == apiv1.Kind_KIND_DELETE
	switch contract.Phase(field.Enum().Values().ByNumber(number)) {
	case apiv1.Phase_PHASE_GONE:
		if deleting {
			return t.succeed(ctx, state, body, true)
		}
		return t.failTaken(ctx, resource, state)
	case apiv1.Phase_PHASE_FAILED:
		if deleting && t.engine.now().Sub(*t.row.StartedAt) < failingGrace {
			return t.observe(ctx, state, body)
		}
		return t.failResource(ctx, resource, state, body)
	case apiv1.Phase_PHASE_SETTLED:
		if !deleting && (len(t.method.Until) == 0 || slices.Contains(t.method.Until, number)) {
			return t.settle(ctx, state, body)
		}
		return t.settledElsewhere(ctx, state, body)
	}
	t.elsewhere = ""
	return t.observe(ctx, state, body)
}

// settledElsewhere gives the cloud some time to begin, or to go on, and then ends
// the operation.
func (t *task) settledElsewhere(ctx context.Context, state string, body []byte) error {
	now := t.engine.now()
	if t.elsewhere != state {
		t.elsewhere, t.elsewhereSince = state, now
	}
	if now.Sub(t.elsewhereSince) >= stuckAfter {
		return t.failElsewhere(ctx, state, body)
	}
	return t.observe(ctx, state, body)
}

// settle ends the operation, or goes on to its chain.
func (t *task) settle(ctx context.Context, state string, body []byte) error {
	items, err := t.chainItems()
	if err != nil {
		return t.fail(ctx, err, true)
	}
	if len(items) == 0 {
		return t.succeed(ctx, state, body, false)
	}
	return t.record(ctx, func(r *row) {
		r.ResourceState, r.Chaining = state, true
	}, t.observation(t.row.ResourceID, state, body))
}

// observe records a state that has changed since the last look.
func (t *task) observe(ctx context.Context, state string, body []byte) error {
	if state == t.row.ResourceState {
		return nil
	}
	return t.record(ctx, func(r *row) { r.ResourceState = state }, t.observation(t.row.ResourceID, state, body))
}
