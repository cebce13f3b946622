package operation_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

const (
	succeeded = apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED
	opFailed  = apiv1.OperationStatus_OPERATION_STATUS_FAILED
	timedOut  = apiv1.OperationStatus_OPERATION_STATUS_TIMED_OUT
	cancelled = apiv1.OperationStatus_OPERATION_STATUS_CANCELLED
	isRunning = apiv1.OperationStatus_OPERATION_STATUS_RUNNING
	isUnknown = apiv1.OperationStatus_OPERATION_STATUS_UNKNOWN_OUTCOME
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(dbtest.Both(m))
}

// accounts holds the one account of a rig.
type accounts struct {
	mu  sync.Mutex
	acc *account.Account
}

func (a *accounts) Get(id string) (*account.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.acc == nil || id != a.acc.ID {
		return nil, sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND)
	}
	return a.acc, nil
}

func (a *accounts) put(acc *account.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acc = acc
}

// everybody sees all operations.
type everybody struct{}

func (everybody) Sees(pipeline.Principal, string) bool { return true }
func (everybody) Tenants(pipeline.Principal) []string  { return nil }

// rig is a store, a cloud, and the engine that runs at the moment.
type rig struct {
	t         testing.TB
	cloud     *cloud
	conn      grpc.ClientConnInterface
	accounts  *accounts
	store     *db.Store
	dsn       string
	box       *seal.Box
	contract  *contract.Contract
	inventory *inventory.Inventory
	passwords *inventory.Passwords
	clock     *clock
	opts      operation.Options
	log       *logBuffer
	engine    *operation.Engine
	idle      bool // the test starts the engine
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t testing.TB, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, cloud: newCloud(), accounts: &accounts{}, dsn: dbtest.DSN(t), clock: &clock{}, log: &logBuffer{}}
	var err error
	r.store = dbtest.Open(t, r.dsn)
	if err := r.store.Migrate(t.Context(), inventory.Migrations(), operation.Migrations(), outbox.Migrations()); err != nil {
		t.Fatal(err)
	}
	if r.box, err = seal.New(bytes.Repeat([]byte{7}, seal.KeySize)); err != nil {
		t.Fatal(err)
	}
	if r.contract, err = contract.Linked(); err != nil {
		t.Fatal(err)
	}
	r.inventory, r.passwords = inventory.New(r.store), inventory.NewPasswords(r.store, r.box)
	r.opts = operation.Options{
		CallTimeout: 5 * time.Second, AcceptTimeout: 5 * time.Second, FirstPoll: 2 * time.Millisecond, MaxPoll: 20 * time.Millisecond,
		Now: r.clock.now,
	}
	if !r.store.Embedded { // what a former process left is taken up when its lease has ended
		r.opts.LeaseTime = 500 * time.Millisecond
	}
	for _, f := range change {
		f(r)
	}
	r.conn = sdktest.Serve(t, r.cloud)
	r.open()
	if !r.idle {
		r.engine = r.start()
	}
	return r
}

// open makes the account usable.
func (r *rig) open() {
	idempotency := &driverv1.Idempotency{NativeToken: r.cloud.tokens}
	if !r.cloud.tokens {
		idempotency.RequestTimeoutSeconds = int32(r.cloud.longest / time.Second)
	}
	r.accounts.put(&account.Account{ID: "acc", Conn: r.conn, Idempotency: idempotency, ObservedAt: time.Now()})
}

// start makes an engine that is closed with the test.
func (r *rig) start() *operation.Engine {
	ctx, stop := context.WithCancel(context.WithoutCancel(r.t.Context()))
	e := operation.New(ctx, r.logger(), r.store, r.box, r.contract, r.accounts, r.inventory, r.passwords, r.opts)
	var work sync.WaitGroup
	work.Go(func() {
		if err := e.Run(ctx); err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(func() {
		stop()
		e.Close()
		work.Wait()
	})
	return e
}

func (r *rig) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// restart ends the engine as a crash would, and starts another on the same store.
func (r *rig) restart() {
	r.engine.Close()
	r.engine = r.start()
}

func (r *rig) submission(rpc, resourceID string, request proto.Message) operation.Submission {
	r.t.Helper()
	method := r.contract.Method(rpc)
	if method == nil {
		r.t.Fatalf("no rpc %s", rpc)
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		r.t.Fatal(err)
	}
	hash := sha256.Sum256(encoded)
	return operation.Submission{
		Method: method, AccountID: "acc", TenantID: "tenant", ActorID: "user", RequestID: rowid.New(), Hash: hash[:],
		Request: request, ResourceID: resourceID,
	}
}

func (r *rig) createVm(name, key string) operation.Submission {
	s := r.submission("cloud.compute.v1.VmService/CreateVm", "", &computev1.CreateVmRequest{Name: name})
	s.Key = key
	return s
}

func (r *rig) onVm(rpc string, request proto.Message) operation.Submission {
	return r.submission("cloud.compute.v1.VmService/"+rpc, "acc.vm-1", request)
}

func (r *rig) submit(s operation.Submission) (proto.Message, error) {
	result, err := r.engine.Submit(r.t.Context(), s)
	return result.Answer, err
}

// answered is what all answers to writes tell.
type answered interface {
	proto.Message
	GetId() string
	GetOperationId() string
	GetOperationStatus() apiv1.OperationStatus
}

// mustSubmit submits what must be accepted.
func (r *rig) mustSubmit(s operation.Submission) answered {
	r.t.Helper()
	answer, err := r.submit(s)
	if err != nil {
		r.t.Fatalf("%s: %v", s.Method.FullName, err)
	}
	return answer.(answered)
}

// wait waits for the end of an operation.
func (r *rig) wait(id string) *operationv1.Operation {
	r.t.Helper()
	response, err := operation.NewServer(r.engine, everybody{}, nobodyRecorded{}).WaitOperation(r.t.Context(),
		&operationv1.WaitOperationRequest{Id: id, TimeoutSeconds: 20})
	if err != nil {
		r.t.Fatalf("wait for %s: %v", id, err)
	}
	return response.GetOperation()
}

// ends waits for the end of an operation and compares its status.
func (r *rig) ends(id string, want apiv1.OperationStatus) *operationv1.Operation {
	r.t.Helper()
	o := r.wait(id)
	if o.GetStatus() != want {
		r.t.Fatalf("operation ended: got %v, want %v\n%s", o, want, r.log)
	}
	return o
}

func (r *rig) get(id string) *operationv1.Operation {
	r.t.Helper()
	response, err := operation.NewServer(r.engine, everybody{}, nobodyRecorded{}).GetOperation(r.t.Context(), &operationv1.GetOperationRequest{Id: id})
	if err != nil {
		r.t.Fatal(err)
	}
	return response.GetOperation()
}

func (r *rig) list() []*operationv1.Operation {
	r.t.Helper()
	response, err := operation.NewServer(r.engine, everybody{}, nobodyRecorded{}).ListOperations(r.t.Context(), &operationv1.ListOperationsRequest{PageSize: 500})
	if err != nil {
		r.t.Fatal(err)
	}
	return response.GetOperations()
}

// eventually waits until something holds.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("never: %s\n%s", what, r.log)
		}
	}
}

// event is one row of the outbox.
type event struct {
	Type, ResourceID string
	Sequence         int32
	Payload          string
}

func (e event) to() string {
	var payload struct {
		To string `json:"to_state"`
	}
	_ = json.Unmarshal([]byte(e.Payload), &payload)
	return payload.To
}

func (r *rig) events(kind, resourceID string) []event {
	r.t.Helper()
	var out []event
	query := r.store.Read.WithContext(r.t.Context()).Table("outbox_events").Where("type = ?", kind).Order("position")
	if resourceID != "" {
		query = query.Where("resource_id = ?", resourceID)
	}
	if err := query.Find(&out).Error; err != nil {
		r.t.Fatal(err)
	}
	return out
}

var errLostAnswer = sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT, sdk.Cause(errors.New("connection reset")))

// on gives an answer to the n-th call of an rpc.
func on(rpc string, n int, answer error) func(string, int) error {
	return func(r string, i int) error {
		if r == rpc && i == n {
			return answer
		}
		return nil
	}
}
