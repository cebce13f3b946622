package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestCloudTenantOfMemcloud walks through the life of a tenant of a simulated cloud that
// drivers only speak to.
func TestCloudTenantOfMemcloud(t *testing.T) {
	t.Parallel()
	cloud := harness.NewMemcloud(t, programs, harness.Knobs{"client_tokens": true})
	const admin = "mem-admin"
	gateway := harness.NewGateway(t, programs, harness.Account{ID: admin, Driver: "memory", Settings: map[string]string{"endpoint": cloud.Endpoint}})
	liveAsCloudTenant(t, gateway, admin, "mem-news", "network.network.count")
	if left := cloud.Dump(t)["cloud.tenant"]; len(left) > 0 {
		t.Errorf("left at the cloud: %v", left)
	}
}

// TestCloudTenantOfEmbeddedCloud: the tenant's account is in the same file.
func TestCloudTenantOfEmbeddedCloud(t *testing.T) {
	t.Parallel()
	const admin = "memory"
	gateway := harness.NewGateway(t, programs, harness.Account{ID: admin, Driver: "memory"})
	liveAsCloudTenant(t, gateway, admin, "mem-desk", "network.network.count")
}

// TestCloudTenantOfPublicCloud: a resource group of a simulated Alibaba Cloud, in which a
// user has rights that the cloud checks.
func TestCloudTenantOfPublicCloud(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{})
	const admin = "ali-admin"
	gateway := harness.NewGateway(t, programs, harness.Account{Driver: "alibaba"})
	gateway.Post(t, "account/account/create", object{
		"id": admin, "driver": "alibaba", "cloud_kind": "CLOUD_KIND_PUBLIC",
		"settings": object{
			"access_key_id": cloud.Account.AccessKeyID, "region": cloud.Region, "scheme": "http", "endpoint": strings.TrimPrefix(cloud.URL, "http://"),
		},
		"credentials": object{"access_key_secret": cloud.Account.AccessKeySecret},
	})
	liveAsCloudTenant(t, gateway, admin, "ali-news", "")
	cloud.CheckClean(t)
}

// liveAsCloudTenant makes a tenant for an organization, works in it as a member of the
// organization, rotates, disables and enables it, and deletes it. It returns the cloud's
// id of what it deleted. quota is one that one network more would exceed; empty: the cloud
// keeps none for tenants.
func liveAsCloudTenant(t *testing.T, gateway *harness.Gateway, admin, tenant, quota string) string {
	t.Helper()
	above := gateway.Post(t, "tenant/organization/create", object{"name": "news"}).Text("id")
	organization := gateway.Post(t, "tenant/organization/create", object{"name": "desk", "parent_id": above}).Text("id")
	as := memberOf(t, gateway, organization)

	wanted := object{"id": tenant, "admin_account_id": admin, "organization_id": organization, "description": "what the desk works in"}
	if quota != "" {
		wanted["quotas"] = []object{{"name": quota, "limit": 2}}
	} else {
		refused := gateway.Refused(t, "UNSUPPORTED_FEATURE", "account/cloud-tenant/create", object{
			"id": tenant, "admin_account_id": admin, "organization_id": organization, "quotas": []object{{"name": "network.network.count", "limit": 2}},
		})
		if !strings.Contains(string(refused.Body), "account.cloud_tenant.quotas") {
			t.Errorf("limits at a cloud without them: %s", refused.Body)
		}
	}
	made := gateway.Post(t, "account/cloud-tenant/create", wanted, harness.Key("tenant-1")).Object("cloud_tenant")
	if made.Text("state") != "CLOUD_TENANT_STATE_ACTIVE" || made.Text("cloud_project") == "" {
		t.Fatalf("made: %v", made)
	}
	again := gateway.Post(t, "account/cloud-tenant/create", wanted, harness.Key("tenant-1")).Object("cloud_tenant")
	if again.Text("cloud_project") != made.Text("cloud_project") {
		t.Errorf("repeated: got %v, want %v", again, made)
	}
	gateway.Refused(t, "ALREADY_EXISTS", "account/cloud-tenant/create", wanted)
	gateway.Refused(t, "IDEMPOTENCY_CONFLICT", "account/cloud-tenant/create",
		object{"id": tenant, "admin_account_id": admin, "organization_id": above}, harness.Key("tenant-1"))
	unsupported := gateway.Refused(t, "UNSUPPORTED_FEATURE", "account/cloud-tenant/create",
		object{"id": "no-tenant", "admin_account_id": tenant, "organization_id": organization})
	if unsupported.Status != http.StatusNotImplemented || !strings.Contains(string(unsupported.Body), "account.cloud_tenant.provision") {
		t.Errorf("from within a tenant: got %d %s", unsupported.Status, unsupported.Body)
	}
	gateway.Refused(t, "PERMISSION_DENIED", "account/cloud-tenant/delete", object{"id": tenant}, as)
	gateway.Refused(t, "IN_USE", "tenant/organization/delete", object{"id": organization})
	gateway.Refused(t, "IN_USE", "account/account/delete", object{"id": tenant})

	limits := gateway.Get(t, "account/cloud-tenant/get", object{"id": tenant}).Object("cloud_tenant").List("quotas")
	if got := limitOf(limits, quota); quota != "" && got != 2 {
		t.Errorf("limit of %s: got %d of %v, want 2", quota, got, limits)
	}
	network := workInTenant(t, gateway, as, tenant)

	refusal := gateway.Refused(t, "IN_USE", "account/cloud-tenant/delete", object{"id": tenant})
	if !strings.Contains(string(refusal.Body), network) {
		t.Errorf("the refusal does not name %s: %s", network, refusal.Body)
	}
	expectUsable(t, gateway, as, tenant, "after a refused deletion")
	gateway.Post(t, "account/cloud-tenant/rotate-credentials", object{"id": tenant}, harness.Key("rotation-1"))
	rotated := gateway.Get(t, "account/cloud-tenant/get", object{"id": tenant}).Object("cloud_tenant")
	if rotated.Text("credentials_at") == made.Text("credentials_at") || rotated.Text("state_reason") != "" {
		t.Errorf("rotated: got %v, made %v", rotated, made)
	}
	expectUsable(t, gateway, as, tenant, "after a rotation")
	repeated := gateway.Post(t, "account/cloud-tenant/rotate-credentials", object{"id": tenant}, harness.Key("rotation-1")).Object("cloud_tenant")
	if repeated.Text("credentials_at") != rotated.Text("credentials_at") {
		t.Error("a repeated request has rotated once more")
	}

	gateway.Post(t, "account/cloud-tenant/update", object{"id": tenant, "enabled": false})
	answer := gateway.Send(t, http.MethodGet, harness.Path("network/network/get")+"?id="+network, nil, as)
	if answer.Status != http.StatusForbidden || answer.Reason() != "PRINCIPAL_DISABLED" {
		t.Errorf("disabled: got %d %s", answer.Status, answer.Body)
	}
	gateway.Refused(t, "INVALID_STATE", "account/cloud-tenant/rotate-credentials", object{"id": tenant})
	gateway.Post(t, "account/cloud-tenant/update", object{"id": tenant, "enabled": true})
	expectUsable(t, gateway, as, tenant, "enabled again")
	if quota != "" {
		gateway.Post(t, "account/cloud-tenant/update", object{"id": tenant, "quotas": []object{{"name": quota, "limit": 1}}})
		gateway.Refused(t, "QUOTA_EXCEEDED", "network/network/create", object{"account_id": tenant, "name": "second", "wait_seconds": 60}, as)
	}

	gateway.Post(t, "network/network/delete", object{"id": network, "wait_seconds": 60}, as)
	if gone := gateway.Post(t, "account/cloud-tenant/delete", object{"id": tenant}); gone.Object("cloud_tenant") != nil {
		t.Errorf("deleted: got %v", gone)
	}
	gateway.Post(t, "account/cloud-tenant/delete", object{"id": tenant})
	if left := gateway.Get(t, "account/cloud-tenant/list", nil).List("cloud_tenants"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if left := gateway.Get(t, "tenant/organization/get", object{"id": above}).Object("organization").Texts("account_ids"); len(left) > 0 {
		t.Errorf("the organization above still has %v", left)
	}
	gateway.Refused(t, "ALREADY_EXISTS", "account/cloud-tenant/create", wanted)
	return made.Text("cloud_project")
}

// memberOf makes a user who works in an organization.
func memberOf(t *testing.T, gateway *harness.Gateway, organization string) harness.Option {
	t.Helper()
	const password = "Correct-Horse-7"
	var member string
	for _, role := range gateway.Get(t, "tenant/role/list", nil).List("roles") {
		if role.Text("name") == "tenant-member" {
			member = role.Text("id")
		}
	}
	user := gateway.Post(t, "tenant/user/create", object{"name": "wang", "organization_id": organization, "password": password}).Text("id")
	gateway.Post(t, "tenant/organization/grant-role", object{"id": organization, "user_id": user, "role_id": member})
	token := gateway.Post(t, "tenant/token/create", object{"user_name": "wang", "password": password}).Text("token")
	return harness.Header("Authorization", "Bearer "+token)
}

// workInTenant finds the tenant empty and makes a network there.
func workInTenant(t *testing.T, gateway *harness.Gateway, as harness.Option, tenant string) string {
	t.Helper()
	for _, what := range []string{"compute/vm", "storage/disk", "network/router"} {
		answer := gateway.Send(t, http.MethodGet, harness.Path(what+"/list")+"?account_id="+tenant, nil, as)
		name := what[strings.LastIndexByte(what, '/')+1:] + "s"
		if held := answer.Data.List(name); answer.Code != 0 || len(held) > 0 {
			t.Errorf("a new tenant's %s: %d %v", name, answer.Status, held)
		}
	}
	network := gateway.Post(t, "network/network/create", object{"account_id": tenant, "name": "tenant-net", "wait_seconds": 60}, as)
	if network.Text("operation_status") != "OPERATION_STATUS_SUCCEEDED" {
		t.Fatalf("network in the tenant: %v", network)
	}
	return network.Text("id")
}

func expectUsable(t *testing.T, gateway *harness.Gateway, as harness.Option, tenant, when string) {
	t.Helper()
	answer := gateway.Send(t, http.MethodGet, harness.Path("network/network/list")+"?account_id="+tenant+"&name=tenant-net", nil, as)
	if found := answer.Data.List("networks"); answer.Code != 0 || len(found) != 1 || len(answer.Data.List("unreachable")) > 0 {
		t.Errorf("%s: the tenant's network: %d %s", when, answer.Status, answer.Body)
	}
}

func limitOf(quotas []object, name string) int {
	for _, q := range quotas {
		if q.Text("name") == name {
			return q.Int("limit")
		}
	}
	return -1
}
