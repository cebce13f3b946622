package identity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

const none = apiv1.Reason_REASON_UNSPECIFIED

// authenticate asks who makes a request with a token.
func (r *rig) authenticate(t *testing.T, token string) error {
	t.Helper()
	_, err := r.Authenticate(t.Context(), bearer(token), nil)
	return err
}

func TestTokenLife(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	made, err := r.tokens().CreateToken(t.Context(), &tenantv1.CreateTokenRequest{UserName: "wang", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	first := made.GetToken()
	told, err := r.tokens().VerifyToken(r.as(t, first), &tenantv1.VerifyTokenRequest{})
	if err != nil || told.GetUserName() != "wang" || told.GetOrganizationName() != "north" ||
		!slices.Equal(told.GetRoles(), []string{identity.RoleTenantMember}) || !slices.Contains(told.GetPermissions(), "compute.vm.create") ||
		slices.Contains(told.GetPermissions(), "tenant.user.create") {
		t.Errorf("verify: %v, %v", told, err)
	}
	renewed, err := r.tokens().RefreshToken(r.as(t, first), &tenantv1.RefreshTokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	second := renewed.GetToken()
	expect(t, "the token that was renewed", r.authenticate(t, first), apiv1.Reason_REASON_TOKEN_INVALID)
	expect(t, "the new token", r.authenticate(t, second), none)
	if _, err := r.tokens().RevokeToken(r.as(t, second), &tenantv1.RevokeTokenRequest{}); err != nil {
		t.Fatal(err)
	}
	expect(t, "the revoked token", r.authenticate(t, second), apiv1.Reason_REASON_TOKEN_INVALID)

	third := r.logIn(t, "wang")
	r.clock = r.clock.Add(11 * time.Hour)
	expect(t, "after 11 hours", r.authenticate(t, third), none)
	r.clock = r.clock.Add(2 * time.Hour)
	expect(t, "after 13 hours", r.authenticate(t, third), apiv1.Reason_REASON_TOKEN_INVALID)
	for _, garbage := range []string{"", "x", "yq_", "yq_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", third + "x"} {
		expect(t, "garbage "+garbage, r.authenticate(t, garbage), apiv1.Reason_REASON_TOKEN_INVALID)
	}
}

// TestVerifyForeignToken: whose token it is, is told to those above only.
func TestVerifyForeignToken(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	r.user(t, "li", "south", identity.RoleTenantMember)
	request := &tenantv1.VerifyTokenRequest{Token: r.logIn(t, "wang")}
	_, err := r.tokens().VerifyToken(r.as(t, r.logIn(t, "li")), request)
	expect(t, "by another organization", err, apiv1.Reason_REASON_TOKEN_INVALID)
	_, err = r.tokens().VerifyToken(r.admin, request)
	expect(t, "by the root", err, none)
}

// TestOtherReplica: what one process ends is ended in another within two seconds.
func TestOtherReplica(t *testing.T) {
	file := dbtest.DSN(t)
	r, token := openRig(t, dbtest.Open(t, file))
	r.admin = r.as(t, token)
	other, _ := openRig(t, dbtest.Open(t, file))
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- other.Run(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	expect(t, "before", other.authenticate(t, token), none)
	if _, err := r.tokens().RevokeToken(r.admin, &tenantv1.RevokeTokenRequest{}); err != nil {
		t.Fatal(err)
	}
	expect(t, "here", r.authenticate(t, token), apiv1.Reason_REASON_TOKEN_INVALID)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(2 * time.Second)
	for other.authenticate(t, token) == nil {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatal("the other replica takes the token after two seconds")
		}
	}
}

// TestLockOut locks names that exist and names that do not alike.
func TestLockOut(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	try := func(name, password string) (apiv1.Reason, time.Duration) {
		_, err := r.tokens().CreateToken(t.Context(), &tenantv1.CreateTokenRequest{UserName: name, Password: password})
		return sdk.ReasonOf(err), sdk.RetryAfterOf(err)
	}
	for _, name := range []string{"wang", "nobody"} {
		for i := range 5 {
			if reason, _ := try(name, "wrong-password"); reason != apiv1.Reason_REASON_CREDENTIALS_INVALID {
				t.Fatalf("%s, attempt %d: %v", name, i+1, reason)
			}
		}
		before := time.Duration(0)
		for range 3 {
			reason, wait := try(name, goodPassword)
			if reason != apiv1.Reason_REASON_RATE_LIMITED || wait <= before {
				t.Fatalf("%s is locked: %v for %s, after %s", name, reason, wait, before)
			}
			before = wait
			r.clock = r.clock.Add(wait)
			if reason, _ := try(name, "wrong-password"); reason != apiv1.Reason_REASON_CREDENTIALS_INVALID {
				t.Fatalf("%s after the lock: %v", name, reason)
			}
		}
	}
	shown, err := r.users().GetUser(r.admin, &tenantv1.GetUserRequest{Id: r.ids["wang"]})
	if err != nil || shown.GetUser().GetLockedUntil() == nil {
		t.Errorf("the lock is not shown: %v, %v", shown, err)
	}
	r.clock = r.clock.Add(time.Hour)
	if reason, _ := try("wang", goodPassword); reason != none {
		t.Errorf("after an hour: %v", reason)
	}
	if reason, _ := try("wang", "wrong-password"); reason != apiv1.Reason_REASON_CREDENTIALS_INVALID {
		t.Errorf("a success does not forget the failures: %v", reason)
	}
}

// TestNoEnumeration: all failures to log in look the same.
func TestNoEnumeration(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "north", identity.RoleTenantMember)
	for what, request := range map[string]*tenantv1.CreateTokenRequest{
		"wrong password":                 {UserName: "wang", Password: "wrong-password"},
		"no such user":                   {UserName: "nobody", Password: goodPassword},
		"a user without a password":      {UserName: "admin", Password: goodPassword},
		"no such organization":           {UserName: "wang", Password: goodPassword, TenantName: "absent"},
		"an organization without grants": {UserName: "wang", Password: goodPassword, TenantName: "south"},
	} {
		_, err := r.tokens().CreateToken(t.Context(), request)
		expect(t, what, err, apiv1.Reason_REASON_CREDENTIALS_INVALID)
		if details := sdk.StatusOf(err).Message(); details != sdk.StatusOf(sdk.NewError(apiv1.Reason_REASON_CREDENTIALS_INVALID)).Message() {
			t.Errorf("%s tells %q", what, details)
		}
	}
}

func TestDisabled(t *testing.T) {
	r := newRig(t)
	r.user(t, "wang", "village", identity.RoleTenantMember)
	no, yes := false, true
	enable := func(organization string, enabled *bool) {
		t.Helper()
		if _, err := r.organizations().UpdateOrganization(r.admin, &tenantv1.UpdateOrganizationRequest{Id: r.ids[organization], Enabled: enabled}); err != nil {
			t.Fatal(err)
		}
	}
	token := r.logIn(t, "wang")
	enable("north", &no) // above the user's own
	expect(t, "an organization above is disabled", r.authenticate(t, token), apiv1.Reason_REASON_PRINCIPAL_DISABLED)
	_, err := r.tokens().CreateToken(t.Context(), &tenantv1.CreateTokenRequest{UserName: "wang", Password: goodPassword})
	expect(t, "log-in then", err, apiv1.Reason_REASON_PRINCIPAL_DISABLED)
	enable("north", &yes)
	expect(t, "it is enabled again", r.authenticate(t, token), none)
	if _, err := r.users().UpdateUser(r.admin, &tenantv1.UpdateUserRequest{Id: r.ids["wang"], Enabled: &no}); err != nil {
		t.Fatal(err)
	}
	expect(t, "the user is disabled", r.authenticate(t, token), apiv1.Reason_REASON_TOKEN_INVALID)
	_, err = r.tokens().CreateToken(t.Context(), &tenantv1.CreateTokenRequest{UserName: "wang", Password: goodPassword})
	expect(t, "log-in then", err, apiv1.Reason_REASON_PRINCIPAL_DISABLED)
}
