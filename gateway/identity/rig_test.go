package identity_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links all rpcs
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(dbtest.Both(m))
}

const goodPassword = "Correct-Horse-1"

// rig is an identity with all its services, and a tree: root, north below it, and
// village below north; south beside north.
type rig struct {
	*identity.Identity
	conn  *inproc.Conn
	clock time.Time
	admin context.Context
	owned map[string]int // resources that organizations own
	ids   map[string]string

	tenants map[string][]string // cloud tenants of organizations
}

// Owned implements identity.Resources.
func (r *rig) Owned(_ *gorm.DB, tenantIDs []string, _, _ string) (int, error) {
	n := 0
	for _, id := range tenantIDs {
		n += r.owned[id]
	}
	return n, nil
}

// Of implements identity.CloudTenants.
func (r *rig) Of(_ *gorm.DB, organizationID string) ([]string, error) {
	return r.tenants[organizationID], nil
}

// Known implements identity.Accounts.
func (r *rig) Known(id string) bool { return strings.HasPrefix(id, "account-") }

func newRig(t *testing.T) *rig {
	t.Helper()
	r, token := openRig(t, dbtest.New(t))
	r.admin = r.as(t, token)
	r.ids[""] = r.Root()
	for _, o := range []struct{ name, parent string }{{"north", ""}, {"village", "north"}, {"south", ""}} {
		made, err := r.organizations().CreateOrganization(r.admin, &tenantv1.CreateOrganizationRequest{Name: o.name, ParentId: r.ids[o.parent]})
		if err != nil {
			t.Fatal(err)
		}
		r.ids[o.name] = made.GetId()
	}
	roles, err := tenantv1.NewRoleServiceClient(r.conn).ListRoles(r.admin, &tenantv1.ListRolesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range roles.GetRoles() {
		r.ids[role.GetName()] = role.GetId()
	}
	return r
}

func openRig(t *testing.T, store *db.Store) (r *rig, firstToken string) {
	t.Helper()
	if err := store.Migrate(t.Context(), identity.Migrations()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	r = &rig{conn: inproc.New(), clock: time.Now(), owned: map[string]int{}, ids: map[string]string{}, tenants: map[string][]string{}}
	r.Identity, firstToken, err = identity.Open(t.Context(), slog.New(slog.DiscardHandler), store, box, c, identity.Options{Now: func() time.Time { return r.clock }})
	if err != nil {
		t.Fatal(err)
	}
	r.Register(r.conn, r, r, r)
	return r, firstToken
}

func (r *rig) organizations() tenantv1.OrganizationServiceClient {
	return tenantv1.NewOrganizationServiceClient(r.conn)
}
func (r *rig) users() tenantv1.UserServiceClient   { return tenantv1.NewUserServiceClient(r.conn) }
func (r *rig) tokens() tenantv1.TokenServiceClient { return tenantv1.NewTokenServiceClient(r.conn) }
func (r *rig) roles() tenantv1.RoleServiceClient   { return tenantv1.NewRoleServiceClient(r.conn) }

// as is the context of calls made with a token.
func (r *rig) as(t *testing.T, token string) context.Context {
	t.Helper()
	p, err := r.Authenticate(t.Context(), bearer(token), nil)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.WithCall(t.Context(), &pipeline.Call{Principal: p})
}

// user makes a user of an organization with a role there.
func (r *rig) user(t *testing.T, name, organization, role string) string {
	t.Helper()
	made, err := r.users().CreateUser(r.admin, &tenantv1.CreateUserRequest{Name: name, Password: goodPassword, OrganizationId: r.ids[organization]})
	if err != nil {
		t.Fatal(err)
	}
	r.ids[name] = made.GetId()
	if role != "" {
		r.grant(t, organization, name, role)
	}
	return made.GetId()
}

func (r *rig) grant(t *testing.T, organization, user, role string) {
	t.Helper()
	_, err := r.organizations().GrantRole(r.admin, &tenantv1.GrantRoleRequest{Id: r.ids[organization], UserId: r.ids[user], RoleId: r.ids[role]})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) logIn(t *testing.T, name string) string {
	t.Helper()
	token, err := r.tokens().CreateToken(t.Context(), &tenantv1.CreateTokenRequest{UserName: name, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return token.GetToken()
}

func expect(t *testing.T, what string, err error, want apiv1.Reason) {
	t.Helper()
	if got := sdk.ReasonOf(err); got != want {
		t.Errorf("%s: %v (%v), want %v", what, got, err, want)
	}
}
