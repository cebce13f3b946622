package identity_test

import (
	"context"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

func reasonOf[T any](_ T, err error) apiv1.Reason { return sdk.ReasonOf(err) }

// TestNobodyRaisesHimself: what a caller does not have, it cannot give, define,
// take from others, or get through their passwords and keys.
func TestNobodyRaisesHimself(t *testing.T) {
	r := newRig(t)
	r.user(t, "head", "north", identity.RoleTenantAdministrator)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	r.user(t, "keeper", "north", identity.RoleOperator)
	r.user(t, "boss", "", identity.RoleAdministrator)
	// An operator of the root who also may define roles.
	definer, err := r.roles().CreateRole(r.admin, &tenantv1.CreateRoleRequest{Name: "definer", Permissions: []string{"tenant.role.*", "compute.vm.*"}})
	if err != nil {
		t.Fatal(err)
	}
	r.ids["definer"] = definer.GetId()
	r.user(t, "clerk", "", "definer")
	head, clerk := r.as(t, r.logIn(t, "head")), r.as(t, r.logIn(t, "clerk"))
	grant := func(ctx context.Context, organization, user, role string) apiv1.Reason {
		return reasonOf(r.organizations().GrantRole(ctx, &tenantv1.GrantRoleRequest{Id: r.ids[organization], UserId: r.ids[user], RoleId: r.ids[role]}))
	}
	password := "Another-Horse-2"
	keys := tenantv1.NewAccessKeyServiceClient(r.conn)
	const denied, absent = apiv1.Reason_REASON_PERMISSION_DENIED, apiv1.Reason_REASON_NOT_FOUND
	for what, tc := range map[string]struct{ got, want apiv1.Reason }{
		"grant what one has":               {grant(head, "village", "wang", identity.RoleTenantMember), none},
		"grant a higher role to oneself":   {grant(head, "north", "head", identity.RoleAdministrator), denied},
		"grant a higher role to others":    {grant(head, "village", "wang", identity.RoleOperator), denied},
		"grant in another organization":    {grant(head, "south", "wang", identity.RoleTenantMember), absent},
		"grant to another's user":          {grant(head, "north", "boss", identity.RoleTenantMember), absent},
		"define a role with what one has":  {reasonOf(r.roles().CreateRole(clerk, &tenantv1.CreateRoleRequest{Name: "vms", Permissions: []string{"compute.vm.*"}})), none},
		"define a role with more":          {reasonOf(r.roles().CreateRole(clerk, &tenantv1.CreateRoleRequest{Name: "more", Permissions: []string{"compute.*"}})), denied},
		"raise a role":                     {reasonOf(r.roles().UpdateRole(clerk, &tenantv1.UpdateRoleRequest{Id: r.ids["definer"], Permissions: []string{"*"}})), denied},
		"change a built-in role":           {reasonOf(r.roles().UpdateRole(r.admin, &tenantv1.UpdateRoleRequest{Id: r.ids[identity.RoleFinance], Permissions: []string{"*"}})), apiv1.Reason_REASON_INVALID_STATE},
		"remove a granted role":            {reasonOf(r.roles().DeleteRole(r.admin, &tenantv1.DeleteRoleRequest{Id: r.ids["definer"]})), apiv1.Reason_REASON_IN_USE},
		"define a role below the root":     {reasonOf(r.roles().CreateRole(head, &tenantv1.CreateRoleRequest{Name: "ours", Permissions: []string{"compute.vm.get"}})), denied},
		"set a lower one's password":       {reasonOf(r.users().UpdateUser(head, &tenantv1.UpdateUserRequest{Id: r.ids["wang"], Password: &password})), none},
		"set a higher one's password":      {reasonOf(r.users().UpdateUser(head, &tenantv1.UpdateUserRequest{Id: r.ids["keeper"], Password: &password})), denied},
		"remove a higher one":              {reasonOf(r.users().DeleteUser(head, &tenantv1.DeleteUserRequest{Id: r.ids["keeper"]})), denied},
		"make a key for a lower one":       {reasonOf(keys.CreateAccessKey(head, &tenantv1.CreateAccessKeyRequest{UserId: r.ids["wang"]})), none},
		"make a key for a higher one":      {reasonOf(keys.CreateAccessKey(head, &tenantv1.CreateAccessKeyRequest{UserId: r.ids["keeper"]})), denied},
		"make a key for one of the root":   {reasonOf(keys.CreateAccessKey(head, &tenantv1.CreateAccessKeyRequest{UserId: r.ids["boss"]})), absent},
		"take a higher role from somebody": {reasonOf(r.organizations().RevokeRole(head, &tenantv1.RevokeRoleRequest{Id: r.ids["north"], UserId: r.ids["keeper"], RoleId: r.ids[identity.RoleOperator]})), denied},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", what, tc.got, tc.want)
		}
	}
}

// TestLastAdministrator: somebody can always do everything.
func TestLastAdministrator(t *testing.T) {
	r := newRig(t)
	users, err := r.users().ListUsers(r.admin, &tenantv1.ListUsersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r.ids["admin"], r.ids["root"] = users.GetUsers()[0].GetId(), r.Root()
	no := false
	revoke := &tenantv1.RevokeRoleRequest{Id: r.ids["root"], UserId: r.ids["admin"], RoleId: r.ids[identity.RoleAdministrator]}
	for what, got := range map[string]apiv1.Reason{
		"remove":  reasonOf(r.users().DeleteUser(r.admin, &tenantv1.DeleteUserRequest{Id: r.ids["admin"]})),
		"disable": reasonOf(r.users().UpdateUser(r.admin, &tenantv1.UpdateUserRequest{Id: r.ids["admin"], Enabled: &no})),
		"revoke":  reasonOf(r.organizations().RevokeRole(r.admin, revoke)),
	} {
		if got != apiv1.Reason_REASON_INVALID_STATE {
			t.Errorf("%s: %v", what, got)
		}
	}
	r.user(t, "second", "", identity.RoleAdministrator)
	if got := reasonOf(r.organizations().RevokeRole(r.admin, revoke)); got != none {
		t.Errorf("with a second administrator: %v", got)
	}
}

func TestPasswordRules(t *testing.T) {
	r := newRig(t)
	for password, want := range map[string]apiv1.Reason{
		goodPassword:         none,
		"短口令":                apiv1.Reason_REASON_VALIDATION_FAILED,
		"一个足够长的中文口令短语":       none,
		"short-1":            apiv1.Reason_REASON_VALIDATION_FAILED,
		"my-name-is-Wang-01": apiv1.Reason_REASON_VALIDATION_FAILED,
		"aaaaaaaaaaaaaa":     apiv1.Reason_REASON_VALIDATION_FAILED,
		"1234567890":         apiv1.Reason_REASON_VALIDATION_FAILED,
		"Password123":        apiv1.Reason_REASON_VALIDATION_FAILED,
	} {
		_, err := r.users().CreateUser(r.admin, &tenantv1.CreateUserRequest{Name: "wang", Password: password})
		expect(t, password, err, want)
		if err != nil {
			continue
		}
		users, err := r.users().ListUsers(r.admin, &tenantv1.ListUsersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users.GetUsers() {
			if u.GetName() == "wang" {
				_, err = r.users().DeleteUser(r.admin, &tenantv1.DeleteUserRequest{Id: u.GetId()})
			}
		}
		expect(t, "remove", err, none)
	}
}

func TestChangePassword(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	mine, other := r.logIn(t, "wang"), r.logIn(t, "wang")
	change := func(old, next string) apiv1.Reason {
		return reasonOf(r.users().ChangePassword(r.as(t, mine), &tenantv1.ChangePasswordRequest{OldPassword: old, NewPassword: next}))
	}
	if got := change("wrong-password", "Another-Horse-2"); got != apiv1.Reason_REASON_CREDENTIALS_INVALID {
		t.Errorf("with a wrong password: %v", got)
	}
	if got := change(goodPassword, "1234567890"); got != apiv1.Reason_REASON_VALIDATION_FAILED {
		t.Errorf("to a common password: %v", got)
	}
	if got := change(goodPassword, "Another-Horse-2"); got != none {
		t.Fatal(got)
	}
	expect(t, "the token of the change", r.authenticate(t, mine), none)
	expect(t, "other tokens", r.authenticate(t, other), apiv1.Reason_REASON_TOKEN_INVALID)
	for range 5 {
		change("wrong-password", goodPassword)
	}
	if got := change("Another-Horse-2", goodPassword); got != apiv1.Reason_REASON_RATE_LIMITED {
		t.Errorf("guessing the old password: %v", got)
	}
}

func TestKeyLimit(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	ctx, keys := r.as(t, r.logIn(t, "wang")), tenantv1.NewAccessKeyServiceClient(r.conn)
	var last string
	for range 4 {
		made, err := keys.CreateAccessKey(ctx, &tenantv1.CreateAccessKeyRequest{})
		if err != nil || made.GetSecret() == "" {
			t.Fatalf("%v, %v", made, err)
		}
		last = made.GetId()
	}
	if got := reasonOf(keys.CreateAccessKey(ctx, &tenantv1.CreateAccessKeyRequest{})); got != apiv1.Reason_REASON_TENANT_QUOTA_EXCEEDED {
		t.Errorf("a fifth key: %v", got)
	}
	if got := reasonOf(keys.DeleteAccessKey(ctx, &tenantv1.DeleteAccessKeyRequest{Id: last})); got != none {
		t.Error(got)
	}
	if got := reasonOf(keys.CreateAccessKey(ctx, &tenantv1.CreateAccessKeyRequest{})); got != none {
		t.Errorf("after one has gone: %v", got)
	}
}

// TestQuotasGoUp: what a village makes counts for all above it.
func TestQuotasGoUp(t *testing.T) {
	r := newRig(t)
	set := func(organization string, quotas ...*tenantv1.OrganizationQuota) {
		t.Helper()
		if _, err := r.organizations().SetOrganizationQuota(r.admin, &tenantv1.SetOrganizationQuotaRequest{Id: r.ids[organization], Quotas: quotas}); err != nil {
			t.Fatal(err)
		}
	}
	set("north", &tenantv1.OrganizationQuota{ResourceType: "compute.vm", Limit: 9}, &tenantv1.OrganizationQuota{ResourceType: "compute.vm", AccountId: "account-1", Limit: 4})
	set("village", &tenantv1.OrganizationQuota{ResourceType: "compute.vm", Limit: 2})
	for _, tc := range []struct {
		organization, account string
		want                  []int
	}{
		{"village", "account-1", []int{9, 4, 2}}, {"village", "account-2", []int{9, 2}}, {"north", "account-2", []int{9}}, {"south", "account-1", nil},
	} {
		quotas := r.Quotas(r.ids[tc.organization], "compute.vm", tc.account)
		if len(quotas) != len(tc.want) {
			t.Errorf("%s in %s: %v, want %v", tc.organization, tc.account, quotas, tc.want)
			continue
		}
		for i, q := range quotas {
			if q.Limit != tc.want[i] {
				t.Errorf("%s in %s: limit %d is %d, want %d", tc.organization, tc.account, i, q.Limit, tc.want[i])
			}
		}
	}
}

// TestUnknownNames refuses what would never hold: permissions, types and accounts that
// do not exist.
func TestUnknownNames(t *testing.T) {
	r := newRig(t)
	for permission, want := range map[string]apiv1.Reason{
		"compute.vm.get": none, "compute.vm.*": none, "*": none,
		"compute.vms.get": apiv1.Reason_REASON_VALIDATION_FAILED, "compute.vms.*": apiv1.Reason_REASON_VALIDATION_FAILED,
	} {
		_, err := r.roles().CreateRole(r.admin, &tenantv1.CreateRoleRequest{Name: "role of " + permission, Permissions: []string{permission}})
		expect(t, permission, err, want)
	}
	for _, tc := range []struct {
		quota *tenantv1.OrganizationQuota
		want  apiv1.Reason
	}{
		{&tenantv1.OrganizationQuota{ResourceType: "compute.vm", Limit: 1}, none},
		{&tenantv1.OrganizationQuota{ResourceType: "compute.vms", Limit: 1}, apiv1.Reason_REASON_VALIDATION_FAILED},
		{&tenantv1.OrganizationQuota{ResourceType: "tenant.user", Limit: 1}, apiv1.Reason_REASON_VALIDATION_FAILED},
		{&tenantv1.OrganizationQuota{ResourceType: "compute.vm", AccountId: "absent", Limit: 1}, apiv1.Reason_REASON_ACCOUNT_NOT_FOUND},
	} {
		_, err := r.organizations().SetOrganizationQuota(r.admin, &tenantv1.SetOrganizationQuotaRequest{
			Id: r.ids["north"], Quotas: []*tenantv1.OrganizationQuota{tc.quota},
		})
		expect(t, tc.quota.String(), err, tc.want)
	}
}
