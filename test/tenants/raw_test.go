package tenants

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// rawRoute is a line of the list that gateway/app keeps of routes that are no rpc.
type rawRoute struct {
	method, pattern, permission string
	stream                      bool
}

func rawRoutes(t *testing.T) []rawRoute {
	t.Helper()
	text, err := os.ReadFile("../../gateway/app/testdata/raw_routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []rawRoute
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[2] != "public" {
			out = append(out, rawRoute{words[0], words[1], words[2], len(words) > 3})
		}
	}
	if len(out) < 5 {
		t.Fatalf("only %d raw routes", len(out))
	}
	return out
}

// TestRawRoutes calls every route that is no rpc without credentials, without the
// permission, and in the name of another organization with the ids of the first.
func TestRawRoutes(t *testing.T) {
	w := newWorld(t)
	reader := w.Post(t, "tenant/role/create", object{"name": "nothing", "permissions": []string{"tenant.token.refresh"}}).Text("id")
	id := w.Post(t, "tenant/user/create", object{"name": "betaown-idle", "password": password, "organization_id": w.beta.organization}).Text("id")
	w.Post(t, "tenant/organization/grant-role", object{"id": w.beta.organization, "user_id": id, "role_id": reader})
	idle := user{id, "betaown-idle", w.Post(t, "tenant/token/create", object{"user_name": "betaown-idle", "password": password}).Text("token")}
	other := w.beta.users["administrator"]
	signer := w.newSigner(t, other)
	before := w.alphaAsItIs(t)
	for _, route := range rawRoutes(t) {
		t.Run(route.method+route.pattern, func(t *testing.T) {
			path := strings.ReplaceAll(route.pattern, ":id", "0190a1b2c3d4e5f60718293a4b5c6d7e")
			for name, tc := range map[string]struct {
				as     harness.Option
				status int
				reason string
			}{
				"nobody":             {harness.Header("Authorization", ""), http.StatusUnauthorized, "TOKEN_MISSING"},
				"a wrong token":      {harness.Header("Authorization", "Bearer yq_wrong"), http.StatusUnauthorized, "TOKEN_INVALID"},
				"without permission": {idle.as(), http.StatusForbidden, "PERMISSION_DENIED"},
				"a wrong signature": {func(r *http.Request) {
					signed(t, signer)(r)
					r.URL.RawQuery += "&x=1"
				}, http.StatusUnauthorized, "SIGNATURE_INVALID"},
			} {
				if answer := w.Send(t, route.method, path, bodyOf(route), tc.as); answer.Status != tc.status || answer.Reason() != tc.reason {
					t.Errorf("%s: %d %s, want %d %s", name, answer.Status, answer.Body, tc.status, tc.reason)
				}
			}
			if !route.stream {
				w.checkRaw(t, route, other, signer)
			}
		})
	}
	if after := w.alphaAsItIs(t); !slices.Equal(before, after) {
		t.Errorf("the first organization's things have changed\nbefore %v\nafter  %v", before, after)
	}
	for name, as := range map[string]harness.Option{"token": other.as(), "signature": signed(t, signer)} {
		if answer := w.Send(t, http.MethodGet, "/metrics", nil, as); answer.Status != http.StatusForbidden {
			t.Errorf("/metrics by %s: %d", name, answer.Status)
		}
	}
}

// bodyOf is an empty but readable body of a write.
func bodyOf(route rawRoute) any {
	if route.method == http.MethodGet {
		return nil
	}
	return []byte("[]")
}

// checkRaw uses ids of the first organization in the path, and in every parameter
// by which a route could select.
func (w *world) checkRaw(t *testing.T, route rawRoute, other user, signer *signature.Signer) {
	t.Helper()
	calls := []string{route.pattern}
	if strings.Contains(route.pattern, ":id") {
		calls = nil
		for _, id := range w.alpha.ids {
			calls = append(calls, strings.ReplaceAll(route.pattern, ":id", id))
		}
	} else if route.method == http.MethodGet {
		for name, types := range typesByName {
			calls = append(calls, route.pattern+"?"+harness.Query(object{string(name): w.alpha.ids[types]}))
		}
	}
	for _, call := range calls {
		for how, as := range map[string]harness.Option{"token": other.as(), "signature": signed(t, signer)} {
			answer := w.Send(t, route.method, call, bodyOf(route), as)
			if answer.Status == http.StatusUnauthorized || answer.Status >= 500 || answer.Reason() == "PERMISSION_DENIED" {
				t.Errorf("%s %s by %s: %d %s", route.method, call, how, answer.Status, answer.Body)
			}
			if route.permission == "tenant.audit.list" {
				w.expectOwnLines(t, call, answer.Body)
				continue
			}
			for _, secret := range w.secrets() {
				if strings.Contains(string(answer.Body), secret) && !strings.Contains(call, secret) {
					t.Errorf("%s %s by %s tells %s of the other organization: %s", route.method, call, how, secret, answer.Body)
				}
			}
		}
	}
}

// expectOwnLines: entries of the record hold what their maker has sent, so that whose
// they are is what counts.
func (w *world) expectOwnLines(t *testing.T, call string, lines []byte) {
	t.Helper()
	for line := range strings.Lines(string(lines)) {
		var entry object
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Text("organization_id") != w.beta.organization {
			t.Errorf("%s: %v, an entry of another organization: %s", call, err, line)
		}
	}
}

// newSigner makes an access key of a user.
func (w *world) newSigner(t *testing.T, of user) *signature.Signer {
	t.Helper()
	made := w.Post(t, "tenant/access-key/create", object{}, of.as())
	secret, err := base64.StdEncoding.DecodeString(made.Text("secret"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signature.NewHMACSigner(made.Text("id"), signature.HMACSM3, secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// signed signs a request in the last moment.
func signed(t *testing.T, signer *signature.Signer) harness.Option {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		if err := signature.Sign(r, signer); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTail follows the log entries of one organization while the other writes, until
// the reader is disabled.
func TestTail(t *testing.T) {
	w := newBareWorld(t)
	reader := w.beta.users["administrator"]
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL()+"/logging/v1/entry/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	reader.as()(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Scan() // the stream has begun
	write := func(p *party, text string) {
		w.Post(t, "logging/entry/create", object{"entries": []object{{"message": text}}}, p.users["administrator"].as())
	}
	write(w.alpha, "alphasecret writes")
	write(w.beta, "betaown writes")
	var told []string
	for lines.Scan() && !strings.Contains(lines.Text(), "betaown writes") {
		told = append(told, lines.Text())
	}
	if strings.Contains(strings.Join(told, ""), "alphasecret") {
		t.Errorf("the stream tells of the other organization: %q", told)
	}
	w.Post(t, "tenant/user/update", object{"id": reader.id, "enabled": false})
	disabled := time.Now()
	for lines.Scan() {
		if strings.Contains(lines.Text(), "entry") {
			t.Errorf("after the reader was disabled: %s", lines.Text())
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the stream goes on %s after the reader was disabled", time.Since(disabled))
	}
}
