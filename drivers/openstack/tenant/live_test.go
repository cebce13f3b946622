package tenant

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// openAdmin opens the administrator's account of the cloud that the environment names.
func openAdmin(t *testing.T) (*livetest.Cloud, driverv1.TenantServiceClient, map[string]string) {
	t.Helper()
	file, name := os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_ADMIN_CLOUD")
	if file == "" || name == "" {
		t.Skip("OS_CLIENT_CONFIG_FILE and OS_ADMIN_CLOUD name no administrator of a cloud")
	}
	settings := map[string]string{"cloud": name, "clouds_file": file}
	c := livetest.OpenAt(t, settings, nil, Register)
	return c, driverv1.NewTenantServiceClient(c.Conn), settings
}

// openTenant opens an account with issued credentials, as the gateway does.
func openTenant(t *testing.T, admin map[string]string, issued *driverv1.IssueCredentialsResponse) (*session.Session, error) {
	t.Helper()
	settings := maps.Clone(admin)
	maps.Copy(settings, issued.GetSettings())
	maps.DeleteFunc(settings, func(_, value string) bool { return value == "" })
	s, err := session.Open(t.Context(), settings, issued.GetCredentials(), session.Options{})
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

func TestLiveTenant(t *testing.T) {
	c, service, settings := openAdmin(t)
	name := fmt.Sprintf("yq-tenant-%d", time.Now().UnixNano()%1e9)
	request := &driverv1.CreateTenantRequest{
		Name: name, Description: "a tenant of a test", Mark: sdk.Token(name, ""),
		Quotas: []*driverv1.TenantQuota{{Name: "compute.vm.count", Limit: 3}, {Name: "network.network.count", Limit: -1}, {Name: "storage.disk.size", Limit: 7}},
	}
	livetest.Cleanup(t, c, service.DeleteTenant, &driverv1.DeleteTenantRequest{Name: name, Mark: request.GetMark()})
	id := livetest.Must(t, c, "make", service.CreateTenant, request).GetTenant().GetId()
	if again := livetest.Repeat(t, c, "make", service.CreateTenant, request).GetTenant().GetId(); again != id {
		t.Errorf("repeated: %s, want %s", again, id)
	}
	livetest.Refused(t, c, apiv1.Reason_REASON_ALREADY_EXISTS, "", service.CreateTenant, &driverv1.CreateTenantRequest{Name: name, Mark: sdk.Token("other", "")})
	livetest.Refused(t, c, apiv1.Reason_REASON_PARAMETER_REJECTED, "", service.UpdateTenant,
		&driverv1.UpdateTenantRequest{Id: id, Quotas: []*driverv1.TenantQuota{{Name: "compute.moon.count", Limit: 1}}})
	livetest.Must(t, c, "other's", service.DeleteTenant, &driverv1.DeleteTenantRequest{Name: name, Mark: sdk.Token("other", "")})
	expectQuotas(t, livetest.Must(t, c, "read", service.GetTenant, &driverv1.GetTenantRequest{Id: id}).GetTenant().GetQuotas())

	first := livetest.Must(t, c, "issue", service.IssueCredentials, &driverv1.IssueCredentialsRequest{Id: id})
	tenant, err := openTenant(t, settings, first)
	if err != nil {
		t.Fatal(err)
	}
	if tenant.ProjectID != id || tenant.Administers() {
		t.Errorf("the tenant works in %s, and administers: %t", tenant.ProjectID, tenant.Administers())
	}
	holdAndRefuse(t, c, service, tenant, id)
	latest := rotate(t, c, service, settings, id, first)
	for _, enabled := range []bool{false, true} {
		livetest.Must(t, c, "enable", service.UpdateTenant, &driverv1.UpdateTenantRequest{Id: id, Enabled: &enabled})
		want := apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED
		if enabled {
			want = apiv1.Reason_REASON_UNSPECIFIED
		}
		if _, err := openTenant(t, settings, latest); sdk.ReasonOf(err) != want {
			t.Errorf("enabled %t: %v, want %v", enabled, err, want)
		}
	}
	for range 2 {
		livetest.Must(t, c, "delete", service.DeleteTenant, &driverv1.DeleteTenantRequest{Id: id, Name: name, Mark: request.GetMark()})
	}
	if _, err := projects.Get(t.Context(), identityOf(t, c).identity, id).Extract(); !session.IsNotFound(err) {
		t.Errorf("the project: %v, want that it is gone", err)
	}
	if user, err := identityOf(t, c).user(t.Context(), name); err != nil || user != nil {
		t.Errorf("the user: %v, %v, want that it is gone", user, err)
	}
	livetest.Refused(t, c, apiv1.Reason_REASON_NOT_FOUND, "", service.GetTenant, &driverv1.GetTenantRequest{Id: id})
}

func identityOf(t *testing.T, c *livetest.Cloud) *cloud {
	t.Helper()
	identity, err := c.Session.Identity()
	if err != nil {
		t.Fatal(err)
	}
	domain, err := c.Session.DomainID()
	if err != nil {
		t.Fatal(err)
	}
	return &cloud{c.Session, identity, domain}
}

func expectQuotas(t *testing.T, quotas []*apiv1.Quota) {
	t.Helper()
	want := map[string]int32{"compute.vm.count": 3, "storage.disk.size": 7}
	for _, q := range quotas {
		if limit, ok := want[q.GetName()]; ok && q.GetLimit() != limit {
			t.Errorf("%s: limit %d, want %d", q.GetName(), q.GetLimit(), limit)
		}
		if q.GetName() == "network.network.count" && q.Limit != nil {
			t.Errorf("%s: limit %d, want none", q.GetName(), q.GetLimit())
		}
		delete(want, q.GetName())
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
}

// holdAndRefuse makes things of three services in a tenant, and wants each in the refusal.
func holdAndRefuse(t *testing.T, c *livetest.Cloud, service driverv1.TenantServiceClient, tenant *session.Session, id string) {
	t.Helper()
	ctx := t.Context()
	if _, err := keypairs.Create(ctx, tenant.Compute, keypairs.CreateOpts{Name: "kept"}).Extract(); err != nil {
		t.Fatal(err)
	}
	volume, err := volumes.Create(ctx, tenant.Volume, volumes.CreateOpts{Size: 1, Name: "yq-tenant-disk"}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	network, err := networks.Create(ctx, tenant.Network, networks.CreateOpts{Name: "yq-tenant-net"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"storage.disk/" + volume.ID, "network.network/" + network.ID, "compute.key_pair/kept"}
	livetest.Refused(t, c, apiv1.Reason_REASON_IN_USE, strings.Join(want, ","), service.DeleteTenant, &driverv1.DeleteTenantRequest{Id: id})
	if project, err := projects.Get(ctx, identityOf(t, c).identity, id).Extract(); err != nil || !project.Enabled {
		t.Errorf("after a refused deletion: %v, %v", project, err)
	}
	t.Cleanup(func() { // of a failed test
		_ = networks.Delete(ctx, tenant.Network, network.ID).ExtractErr()
	})
	if err := networks.Delete(ctx, tenant.Network, network.ID).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	livetest.Eventually(t, "the disk is gone", func() bool {
		_ = volumes.Delete(ctx, tenant.Volume, volume.ID, nil).ExtractErr()
		_, err := volumes.Get(ctx, tenant.Volume, volume.ID).Extract()
		return session.IsNotFound(err)
	})
}

// rotate makes further credentials: those in use stay, strays go, the key pair of the
// user is still there.
func rotate(t *testing.T, c *livetest.Cloud, service driverv1.TenantServiceClient, settings map[string]string, id string, first *driverv1.IssueCredentialsResponse) *driverv1.IssueCredentialsResponse {
	t.Helper()
	var latest *driverv1.IssueCredentialsResponse
	for range 2 {
		latest = livetest.Must(t, c, "rotate", service.IssueCredentials, &driverv1.IssueCredentialsRequest{Id: id, Current: first.GetCredentialId()})
	}
	if held, want := held(t, c, id), []string{first.GetCredentialId(), latest.GetCredentialId()}; !sameSet(held, want) {
		t.Errorf("credentials: %v, want %v", held, want)
	}
	livetest.Must(t, c, "retire", service.RetireCredentials, &driverv1.RetireCredentialsRequest{Id: id, Keep: latest.GetCredentialId()})
	if held, want := held(t, c, id), []string{latest.GetCredentialId()}; !sameSet(held, want) {
		t.Errorf("credentials: %v, want %v", held, want)
	}
	if _, err := openTenant(t, settings, first); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("with retired credentials: %v", err)
	}
	tenant, err := openTenant(t, settings, latest)
	if err != nil {
		t.Fatal(err)
	}
	if err := keypairs.Delete(t.Context(), tenant.Compute, "kept", nil).ExtractErr(); err != nil {
		t.Errorf("the key pair after a rotation: %v", err)
	}
	return latest
}

// held are the ids of the credentials that a tenant's user has.
func held(t *testing.T, c *livetest.Cloud, id string) []string {
	t.Helper()
	admin := identityOf(t, c)
	project, err := admin.project(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	user, err := admin.user(t.Context(), project.Name)
	if err != nil || user == nil {
		t.Fatalf("user: %v, %v", user, err)
	}
	page, err := applicationcredentials.List(admin.identity, user.ID, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := applicationcredentials.ExtractApplicationCredentials(page)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range list {
		ids = append(ids, list[i].ID)
	}
	return ids
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestLiveNameOfAnother: a project that nobody made here stays as it is.
func TestLiveNameOfAnother(t *testing.T) {
	c, service, _ := openAdmin(t)
	name := c.Session.ProjectName
	livetest.Refused(t, c, apiv1.Reason_REASON_ALREADY_EXISTS, "", service.CreateTenant, &driverv1.CreateTenantRequest{Name: name, Mark: sdk.Token(name, "")})
	livetest.Must(t, c, "not ours", service.DeleteTenant, &driverv1.DeleteTenantRequest{Name: name, Mark: sdk.Token(name, "")})
	if still, err := identityOf(t, c).named(t.Context(), name); err != nil || still == nil || !still.Enabled {
		t.Errorf("the project %s: %v, %v", name, still, err)
	}
}
