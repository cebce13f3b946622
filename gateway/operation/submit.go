package operation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Submission is one write, checked and ready for the driver.
type Submission struct {
	Method     *contract.Method
	AccountID  string
	TenantID   string // organization that will own what is made
	ActorID    string
	RequestID  string
	Key        string // idempotency key; empty: none
	Hash       []byte // of the message as the client meant it
	Request    proto.Message
	ResourceID string // public id of what is acted on; empty for creates
	Protect    bool   // a create asks for deletion protection
	Quotas     []pipeline.Quota
	// Check may refuse a new intent; repeats are answered without it. Nil: no check.
	Check    func(context.Context) error
	Callback string
	Wait     time.Duration // for the end, after the cloud has accepted
	parentID string
}

// Result is what Submit found out.
type Result struct {
	Answer proto.Message
	// Repeat tells that the key was seen before: one-time secrets are left out.
	Repeat bool
}

type keyID struct{ tenant, method, key string }

// keyUse is a key being submitted right now.
type keyUse struct {
	hash []byte
	done chan struct{} // closed when the row exists or the submission has failed
	task *task         // set before done is closed, if a row was made
}

// Submit records the intent, has the cloud called, and answers when the cloud has
// given an id, or after the accept timeout with what is known. The work goes on
// when the context ends.
func (e *Engine) Submit(ctx context.Context, s Submission) (Result, error) {
	t, repeat, err := e.begin(ctx, s)
	if err != nil {
		return Result{}, err
	}
	answer, err := e.await(ctx, t, s.Wait)
	return Result{Answer: answer, Repeat: repeat}, err
}

// begin finds the operation that a key stands for, or makes one.
func (e *Engine) begin(ctx context.Context, s Submission) (t *task, repeat bool, err error) {
	if s.Key == "" {
		t, err = e.insert(ctx, s)
		return t, false, err
	}
	id := keyID{s.TenantID, s.Method.FullName, s.Key}
	e.mu.Lock()
	use, busy := e.keys[id]
	if !busy {
		use = &keyUse{hash: s.Hash, done: make(chan struct{})}
		e.keys[id] = use
	}
	e.mu.Unlock()
	if busy {
		return e.join(ctx, use, s)
	}
	defer func() {
		use.task = t
		e.mu.Lock()
		delete(e.keys, id)
		e.mu.Unlock()
		close(use.done)
	}()
	if t, err = e.recall(ctx, id, s.Hash); t != nil || err != nil {
		return t, true, err
	}
	t, err = e.insert(ctx, s)
	if db.IsDuplicate(err) { // another replica was faster
		t, err = e.recall(ctx, id, s.Hash)
		return t, true, err
	}
	return t, false, err
}

// join waits for the same key's other submission.
func (e *Engine) join(ctx context.Context, use *keyUse, s Submission) (*task, bool, error) {
	if !bytes.Equal(use.hash, s.Hash) {
		return nil, false, keyConflict()
	}
	select {
	case <-use.done:
	case <-ctx.Done():
		return nil, false, sdk.NewError(apiv1.Reason_REASON_REQUEST_IN_PROGRESS, sdk.Cause(ctx.Err()))
	}
	if use.task == nil {
		return nil, false, sdk.NewError(apiv1.Reason_REASON_REQUEST_IN_PROGRESS)
	}
	return use.task, true, nil
}

// recall finds the operation of a key that was used before, or nil.
func (e *Engine) recall(ctx context.Context, id keyID, hash []byte) (*task, error) {
	var r row
	found := e.store.Read.WithContext(ctx).
		Where("tenant_id = ? AND method = ? AND idempotency_key = ?", id.tenant, id.method, id.key).Limit(1).Find(&r)
	if found.Error != nil {
		return nil, fmt.Errorf("look up idempotency key: %w", found.Error)
	}
	if found.RowsAffected == 0 {
		return nil, nil
	}
	if !bytes.Equal(r.MessageHash, hash) {
		return nil, keyConflict()
	}
	if t := e.task(r.ID); t != nil {
		return t, nil
	}
	return e.loadTask(r)
}

func keyConflict() error {
	return sdk.NewError(apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT,
		sdk.Violation("request_id", "the key was used with another message in the last 24 hours"))
}

// insert records the intent and starts the task. The first attempt is part of the
// intent: whoever finds the row later must assume that it was made.
func (e *Engine) insert(ctx context.Context, s Submission) (*task, error) {
	if e.ctx.Err() != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.Cause(errors.New("the gateway is stopping")))
	}
	if s.Check != nil {
		if err := s.Check(ctx); err != nil {
			return nil, err
		}
	}
	request, err := proto.Marshal(s.Request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	now := e.now()
	r := row{
		ID: rowid.New(), TenantID: s.TenantID, Method: s.Method.FullName, MessageHash: s.Hash, AccountID: s.AccountID,
		ResourceType: s.Method.ResourceType, ResourceID: s.ResourceID, ActorID: s.ActorID, RequestID: s.RequestID,
		ParentID: s.parentID, Protect: s.Protect, CallbackURL: s.Callback,
		Status: int32(apiv1.OperationStatus_OPERATION_STATUS_PENDING), Attempts: 1, LastAttemptAt: now, CreatedAt: now,
		DeadlineAt: now.Add(time.Duration(s.Method.Timeout) * time.Second), LeaseOwner: e.owner, Fence: 1,
	}
	r.Request = e.box.Seal(request, sealLabel(r.ID))
	if s.Key != "" {
		r.IdempotencyKey = &s.Key
	}
	err = e.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := CheckQuotas(tx, s.Quotas); err != nil {
			return err
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return e.renew(tx, []string{r.ID})
	})
	if err != nil {
		return nil, err
	}
	t := newTask(e, r, s.Method, s.Request)
	t.fresh, t.span = true, trace.SpanContextFromContext(ctx)
	e.launch(t)
	return t, nil
}

func sealLabel(id string) string { return "operation_operations/" + id }

// await answers when the cloud has, and then, if asked, at the operation's end.
func (e *Engine) await(ctx context.Context, t *task, wait time.Duration) (proto.Message, error) {
	t = e.waitFor(ctx, t, e.opts.AcceptTimeout, func(t *task) signal { return t.accepted })
	first, err := t.answer(false)
	if err != nil || wait == 0 {
		return first, t.annotate(err)
	}
	t = e.waitFor(ctx, t, wait, func(t *task) signal { return t.ended })
	answer, err := t.answer(true)
	return answer, t.annotate(err)
}

// waitFor waits for a signal of an operation, here or, if another process runs it,
// in the store. It returns the task as it is then.
func (e *Engine) waitFor(ctx context.Context, t *task, limit time.Duration, which func(*task) signal) *task {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	pace := pacer{first: e.opts.FirstPoll, max: e.opts.MaxPoll}
	for {
		if e.task(t.id) == t {
			select {
			case <-which(t).C:
			case <-t.done.C:
			case <-ctx.Done():
			}
		}
		if which(t).given() || ctx.Err() != nil {
			return t
		}
		r, err := e.read(ctx, t.id)
		if err != nil {
			return t
		}
		if stored, err := e.loadTask(r); err == nil {
			t = stored
		}
		if which(t).given() || pace.wait(ctx, 0) != nil {
			return t
		}
	}
}

// annotate says of which account and operation an error is.
func (t *task) annotate(err error) error {
	r := t.snapshot()
	return fault.InOperation(fault.InAccount(err, r.AccountID), r.ID)
}
