package operation

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// task is one operation in this process. Only the goroutine of run changes row;
// mu guards what others read.
type task struct {
	engine  *Engine
	id      string
	method  *contract.Method
	request proto.Message // native ids; nil once ended
	fresh   bool          // the first attempt has not been made yet
	// span is of the request that began the operation, where that was in this process.
	span trace.SpanContext

	accepted signal // there is an answer for the client
	ended    signal // it has come to its end
	done     signal // the end, or this process has let go

	undoAsked, undoSeen signal // somebody asks for the steps to be taken back; it is recorded

	// Of the goroutine of run alone:
	adrift         bool // as far as is known here, an earlier attempt may still run at the cloud
	patience       pacer
	pollAfter      time.Duration // what the driver asked for before the next look
	unrecorded     int32         // calls of the present step since the row was last written
	calls          []cloudCall   // made since the row was last written
	elsewhere      string        // settled state other than the one that is waited for
	elsewhereSince time.Time

	mu       sync.Mutex
	row      row
	outcome  error // why it failed, with all that the log may know
	nextLook time.Time
}

func newTask(e *Engine, r row, m *contract.Method, request proto.Message) *task {
	return &task{
		engine: e, id: r.ID, method: m, request: request, row: r,
		accepted: newSignal(), ended: newSignal(), done: newSignal(), undoAsked: newSignal(), undoSeen: newSignal(),
		patience: pacer{first: e.opts.FirstPoll, max: e.opts.MaxPoll},
	}
}

// loadTask makes a task of a stored row, for reading or for taking it up.
func (e *Engine) loadTask(r row) (*task, error) {
	m := e.contract.Method(r.Method)
	if m == nil {
		return nil, fmt.Errorf("operation %s: unknown method %s", r.ID, r.Method)
	}
	t := newTask(e, r, m, nil)
	t.adrift = true
	if len(r.Request) > 0 {
		plain, err := e.box.Open(r.Request, sealLabel(r.ID))
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", r.ID, err)
		}
		t.request = m.Input.New().Interface()
		if err := proto.Unmarshal(plain, t.request); err != nil {
			return nil, fmt.Errorf("operation %s: decode request: %w", r.ID, err)
		}
	}
	if len(r.Answer) > 0 || r.ended() {
		t.accepted.give()
	}
	if r.ended() {
		t.ended.give()
		t.done.give()
	}
	return t, nil
}

// snapshot copies the row for readers.
func (t *task) snapshot() row {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.row
}

// run works until the operation has ended, the lease is lost or the process stops.
func (t *task) run(ctx context.Context) {
	log := t.engine.log.With(slog.String("operation_id", t.row.ID), slog.String("request_id", t.row.RequestID),
		slog.String("account_id", t.row.AccountID), slog.String("method", t.method.FullName))
	for !t.row.ended() {
		err := t.advance(ctx)
		if ctx.Err() != nil {
			return
		}
		if lost := isLost(err); lost || err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "operation paused", slog.Bool("lease_lost", lost), slog.String("error", err.Error()))
			if lost || t.patience.wait(ctx, 0) != nil {
				return
			}
		}
	}
	log.LogAttrs(ctx, slog.LevelInfo, "operation ended", slog.String("status", t.row.status().String()),
		slog.String("resource_id", t.row.ResourceID), slog.Int("attempts", int(t.row.Attempts)))
}

// advance makes the next move. An error means that the move could not be recorded
// and is made again.
func (t *task) advance(ctx context.Context) error {
	if t.row.Status == int32(apiv1.OperationStatus_OPERATION_STATUS_RUNNING) {
		return t.follow(ctx)
	}
	return t.attempt(ctx)
}

// answer builds what the client is told: the first answer, or (current) the same
// with the state as it is now.
func (t *task) answer(current bool) (proto.Message, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.row
	if r.ended() && r.status() != apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED && (current || len(r.Answer) == 0) {
		return nil, t.failure()
	}
	message := t.method.Output.New()
	if len(r.Answer) > 0 {
		if err := proto.Unmarshal(r.Answer, message.Interface()); err != nil {
			return nil, fmt.Errorf("decode answer of operation %s: %w", r.ID, err)
		}
	}
	fields := message.Descriptor().Fields()
	setString(message, fields.ByName("operation_id"), r.ID)
	status := fields.ByName("operation_status")
	if status != nil && (current || len(r.Answer) == 0) {
		message.Set(status, protoreflect.ValueOfEnum(protoreflect.EnumNumber(r.Status)))
	}
	if state := fields.ByName("state"); current && state != nil && state.Enum() != nil && r.ResourceState != "" {
		if value := state.Enum().Values().ByName(protoreflect.Name(r.ResourceState)); value != nil {
			message.Set(state, protoreflect.ValueOfEnum(value.Number()))
		}
	}
	return message.Interface(), nil
}

// failure is why the operation ended badly; from the store if this process did
// not see it.
func (t *task) failure() error {
	if t.outcome != nil {
		return t.outcome
	}
	return fault.Remember(t.row.error())
}

func setString(m protoreflect.Message, field protoreflect.FieldDescriptor, value string) {
	if field != nil {
		m.Set(field, protoreflect.ValueOfString(value))
	}
}

// pacer spaces looks at something that changes: quick at first, then slower.
type pacer struct {
	first, max, current time.Duration
}

// next is the interval before the next look.
func (p *pacer) next() time.Duration {
	interval := max(p.current, p.first)
	p.current = min(interval*2, p.max)
	return interval
}

// wait sleeps for the next interval, or for at least so long.
func (p *pacer) wait(ctx context.Context, least time.Duration) error {
	return sleep(ctx, max(p.next(), least), nil)
}

// sleep waits for a time, or until wake is closed.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
		return nil
	case <-timer.C:
		return nil
	}
}

func (p *pacer) reset() { p.current = 0 }

// pause waits before the next look or step, at least as long as the driver asked
// for. A request to take the steps back ends it.
func (t *task) pause(ctx context.Context) error {
	interval := max(t.patience.next(), t.pollAfter)
	t.pollAfter = 0
	t.mu.Lock()
	t.nextLook = t.engine.now().Add(interval)
	t.mu.Unlock()
	var wake <-chan struct{}
	if !t.undoAsked.given() {
		wake = t.undoAsked.C
	}
	return sleep(ctx, interval, wake)
}

// next is when the resource will be looked at again; nil: not known yet.
func (t *task) next() *time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nextLook.IsZero() {
		return nil
	}
	at := t.nextLook
	return &at
}
