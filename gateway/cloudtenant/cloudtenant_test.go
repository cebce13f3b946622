package cloudtenant_test

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

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/cloudtenant"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/seal"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Both(m)) }

const (
	active       = accountv1.CloudTenantState_CLOUD_TENANT_STATE_ACTIVE
	creating     = accountv1.CloudTenantState_CLOUD_TENANT_STATE_CREATING
	deleting     = accountv1.CloudTenantState_CLOUD_TENANT_STATE_DELETING
	disabled     = accountv1.CloudTenantState_CLOUD_TENANT_STATE_DISABLED
	failed       = accountv1.CloudTenantState_CLOUD_TENANT_STATE_FAILED
	unavailable  = apiv1.Reason_REASON_CLOUD_UNAVAILABLE
	denied       = apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED
	organization = "0190a1b2c3d4e5f60718293a4b5c6d7e"
	secretMark   = "Secret-of-"
)

// cloud is a driver with its cloud: projects with their credentials.
type cloud struct {
	driverv1.UnimplementedDriverServiceServer
	driverv1.UnimplementedTenantServiceServer
	grpc.ClientConnInterface

	mu       sync.Mutex
	projects map[string]*project // by id, which is the name
	fails    map[string]apiv1.Reason
	issued   int
	inUse    bool
}

type project struct {
	mark        string
	disabled    bool
	credentials []string
	quotas      []*driverv1.TenantQuota
}

func (c *cloud) Register(r grpc.ServiceRegistrar) { driverv1.RegisterTenantServiceServer(r, c) }

func (c *cloud) Info() *driverv1.GetInfoResponse {
	return &driverv1.GetInfoResponse{Name: "fake", Features: []*driverv1.Feature{
		{Name: "account.cloud_tenant.provision"}, {Name: "account.cloud_tenant.disable"}, {Name: "account.cloud_tenant.quotas"},
	}}
}

func (*cloud) Schema() *driverv1.GetAccountSchemaResponse {
	return &driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{
		{Name: "url"}, {Name: "project"}, {Name: "region"}, {Name: "password", Secret: true, Required: true}, {Name: "token", Secret: true},
	}}
}

// OpenAccount takes the administrator, and the credentials that the cloud has now.
func (c *cloud) OpenAccount(_ context.Context, request *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	capabilities := &driverv1.AccountCapabilities{}
	if p := c.projects[request.GetSettings()["project"]]; p != nil {
		capabilities.AbsentFeatures = []string{"account.cloud_tenant.provision"}
		if p.disabled || !slices.Contains(p.credentials, strings.TrimPrefix(request.GetCredentials()["password"], secretMark)) {
			return nil, sdk.NewError(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
		}
	}
	return &driverv1.OpenAccountResponse{Capabilities: capabilities}, nil
}

func (*cloud) CloseAccount(context.Context, *driverv1.CloseAccountRequest) (*driverv1.CloseAccountResponse, error) {
	return &driverv1.CloseAccountResponse{}, nil
}

// failing tells why a method fails now; "lost:" before its name has it do its work first.
func (c *cloud) failing(name string) error {
	if reason, ok := c.fails[name]; ok {
		return sdk.NewError(reason)
	}
	return nil
}

func (c *cloud) CreateTenant(_ context.Context, r *driverv1.CreateTenantRequest) (*driverv1.CreateTenantResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failing("create"); err != nil {
		return nil, err
	}
	if p := c.projects[r.GetName()]; p == nil {
		c.projects[r.GetName()] = &project{mark: r.GetMark(), quotas: r.GetQuotas()}
	} else if p.mark != r.GetMark() {
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS)
	}
	return &driverv1.CreateTenantResponse{Tenant: &driverv1.Tenant{Id: r.GetName()}}, c.failing("lost:create")
}

func (c *cloud) GetTenant(_ context.Context, r *driverv1.GetTenantRequest) (*driverv1.GetTenantResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &driverv1.GetTenantResponse{Tenant: &driverv1.Tenant{Id: r.GetId()}}, c.failing("get")
}

func (c *cloud) UpdateTenant(_ context.Context, r *driverv1.UpdateTenantRequest) (*driverv1.UpdateTenantResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failing("update"); err != nil {
		return nil, err
	}
	if r.Enabled != nil {
		c.projects[r.GetId()].disabled = !r.GetEnabled()
	}
	return &driverv1.UpdateTenantResponse{}, nil
}

func (c *cloud) IssueCredentials(_ context.Context, r *driverv1.IssueCredentialsRequest) (*driverv1.IssueCredentialsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failing("issue"); err != nil {
		return nil, err
	}
	p := c.projects[r.GetId()]
	c.issued++
	id := string(rune('a' + c.issued))
	p.credentials = append(slices.DeleteFunc(p.credentials, func(old string) bool { return old != r.GetCurrent() }), id)
	return &driverv1.IssueCredentialsResponse{
		CredentialId: id, Settings: map[string]string{"project": r.GetId(), "region": ""}, Credentials: map[string]string{"password": secretMark + id},
	}, c.failing("lost:issue")
}

func (c *cloud) RetireCredentials(_ context.Context, r *driverv1.RetireCredentialsRequest) (*driverv1.RetireCredentialsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failing("retire"); err != nil {
		return nil, err
	}
	p := c.projects[r.GetId()]
	p.credentials = slices.DeleteFunc(p.credentials, func(old string) bool { return old != r.GetKeep() })
	return &driverv1.RetireCredentialsResponse{}, nil
}

func (c *cloud) DeleteTenant(_ context.Context, r *driverv1.DeleteTenantRequest) (*driverv1.DeleteTenantResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failing("delete"); err != nil {
		return nil, err
	}
	if c.inUse {
		return nil, sdk.InUse("cloud.tenant", r.GetId(), context.Canceled, "compute.vm/vm-1")
	}
	if p := c.projects[r.GetName()]; p != nil && p.mark == r.GetMark() {
		delete(c.projects, r.GetName())
	}
	return &driverv1.DeleteTenantResponse{}, nil
}

func (c *cloud) set(change func(*cloud)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *cloud) fail(names ...string) {
	c.set(func(c *cloud) {
		clear(c.fails)
		for _, name := range names {
			c.fails[name] = unavailable
		}
	})
}

// credentials are those that the cloud has of a tenant; nil: it has no such project.
func (c *cloud) credentials(tenant string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.projects[tenant]; p != nil {
		return slices.Clone(p.credentials)
	}
	return nil
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{projects: map[string]*project{}, fails: map[string]apiv1.Reason{}}
	c.ClientConnInterface = sdktest.Serve(t, c)
	return c
}

type drivers map[string]account.Driver

func (d drivers) Driver(name string) (account.Driver, bool) {
	driver, ok := d[name]
	return driver, ok
}

// neighbours are what identity and operations are to tenants.
type neighbours struct {
	mu    sync.Mutex
	given map[string]string // organization, by account
	gone  bool              // the organization
}

func (n *neighbours) GiveAccount(_ context.Context, organizationID, accountID string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone {
		return sdk.NewError(apiv1.Reason_REASON_NOT_FOUND)
	}
	n.given[accountID] = organizationID
	return nil
}

func (n *neighbours) TakeAccount(_ context.Context, accountID string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.given, accountID)
	return nil
}

func (*neighbours) Organization(pipeline.Principal, string, string) error { return nil }

func (*neighbours) Sees(p pipeline.Principal, owner string) bool {
	return p.TenantID == "" || p.TenantID == owner
}
func (*neighbours) Tenants(pipeline.Principal) []string            { return nil }
func (*neighbours) RunningIn(context.Context, string) (int, error) { return 0, nil }

type rig struct {
	t *testing.T
	*neighbours
	cloud    *cloud
	store    *db.Store
	dsn      string
	log      *bytes.Buffer
	clock    time.Time
	accounts *account.Manager
	server   *cloudtenant.Service
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, neighbours: &neighbours{given: map[string]string{}}, cloud: newCloud(t), dsn: dbtest.DSN(t), log: &bytes.Buffer{}, clock: time.Now()}
	r.store = dbtest.Open(t, r.dsn)
	if err := r.store.Migrate(t.Context(), account.Migrations(), cloudtenant.Migrations()); err != nil {
		t.Fatal(err)
	}
	r.start()
	_, err := r.accounts.Create(t.Context(), &accountv1.CreateAccountRequest{
		Id: "admin", Driver: "fake", CloudKind: accountv1.CloudKind_CLOUD_KIND_PRIVATE,
		Settings:    map[string]string{"url": "http://cloud", "region": "r1", "rate_per_second": "5"},
		Credentials: map[string]string{"password": "admin", "token": "admin"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start does what a start of the gateway does.
func (r *rig) start() {
	r.t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{5}, seal.KeySize))
	if err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.accounts = account.New(log, r.store, box, drivers{"fake": r.cloud}, account.Options{})
	if err := r.accounts.Start(r.t.Context(), nil); err != nil {
		r.t.Fatal(err)
	}
	r.server = cloudtenant.New(log, r.store, r.accounts, r.neighbours, r.neighbours, r.neighbours, cloudtenant.Options{
		RetryEvery: 2 * time.Millisecond, Now: func() time.Time { return r.clock },
	})
}

// goOn runs the server in the background until a tenant is as wanted.
func (r *rig) goOn(id string, wanted func(*accountv1.CloudTenant) bool) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.server.Run(ctx) })
	defer running.Wait()
	defer stop()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		got := r.get(id)
		if wanted(got) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("it stays at %v", got)
		}
	}
}

// get is nil for what is not there.
func (r *rig) get(id string) *accountv1.CloudTenant {
	response, err := r.server.GetCloudTenant(r.t.Context(), &accountv1.GetCloudTenantRequest{Id: id})
	if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		r.t.Fatal(err)
	}
	return response.GetCloudTenant()
}

func (r *rig) create(id string) (*accountv1.CloudTenant, error) {
	response, err := r.server.CreateCloudTenant(r.t.Context(), &accountv1.CreateCloudTenantRequest{
		Id: id, AdminAccountId: "admin", OrganizationId: organization, Quotas: []*accountv1.CloudTenantQuota{{Name: "compute.vm.count", Limit: 3}},
	})
	return response.GetCloudTenant(), err
}

func (r *rig) remove(id string) (*accountv1.CloudTenant, error) {
	response, err := r.server.DeleteCloudTenant(r.t.Context(), &accountv1.DeleteCloudTenantRequest{Id: id})
	return response.GetCloudTenant(), err
}

func (r *rig) enable(id string, enabled bool) error {
	_, err := r.server.UpdateCloudTenant(r.t.Context(), &accountv1.UpdateCloudTenantRequest{Id: id, Enabled: &enabled})
	return err
}

func (r *rig) rotate(id string) error {
	_, err := r.server.RotateCloudTenantCredentials(r.t.Context(), &accountv1.RotateCloudTenantCredentialsRequest{Id: id})
	return err
}

// account is that of a tenant; its state is unspecified where there is none.
func (r *rig) account(id string) *account.Account {
	if a, err := r.accounts.Registry().Get(id); err == nil {
		return a
	}
	return &account.Account{}
}

// expectGone wants nothing of a tenant at the cloud, nor of its account.
func (r *rig) expectGone(id string) {
	r.t.Helper()
	if left := r.cloud.credentials(id); left != nil {
		r.t.Errorf("left at the cloud: %v", left)
	}
	if a := r.account(id); a.ID != "" {
		r.t.Errorf("left: account %v", a)
	}
	if len(r.given) > 0 {
		r.t.Errorf("left: %v", r.given)
	}
}

func expect(t *testing.T, what string, err error, want apiv1.Reason) {
	t.Helper()
	if got := sdk.ReasonOf(err); got != want {
		t.Errorf("%s: got %v (%v), want %v", what, got, err, want)
	}
}

const ready, shut = accountv1.AccountState_ACCOUNT_STATE_READY, accountv1.AccountState_ACCOUNT_STATE_DISABLED

func TestLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	made, err := r.create("tenant")
	if err != nil || made.GetState() != active {
		t.Fatalf("got %v, %v", made, err)
	}
	a := r.account("tenant")
	if a.State != ready || a.Settings["url"] != "http://cloud" || a.Settings["project"] != "tenant" || len(a.Settings) != 2 {
		t.Errorf("account: %v with %v", a.State, a.Settings)
	}
	if !slices.Equal(a.CredentialNames, []string{"password"}) || r.given["tenant"] != organization {
		t.Errorf("credentials %v, given to %v", a.CredentialNames, r.given)
	}
	_, err = r.create("tenant")
	expect(t, "again", err, apiv1.Reason_REASON_ALREADY_EXISTS)

	before := r.cloud.credentials("tenant")
	if err := r.rotate("tenant"); err != nil {
		t.Fatal(err)
	}
	if after := r.cloud.credentials("tenant"); len(after) != 1 || slices.Equal(before, after) || r.account("tenant").State != ready {
		t.Errorf("rotated: %v, before %v; account %v", after, before, r.account("tenant").State)
	}
	if err := r.enable("tenant", false); err != nil || r.get("tenant").GetState() != disabled || r.account("tenant").State != shut {
		t.Errorf("disabled: %v, %v, account %v", err, r.get("tenant"), r.account("tenant").State)
	}
	r.start()
	if r.account("tenant").State != shut {
		t.Errorf("after a restart: account %v", r.account("tenant").State)
	}
	if err := r.enable("tenant", true); err != nil || r.get("tenant").GetState() != active || r.account("tenant").State != ready {
		t.Errorf("enabled: %v, %v, account %v", err, r.get("tenant"), r.account("tenant").State)
	}
	r.cloud.set(func(c *cloud) { c.inUse = true })
	_, err = r.remove("tenant")
	expect(t, "in use", err, apiv1.Reason_REASON_IN_USE)
	if r.get("tenant").GetState() != active || r.account("tenant").State != ready {
		t.Errorf("in use: %v, account %v", r.get("tenant"), r.account("tenant").State)
	}
	r.cloud.set(func(c *cloud) { c.inUse = false })
	if left, err := r.remove("tenant"); err != nil || left != nil {
		t.Errorf("deleted: %v, %v", left, err)
	}
	r.expectGone("tenant")
	if _, err := r.remove("tenant"); err != nil {
		t.Errorf("absent: %v", err)
	}
	if text := r.log.String() + dbtest.Content(t, r.dsn); strings.Contains(text, secretMark) {
		t.Error("a secret stands in the log or in the store")
	}
}

// TestOutageInEveryStep: what waits for the cloud goes on by itself, in another process
// too, and makes nothing twice.
func TestOutageInEveryStep(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"create", "lost:create", "issue", "lost:issue"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cloud.fail(method)
			made, err := r.create("tenant")
			if err != nil || made.GetState() != creating || made.GetStateReason() != "CLOUD_UNAVAILABLE" {
				t.Fatalf("while it fails: %v, %v", made, err)
			}
			r.cloud.fail()
			r.start()
			r.goOn("tenant", func(got *accountv1.CloudTenant) bool { return got.GetState() == active })
			if got := r.cloud.credentials("tenant"); len(got) != 1 || r.account("tenant").State != ready {
				t.Errorf("credentials %v, account %v", got, r.account("tenant").State)
			}
			r.cloud.fail("delete")
			left, err := r.remove("tenant")
			if err != nil || left.GetState() != deleting || r.account("tenant").State != shut {
				t.Errorf("deletion while it fails: %v, %v, account %v", left, err, r.account("tenant").State)
			}
			r.cloud.fail()
			r.goOn("tenant", func(got *accountv1.CloudTenant) bool { return got == nil })
			r.expectGone("tenant")
		})
	}
}

// TestUndone: what is refused, or has waited too long, leaves nothing.
func TestUndone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*rig)
		late    bool // the first call is answered before it fails
		want    apiv1.Reason
	}{
		"no right to make projects":  {func(r *rig) { r.cloud.fails["create"] = denied }, false, denied},
		"no right to make users":     {func(r *rig) { r.cloud.fails["issue"] = denied }, false, denied},
		"the organization has gone":  {func(r *rig) { r.gone = true }, false, apiv1.Reason_REASON_NOT_FOUND},
		"the answer never came":      {func(r *rig) { r.cloud.fails["lost:create"] = unavailable }, true, unavailable},
		"credentials never answered": {func(r *rig) { r.cloud.fails["lost:issue"] = unavailable }, true, unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			tc.prepare(r)
			made, err := r.create("tenant")
			if tc.late {
				if err != nil || made.GetState() != creating {
					t.Fatalf("got %v, %v", made, err)
				}
				r.clock = r.clock.Add(time.Hour)
				r.goOn("tenant", func(got *accountv1.CloudTenant) bool { return got.GetState() == failed })
			} else {
				expect(t, "create", err, tc.want)
			}
			if got := r.get("tenant"); got.GetState() != failed || got.GetStateReason() != sdk.ReasonName(tc.want) {
				t.Errorf("got %v, want FAILED by %v", got, tc.want)
			}
			r.expectGone("tenant")
			if left, err := r.remove("tenant"); err != nil || left != nil || r.get("tenant") != nil {
				t.Errorf("forgotten: %v, %v", left, err)
			}
		})
	}
}

// TestUndoIsTriedAgain: a failed tenant whose project cannot be removed now is removed later.
func TestUndoIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.set(func(c *cloud) { c.fails["issue"], c.fails["delete"] = denied, unavailable })
	_, err := r.create("tenant")
	expect(t, "create", err, denied)
	if got := r.get("tenant"); got.GetState() != deleting {
		t.Errorf("got %v, want DELETING", got)
	}
	r.cloud.fail()
	r.goOn("tenant", func(got *accountv1.CloudTenant) bool { return got.GetState() == failed })
	r.expectGone("tenant")
	if made, err := r.create("tenant"); err != nil || made.GetState() != active {
		t.Errorf("the name is free again: %v, %v", made, err)
	}
}

// TestRotationFails: the account keeps the credentials that it has, and what was made of
// new ones goes.
func TestRotationFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("tenant"); err != nil {
		t.Fatal(err)
	}
	had := r.cloud.credentials("tenant")
	r.cloud.fail("lost:issue")
	expect(t, "rotation", r.rotate("tenant"), unavailable)
	r.goOn("tenant", func(*accountv1.CloudTenant) bool { return slices.Equal(r.cloud.credentials("tenant"), had) })
	if r.account("tenant").State != ready {
		t.Errorf("account %v", r.account("tenant").State)
	}
	r.cloud.fail("retire")
	if err := r.rotate("tenant"); err != nil || len(r.cloud.credentials("tenant")) != 2 {
		t.Errorf("rotation whose old credentials stay: %v, %v", err, r.cloud.credentials("tenant"))
	}
	r.cloud.fail()
	r.goOn("tenant", func(got *accountv1.CloudTenant) bool {
		return len(r.cloud.credentials("tenant")) == 1 && got.GetStateReason() == ""
	})
}

// TestDisableFails: the gateway refuses at once what the cloud cannot be told yet, and
// a refusal leaves the tenant as it was.
func TestDisableFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.create("tenant"); err != nil {
		t.Fatal(err)
	}
	r.cloud.set(func(c *cloud) { c.fails["update"] = denied })
	expect(t, "refused", r.enable("tenant", false), denied)
	if r.get("tenant").GetState() != active || r.account("tenant").State != ready {
		t.Errorf("refused: %v, account %v", r.get("tenant"), r.account("tenant").State)
	}
	r.cloud.fail("update")
	if err := r.enable("tenant", false); err != nil || r.get("tenant").GetStateReason() != "CLOUD_UNAVAILABLE" || r.account("tenant").State != shut {
		t.Errorf("the cloud is away: %v, %v, account %v", err, r.get("tenant"), r.account("tenant").State)
	}
	r.cloud.fail()
	r.goOn("tenant", func(got *accountv1.CloudTenant) bool {
		return got.GetStateReason() == "" && got.GetState() == disabled && r.cloud.isDisabled("tenant")
	})
}

func (c *cloud) isDisabled(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.projects[id].disabled
}

// TestNames: a name that is an account's, or a project's of somebody else, is refused,
// and nothing of theirs is touched.
func TestNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.create("admin")
	expect(t, "an account's name", err, apiv1.Reason_REASON_ALREADY_EXISTS)
	r.cloud.set(func(c *cloud) { c.projects["theirs"] = &project{mark: "other", credentials: []string{"x"}} })
	_, err = r.create("theirs")
	expect(t, "a project's name", err, apiv1.Reason_REASON_ALREADY_EXISTS)
	if got := r.cloud.credentials("theirs"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("the other's project: %v", got)
	}
	r.cloud.fail("create")
	if _, err := r.create("coming"); err != nil {
		t.Fatal(err)
	}
	server := account.NewServer(r.accounts, r.neighbours, r.server, &everybody{})
	_, err = server.CreateAccount(t.Context(), &accountv1.CreateAccountRequest{Id: "coming", Driver: "fake", Credentials: map[string]string{"password": "p"}})
	expect(t, "an account of a coming tenant's name", err, apiv1.Reason_REASON_ALREADY_EXISTS)
}

type everybody struct{ neighbours }

func (*everybody) Account(pipeline.Principal, string) error { return nil }
func (*everybody) Permit(pipeline.Principal, string) error  { return nil }
