package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
)

// TestCloudTenantOfOpenStack walks through the life of a tenant that is a project of a
// real Keystone, and looks for what is left there.
func TestCloudTenantOfOpenStack(t *testing.T) {
	target := realOpenStack(t)
	name := fmt.Sprintf("yq-e2e-%d", time.Now().Unix())
	t.Cleanup(func() { removeProject(t, name) })
	project := liveAsCloudTenant(t, target.gateway, target.operator, name, "network.network.count")
	if left := ofProject(t, name, project); len(left) > 0 {
		t.Errorf("left at the cloud: %v", left)
	}
	refused := target.gateway.Refused(t, "UNSUPPORTED_FEATURE", "account/cloud-tenant/create",
		object{"id": name + "-x", "admin_account_id": target.account, "organization_id": target.gateway.Post(t, "tenant/organization/create", object{"name": "other"}).Text("id")})
	if refused.Status != 501 {
		t.Errorf("through an account without the role: %d %s", refused.Status, refused.Body)
	}
}

// asAdmin are clients of the cloud's administrator.
func asAdmin(t *testing.T) (identity, network *gophercloud.ServiceClient) {
	t.Helper()
	auth, endpoint, tlsConfig, err := clouds.Parse(clouds.WithLocations(os.Getenv(envCloudsFile)), clouds.WithCloudName(cmp.Or(os.Getenv(envCloudAdmin), "admin")))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := config.NewProviderClient(context.WithoutCancel(t.Context()), auth, config.WithTLSConfig(tlsConfig))
	if err != nil {
		t.Fatal(err)
	}
	if identity, err = openstack.NewIdentityV3(provider, endpoint); err != nil {
		t.Fatal(err)
	}
	if network, err = openstack.NewNetworkV2(provider, endpoint); err != nil {
		t.Fatal(err)
	}
	return identity, network
}

// ofProject names what the cloud has of a project that should be gone.
func ofProject(t *testing.T, name, id string) []string {
	t.Helper()
	identity, network := asAdmin(t)
	var left []string
	each(t, projects.List(identity, projects.ListOpts{Name: name}), projects.ExtractProjects, func(p projects.Project) { left = append(left, "project "+p.ID) })
	each(t, users.List(identity, users.ListOpts{Name: "yunqiao-" + name}), users.ExtractUsers, func(u users.User) { left = append(left, "user "+u.ID) })
	// Asked for the groups of one project, Neutron makes the default one.
	each(t, groups.List(network, groups.ListOpts{}), groups.ExtractGroups, func(g groups.SecGroup) {
		if g.ProjectID == id {
			left = append(left, "security group "+g.ID)
		}
	})
	return left
}

// removeProject removes what a failed test has left of a project.
func removeProject(t *testing.T, name string) {
	t.Helper()
	identity, _ := asAdmin(t)
	ctx := context.WithoutCancel(t.Context())
	page, err := projects.List(identity, projects.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := projects.ExtractProjects(page)
	for _, p := range found {
		_ = projects.Delete(ctx, identity, p.ID).ExtractErr()
	}
	page, err = users.List(identity, users.ListOpts{Name: "yunqiao-" + name}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	people, _ := users.ExtractUsers(page)
	for _, u := range people {
		_ = users.Delete(ctx, identity, u.ID).ExtractErr()
	}
}
