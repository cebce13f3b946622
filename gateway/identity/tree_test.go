package identity_test

import (
	"slices"
	"testing"

	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// TestTree: one sees oneself and what is below.
func TestTree(t *testing.T) {
	r := newRig(t)
	for _, home := range []string{"north", "village", "south"} {
		r.user(t, "head-of-"+home, home, identity.RoleTenantAdministrator)
	}
	for home, sees := range map[string][]string{"north": {"north", "village"}, "village": {"village"}, "south": {"south"}} {
		ctx := r.as(t, r.logIn(t, "head-of-"+home))
		p := pipeline.CallFrom(ctx).Principal
		listed, err := r.organizations().ListOrganizations(ctx, &tenantv1.ListOrganizationsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range listed.GetOrganizations() {
			names = append(names, o.GetName())
		}
		if slices.Sort(names); !slices.Equal(names, sees) {
			t.Errorf("%s lists %v, want %v", home, names, sees)
		}
		users, err := r.users().ListUsers(ctx, &tenantv1.ListUsersRequest{})
		if err != nil || len(users.GetUsers()) != len(sees) {
			t.Errorf("%s lists the users %v, %v", home, users, err)
		}
		for _, other := range []string{"north", "village", "south"} {
			want, known := apiv1.Reason_REASON_NOT_FOUND, slices.Contains(sees, other)
			if known {
				want = none
			}
			_, err := r.organizations().GetOrganization(ctx, &tenantv1.GetOrganizationRequest{Id: r.ids[other]})
			expect(t, home+" reads "+other, err, want)
			_, err = r.users().GetUser(ctx, &tenantv1.GetUserRequest{Id: r.ids["head-of-"+other]})
			expect(t, home+" reads the head of "+other, err, want)
			if r.Sees(p, r.ids[other]) != known || slices.Contains(r.Tenants(p), r.ids[other]) != known {
				t.Errorf("%s sees %s: %t, want %t", home, other, !known, known)
			}
		}
		if r.Sees(p, "") {
			t.Errorf("%s sees what nobody owns", home)
		}
	}
}

// TestGrantsGoDown: a role holds in the organization and those below it.
func TestGrantsGoDown(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", "")
	permitted := func(organization string) bool {
		return r.Permit(pipeline.Principal{UserID: r.ids["wang"], TenantID: r.ids[organization]}, "compute.vm.create") == nil
	}
	r.grant(t, "north", "wang", identity.RoleTenantMember)
	if !permitted("north") || !permitted("village") || permitted("south") {
		t.Error("a role in north must hold there and in the village, not in the south")
	}
	_, err := r.organizations().RevokeRole(r.admin, &tenantv1.RevokeRoleRequest{Id: r.ids["north"], UserId: r.ids["wang"], RoleId: r.ids[identity.RoleTenantMember]})
	expect(t, "revoke", err, none)
	r.grant(t, "village", "wang", identity.RoleTenantMember)
	if permitted("north") || !permitted("village") {
		t.Error("a role in the village must not hold above it")
	}
}

// TestAccountsGoDown: one may use what all above have been given.
func TestAccountsGoDown(t *testing.T) {
	r := newRig(t)
	r.user(t, "head-of-north", "north", identity.RoleTenantAdministrator)
	head := r.as(t, r.logIn(t, "head-of-north"))
	give := func(organization string, accounts ...string) apiv1.Reason {
		ctx := r.admin
		if organization == "village" {
			ctx = head
		}
		return reasonOf(r.organizations().SetOrganizationAccounts(ctx, &tenantv1.SetOrganizationAccountsRequest{Id: r.ids[organization], AccountIds: accounts}))
	}
	may := func(organization, account string) bool {
		return r.Account(pipeline.Principal{TenantID: r.ids[organization]}, account) == nil
	}
	if got := give("north", "account-1", "account-2"); got != none {
		t.Fatal(got)
	}
	if got := give("village", "account-1"); got != none || !may("village", "account-1") || may("village", "account-2") {
		t.Errorf("given by the head of north: %v", got)
	}
	if got := give("village", "account-3"); got != apiv1.Reason_REASON_RESOURCE_FORBIDDEN {
		t.Errorf("an account that north has not: %v", got)
	}
	if got := give("south", "elsewhere"); got != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("no such account: %v", got)
	}
	got := reasonOf(r.organizations().SetOrganizationAccounts(head, &tenantv1.SetOrganizationAccountsRequest{Id: r.ids["north"], AccountIds: []string{"account-1"}}))
	if got != apiv1.Reason_REASON_PERMISSION_DENIED {
		t.Errorf("north gives itself accounts: %v", got)
	}
	if got := give("north", "account-2"); got != none || may("village", "account-1") {
		t.Errorf("what north has lost, the village must have lost: %v", got)
	}
}

// TestDeleteRules: what is in use stays.
func TestDeleteRules(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "village", identity.RoleTenantMember)
	remove := func(name string) apiv1.Reason {
		return reasonOf(r.organizations().DeleteOrganization(r.admin, &tenantv1.DeleteOrganizationRequest{Id: r.ids[name]}))
	}
	if got := remove("north"); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("with an organization below: %v", got)
	}
	if got := remove("village"); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("with a user: %v", got)
	}
	if got := reasonOf(r.users().DeleteUser(r.admin, &tenantv1.DeleteUserRequest{Id: r.ids["wang"]})); got != none {
		t.Fatal(got)
	}
	r.owned[r.ids["village"]] = 1
	if got := remove("village"); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("with a resource: %v", got)
	}
	r.owned[r.ids["village"]] = 0
	for _, name := range []string{"village", "village", "north"} { // the second time it is absent
		if got := remove(name); got != none {
			t.Errorf("remove %s: %v", name, got)
		}
	}
	r.ids["root"] = r.Root()
	if got := remove("root"); got != apiv1.Reason_REASON_IN_USE {
		t.Errorf("the root: %v", got)
	}
}
