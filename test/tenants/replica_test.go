package tenants

import (
	"net/http"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// reach is how long another replica may take to know of a change. It is seconds
// above the promised 2 s, so that a busy machine fails no test; what was seen is logged.
const reach = 15 * time.Second

// TestReplicas changes who may call by one gateway process, and watches another on
// the same PostgreSQL refuse him.
func TestReplicas(t *testing.T) {
	w := newWorldWith(t, harness.Setup{Store: "postgres"})
	other := harness.NewGatewayWith(t, programs, harness.Setup{ReplicaOf: w.Gateway}, harness.Account{ID: sharedAccount, Driver: "memory"})
	member := w.beta.users["tenant-member"]
	signer := w.newSigner(t, member)
	asMember, bySignature := member.as(), signed(t, signer)
	list := func(as harness.Option) *harness.Answer {
		return other.Send(t, http.MethodGet, harness.Path("network/network/list")+"?account_id="+sharedAccount, nil, as)
	}
	await := func(what string, as harness.Option, reason string) {
		t.Helper()
		begin := time.Now()
		harness.Eventually(t, reach, what+" is known to the other replica", func() bool { return list(as).Reason() == reason })
		t.Logf("%s: known to the other replica after %s", what, time.Since(begin).Round(10*time.Millisecond))
	}
	if got := list(asMember); got.Code != 0 {
		t.Fatalf("before: %d %s", got.Status, got.Body)
	}

	again := w.Post(t, "tenant/token/create", object{"user_name": member.name, "password": password}).Text("token")
	w.Post(t, "tenant/token/revoke", object{}, asMember)
	await("a revoked token", asMember, "TOKEN_INVALID")
	member.token = again
	asMember = member.as()

	key := w.Get(t, "tenant/access-key/list", object{"user_id": member.id}).List("access_keys")
	last := key[len(key)-1].Text("id")
	w.Post(t, "tenant/access-key/update", object{"id": last, "enabled": false})
	await("a disabled key", bySignature, "SIGNATURE_INVALID")

	w.Post(t, "tenant/organization/revoke-role", object{"id": w.beta.organization, "user_id": member.id, "role_id": w.roles["tenant-member"]})
	await("a revoked role", asMember, "PERMISSION_DENIED")
	w.Post(t, "tenant/organization/grant-role", object{"id": w.beta.organization, "user_id": member.id, "role_id": w.roles["tenant-member"]})
	await("a granted role", asMember, "")

	w.Post(t, "tenant/organization/set-accounts", object{"id": w.beta.organization, "account_ids": []string{}})
	await("an account taken away", asMember, "RESOURCE_FORBIDDEN")
	w.Post(t, "tenant/organization/set-accounts", object{"id": w.beta.organization, "account_ids": []string{sharedAccount}})

	w.Post(t, "tenant/organization/update", object{"id": w.beta.organization, "enabled": false})
	await("a disabled organization", asMember, "PRINCIPAL_DISABLED")
	w.Post(t, "tenant/organization/update", object{"id": w.beta.organization, "enabled": true})
	await("an enabled organization", asMember, "")

	w.Post(t, "tenant/user/update", object{"id": member.id, "enabled": false})
	await("a disabled user", asMember, "TOKEN_INVALID") // tokens end with it

	// Failed log-ins count wherever they are tried.
	victim := object{"user_name": w.alpha.users["tenant-member"].name, "password": "wrong-Guess-2026"}
	for i := range 6 {
		gateway := []*harness.Gateway{w.Gateway, other}[i%2]
		gateway.Send(t, http.MethodPost, harness.Path("tenant/token/create"), victim)
	}
	victim["password"] = password
	for name, gateway := range map[string]*harness.Gateway{"one": w.Gateway, "other": other} {
		if got := gateway.Send(t, http.MethodPost, harness.Path("tenant/token/create"), victim); got.Code == 0 {
			t.Errorf("the right password after six wrong ones at both replicas is taken by %s: %s", name, got.Body)
		}
	}
}
