package account_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/seal"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(dbtest.Both(m))
}

const (
	ready           = accountv1.AccountState_ACCOUNT_STATE_READY
	unreachable     = accountv1.AccountState_ACCOUNT_STATE_UNREACHABLE
	unauthenticated = accountv1.AccountState_ACCOUNT_STATE_UNAUTHENTICATED
)

// fake is a driver whose cloud takes one password.
type fake struct {
	driverv1.UnimplementedDriverServiceServer
	grpc.ClientConnInterface

	mu       sync.Mutex
	password string // that the cloud takes
	down     bool   // the cloud cannot be reached
	methods  []string
	held     chan struct{} // not nil: openings wait for it
	open     map[string]*driverv1.OpenAccountRequest
}

func (f *fake) Register(grpc.ServiceRegistrar) {}

func (f *fake) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	return f.Info(), nil
}

func (f *fake) Info() *driverv1.GetInfoResponse {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &driverv1.GetInfoResponse{
		Name: "fake", Methods: slices.Clone(f.methods), Features: []*driverv1.Feature{{Name: "a.b.c"}, {Name: "a.b.d"}},
	}
}

func (*fake) Schema() *driverv1.GetAccountSchemaResponse {
	return &driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{
		{Name: "url", Description: "address", Required: true},
		{Name: "mode", Values: []string{"fast", "slow"}},
		{Name: "data_file"},
		{Name: "password", Required: true, Secret: true},
	}}
}

func (f *fake) judge(password string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.down:
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE)
	case password != f.password:
		return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
	}
	return nil
}

func (f *fake) OpenAccount(_ context.Context, request *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	if f.held != nil {
		<-f.held
	}
	if err := f.judge(request.GetCredentials()["password"]); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[request.GetAccountId()] = request
	return &driverv1.OpenAccountResponse{Capabilities: capabilities()}, nil
}

func capabilities() *driverv1.AccountCapabilities {
	return &driverv1.AccountCapabilities{AbsentMethods: []string{"absent"}, AbsentFeatures: []string{"a.b.d"}, RegionId: "r1"}
}

func (f *fake) CloseAccount(_ context.Context, request *driverv1.CloseAccountRequest) (*driverv1.CloseAccountResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, request.GetAccountId())
	return &driverv1.CloseAccountResponse{}, nil
}

func (f *fake) Probe(_ context.Context, request *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	f.mu.Lock()
	password := f.open[request.GetAccountId()].GetCredentials()["password"]
	f.mu.Unlock()
	if err := f.judge(password); err != nil {
		return nil, err
	}
	return &driverv1.ProbeResponse{
		Capabilities: capabilities(), MissingRights: []*driverv1.MissingRight{{Service: "backup", Role: "operator", Unreadable: true}},
	}, nil
}

func (f *fake) opened(id string) *driverv1.OpenAccountRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open[id]
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{password: "good-Secret-1", methods: []string{"m1", "absent"}, open: map[string]*driverv1.OpenAccountRequest{}}
	f.ClientConnInterface = sdktest.Serve(t, f)
	return f
}

// drivers are those that run.
type drivers map[string]account.Driver

func (d drivers) Driver(name string) (account.Driver, bool) {
	driver, ok := d[name]
	return driver, ok
}

// nobody permits everything, and no operation runs.
type nobody struct {
	running int
	tenants []string
}

func (nobody) Account(pipeline.Principal, string) error          { return nil }
func (nobody) Permit(pipeline.Principal, string) error           { return nil }
func (nobody) Sees(pipeline.Principal, string) bool              { return true }
func (n nobody) RunningIn(context.Context, string) (int, error)  { return n.running, nil }
func (n nobody) Using(context.Context, string) ([]string, error) { return n.tenants, nil }

type rig struct {
	t       *testing.T
	driver  *fake
	store   *db.Store
	dsn     string
	log     *bytes.Buffer
	manager *account.Manager
	server  *account.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, dbtest.DSN(t))
}

func newRigOn(t *testing.T, dsn string) *rig {
	t.Helper()
	r := &rig{t: t, driver: newFake(t), dsn: dsn, log: &bytes.Buffer{}}
	r.store = dbtest.Open(t, r.dsn)
	if err := r.store.Migrate(t.Context(), account.Migrations()); err != nil {
		t.Fatal(err)
	}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// start makes a manager as a start of the gateway does.
func (r *rig) start(configured ...account.Configured) error {
	r.t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{5}, seal.KeySize))
	if err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.manager = account.New(log, r.store, box, drivers{"fake": r.driver}, account.Options{DataDir: "/data", RetryEvery: 5 * time.Millisecond})
	r.server = account.NewServer(r.manager, nobody{}, nobody{}, nobody{})
	return r.manager.Start(r.t.Context(), configured)
}

func (r *rig) create(id, password string) (*accountv1.Account, error) {
	response, err := r.server.CreateAccount(r.t.Context(), &accountv1.CreateAccountRequest{
		Id: id, Driver: "fake", CloudKind: accountv1.CloudKind_CLOUD_KIND_PUBLIC,
		Settings: map[string]string{"url": "http://x"}, Credentials: map[string]string{"password": password},
	})
	return response.GetAccount(), err
}

func (r *rig) get(id string) *accountv1.Account {
	response, err := r.server.GetAccount(r.t.Context(), &accountv1.GetAccountRequest{Id: id})
	if err != nil {
		r.t.Fatal(err)
	}
	return response.GetAccount()
}

func configured(id string) account.Configured {
	return account.Configured{
		ID: id, Driver: "fake", Kind: accountv1.CloudKind_CLOUD_KIND_PRIVATE,
		Settings: map[string]string{"url": "http://c"}, Credentials: map[string]string{"password": "good-Secret-1"},
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, err := r.create("acc", "good-Secret-1")
	if err != nil {
		t.Fatal(err)
	}
	if a.GetState() != ready || !slices.Equal(a.GetMethods(), []string{"m1"}) || !slices.Equal(a.GetFeatures(), []string{"a.b.c"}) || a.GetRegionId() != "r1" {
		t.Errorf("got %v", a)
	}
	if !slices.Equal(a.GetCredentialNames(), []string{"password"}) {
		t.Errorf("credential names: got %v", a.GetCredentialNames())
	}
	if got := r.driver.opened("acc").GetSettings()["data_file"]; got != "/data/acc.db" {
		t.Errorf("data_file: got %q", got)
	}
	if _, err := r.create("acc", "good-Secret-1"); sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		t.Errorf("again: got %v, want ALREADY_EXISTS", err)
	}
	if _, err := r.server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "acc"}); err != nil {
		t.Fatal(err)
	}
	if r.driver.opened("acc") != nil {
		t.Error("a deleted account is open at its driver")
	}
	if _, err := r.create("acc", "good-Secret-1"); sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		t.Errorf("a deleted one's name: got %v, want ALREADY_EXISTS", err)
	}
	if err := r.start(configured("acc")); err == nil {
		t.Error("a deleted one's name was taken from the configuration")
	}
}

func TestCreateFailures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "bad-Secret-2"); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("wrong password: got %v", err)
	}
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Errorf("a refused creation has used up the name: %v", err)
	}
	r.driver.set(func(f *fake) { f.down = true })
	a, err := r.create("later", "good-Secret-1")
	if err != nil || a.GetState() != unreachable || a.GetStateReason() != "CLOUD_UNAVAILABLE" {
		t.Fatalf("cloud down: got %v, %v", a, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.manager.Run(ctx) })
	defer running.Wait()
	defer stop()
	r.driver.set(func(f *fake) { f.down = false })
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.get("later").GetState() != ready {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the account never became ready")
		}
	}
}

// Two creations of one name: the second must not leave its credentials at the driver.
func TestCreateConcurrently(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.driver.held = make(chan struct{})
	var group sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 8 {
		group.Go(func() {
			_, err := r.create("acc", "good-Secret-1")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
				t.Errorf("got %v", err)
			}
		})
	}
	close(r.driver.held)
	group.Wait()
	if made != 1 {
		t.Errorf("made: got %d, want 1", made)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.server.CreateAccount(t.Context(), &accountv1.CreateAccountRequest{
		Id: "acc", Driver: "fake", Settings: map[string]string{"mode": "odd", "zone": "x", "password": "p"}, Credentials: map[string]string{"token": "t"},
	})
	var fields []string
	for _, v := range sdk.ViolationsOf(err) {
		fields = append(fields, v.GetField())
	}
	want := []string{"settings.url", "settings.mode", "settings.password", "settings.zone", "credentials.token"}
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED || !slices.Equal(fields, want) {
		t.Errorf("got %v %v, want %v", err, fields, want)
	}
	_, err = r.server.CreateAccount(t.Context(), &accountv1.CreateAccountRequest{Id: "acc", Driver: "none"})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED {
		t.Errorf("unknown driver: got %v", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	change := func(password string) (*accountv1.Account, error) {
		response, err := r.server.UpdateAccount(t.Context(), &accountv1.UpdateAccountRequest{
			Id: "acc", Description: proto.String("new"), Settings: map[string]string{"mode": "fast"}, Credentials: map[string]string{"password": password},
		})
		return response.GetAccount(), err
	}
	if _, err := change("bad-Secret-2"); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("refused credentials: got %v", err)
	}
	if a := r.get("acc"); a.GetState() != ready || a.GetDescription() != "" {
		t.Errorf("after a refused change: got %v, want it as it was", a)
	}
	r.driver.set(func(f *fake) { f.password = "next-Secret-3" })
	if a, err := change("next-Secret-3"); err != nil || a.GetState() != ready || a.GetDescription() != "new" || a.GetSettings()["mode"] != "fast" {
		t.Errorf("got %v, %v", a, err)
	}
	r.driver.set(func(f *fake) { f.down = true })
	a, err := change("other-Secret-4")
	if err != nil || a.GetState() != unreachable || len(a.GetMethods()) == 0 {
		t.Errorf("cloud down: got %v, %v, want what is known to stay", a, err)
	}
	if _, err := r.server.UpdateAccount(t.Context(), &accountv1.UpdateAccountRequest{Id: "acc", Settings: map[string]string{"url": ""}}); sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED {
		t.Errorf("taking out a required setting: got %v", err)
	}
	if _, err := r.server.UpdateAccount(t.Context(), &accountv1.UpdateAccountRequest{Id: "none"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("absent: got %v", err)
	}
}

func TestConfigured(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.start(configured("conf")); err != nil {
		t.Fatal(err)
	}
	if a := r.get("conf"); a.GetState() != ready || !a.GetFromConfig() {
		t.Errorf("got %v", a)
	}
	if _, err := r.server.UpdateAccount(t.Context(), &accountv1.UpdateAccountRequest{Id: "conf", Description: proto.String("x")}); sdk.ReasonOf(err) != apiv1.Reason_REASON_INVALID_STATE {
		t.Errorf("update: got %v", err)
	}
	if _, err := r.server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "conf"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_INVALID_STATE {
		t.Errorf("delete: got %v", err)
	}
	unknown := configured("conf")
	unknown.Settings = map[string]string{"url": "u", "speed": "9"}
	if err := r.start(unknown); err == nil || !strings.Contains(err.Error(), "settings.speed") {
		t.Errorf("unknown setting: got %v, want its name", err)
	}
	other := configured("conf")
	other.Driver = "another"
	if err := r.start(other); err == nil {
		t.Error("an account changed its driver")
	}
	if err := r.start(); err != nil { // taken out of the configuration
		t.Fatal(err)
	}
	if a := r.get("conf"); a.GetFromConfig() || a.GetState() != ready {
		t.Errorf("taken out of the configuration: got %v", a)
	}
	if _, err := r.server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "conf"}); err != nil {
		t.Errorf("delete what is not configured any more: %v", err)
	}
}

// A new process of a driver, of another version, gets all accounts before any call.
func TestReopen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"one", "two"} {
		if _, err := r.create(id, "good-Secret-1"); err != nil {
			t.Fatal(err)
		}
	}
	fresh := newFake(t)
	fresh.methods = []string{"m1", "m2"}
	if err := r.manager.Reopen(t.Context(), "fake", fresh); err != nil {
		t.Fatal(err)
	}
	if fresh.opened("one") == nil || fresh.opened("two").GetCredentials()["password"] != "good-Secret-1" {
		t.Error("the accounts are not open at the new process")
	}
	if a := r.get("one"); !slices.Equal(a.GetMethods(), []string{"m1", "m2"}) {
		t.Errorf("methods: got %v, want those of the new version", a.GetMethods())
	}
	refusing := newFake(t)
	refusing.password = "another"
	if err := r.manager.Reopen(t.Context(), "fake", refusing); err != nil {
		t.Fatal(err)
	}
	if a := r.get("one"); a.GetState() != unauthenticated || len(a.GetMethods()) == 0 {
		t.Errorf("refused: got %v", a)
	}
	if err := r.manager.Reopen(t.Context(), "other", refusing); err != nil {
		t.Errorf("another driver: %v", err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	r.driver.set(func(f *fake) { f.open = map[string]*driverv1.OpenAccountRequest{} })
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	if a := r.get("acc"); a.GetState() != ready || r.driver.opened("acc").GetCredentials()["password"] != "good-Secret-1" {
		t.Errorf("after a restart: got %v", a)
	}
	box, err := seal.New(bytes.Repeat([]byte{6}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	other := account.New(slog.New(slog.DiscardHandler), r.store, box, drivers{}, account.Options{})
	if err := other.Start(t.Context(), nil); err == nil {
		t.Error("the credentials open with another key")
	}
}

// A cloud that does not answer delays neither the start of the gateway nor that of a
// driver for long; its account is opened when it answers.
func TestPatience(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{5}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	slow := newFake(t)
	slow.held = held
	r.manager = account.New(slog.New(slog.DiscardHandler), r.store, box, drivers{"fake": slow},
		account.Options{Patience: 10 * time.Millisecond, RetryEvery: 5 * time.Millisecond})
	r.server = account.NewServer(r.manager, nobody{}, nobody{}, nobody{})
	if err := r.manager.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.manager.Reopen(t.Context(), "fake", slow); err != nil {
		t.Fatal(err)
	}
	if a := r.get("acc"); a.GetState() == ready {
		t.Errorf("before the cloud answers: got %v", a)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.manager.Run(ctx) })
	close(held)
	for r.get("acc").GetState() != ready {
		select {
		case <-t.Context().Done():
			t.Fatal("the account is never opened")
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	running.Wait()
}

func TestSecretsStaySealed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	_, _ = r.create("bad", "bad-Secret-2")
	if text := r.get("acc").String(); strings.Contains(text, "-Secret-") {
		t.Errorf("shown: %s", text)
	}
	if content := dbtest.Content(t, r.dsn); content == "" || strings.Contains(content, "-Secret-") {
		t.Error("the store holds a credential in clear, or nothing")
	}
	if strings.Contains(r.log.String(), "-Secret-") {
		t.Error("a credential is logged")
	}
	if _, err := r.server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "acc"}); err != nil {
		t.Fatal(err)
	}
	var sealed int64
	r.store.Read.Table("account_accounts").Where("sealed IS NOT NULL").Count(&sealed)
	if sealed != 0 {
		t.Error("a deleted account keeps its credentials")
	}
}

func TestDeleteBusy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	server := account.NewServer(r.manager, nobody{running: 1}, nobody{}, nobody{})
	if _, err := server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "acc"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE {
		t.Errorf("got %v, want IN_USE", err)
	}
	if _, err := r.server.DeleteAccount(t.Context(), &accountv1.DeleteAccountRequest{Id: "none"}); err != nil {
		t.Errorf("absent: got %v, want success", err)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	probe := &accountv1.ProbeAccountRequest{Id: "acc"}
	response, err := r.server.ProbeAccount(t.Context(), probe)
	if missing := response.GetMissingRights(); len(missing) != 1 || missing[0].GetRole() != "operator" || !missing[0].GetUnreadable() {
		t.Errorf("missing rights: %v", missing)
	}
	if err != nil || response.GetAccount().GetState() != ready {
		t.Errorf("got %v, %v", response, err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := r.server.ProbeAccount(gone, probe); err == nil {
		t.Error("a cancelled probe succeeded")
	}
	if s := r.get("acc").GetState(); s != ready {
		t.Errorf("after a cancelled probe: got %v, want READY", s)
	}
	r.driver.set(func(f *fake) { f.password = "changed" })
	if _, err := r.server.ProbeAccount(t.Context(), probe); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("got %v", err)
	}
	if s := r.get("acc").GetState(); s != unauthenticated {
		t.Errorf("got %v", s)
	}
}
