package signing

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// signed signs a request of the harness in the last moment, and alters it then.
func signed(t *testing.T, signer *signature.Signer, alter func(*http.Request)) harness.Option {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		if err := signature.Sign(r, signer); err != nil {
			t.Fatal(err)
		}
		if alter != nil {
			alter(r)
		}
	}
}

func newSigner(t *testing.T, gateway *harness.Gateway) *signature.Signer {
	t.Helper()
	made := gateway.Post(t, "tenant/access-key/create", object{})
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

// TestRefused alters signed requests on their way, and sends them again. Nothing
// of it makes a network.
func TestRefused(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t)
	signer := newSigner(t, gateway)
	path := harness.Path("network/network/create")
	body := func(name string) []byte { return []byte(`{"account_id":"memory","name":"` + name + `"}`) }

	for name, tc := range map[string]struct {
		target string
		alter  func(*http.Request)
		reason string
	}{
		"another path":           {path, func(r *http.Request) { r.URL.Path = harness.Path("network/network/delete") }, "SIGNATURE_INVALID"},
		"the REST route instead": {path, func(r *http.Request) { r.URL.Path = "/network/v1/networks" }, "SIGNATURE_INVALID"},
		"query added":            {path, func(r *http.Request) { r.URL.RawQuery = "dry_run=true" }, "SIGNATURE_INVALID"},
		"query doubled":          {path + "?wait_seconds=1", func(r *http.Request) { r.URL.RawQuery += "&wait_seconds=1" }, "SIGNATURE_INVALID"},
		"signed with it doubled": {path + "?wait_seconds=1&wait_seconds=2", nil, "MALFORMED_REQUEST"},
		"idempotency key added":  {path, func(r *http.Request) { r.Header.Set("Idempotency-Key", "k") }, "SIGNATURE_INVALID"},
		"digest taken away":      {path, func(r *http.Request) { r.Header.Del("Content-Digest") }, "SIGNATURE_INVALID"},
		"digest of other body":   {path, func(r *http.Request) { r.Header.Set("Content-Digest", "sha-256=:AAAA:") }, "SIGNATURE_INVALID"},
		"signature cut":          {path, func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")[:30]) }, "SIGNATURE_INVALID"},
		"signature twice":        {path, func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }, "SIGNATURE_INVALID"},
		"input taken away":       {path, func(r *http.Request) { r.Header.Del("Signature-Input") }, "TOKEN_MISSING"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := gateway.Send(t, http.MethodPost, tc.target, body("altered"), signed(t, signer, tc.alter))
			if answer.Reason() != tc.reason {
				t.Errorf("got %d %s, want %s", answer.Status, answer.Body, tc.reason)
			}
			if tc.reason == "SIGNATURE_INVALID" && (answer.Status != http.StatusUnauthorized || len(answer.Violations()) == 0) {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
		})
	}

	var headers http.Header
	keep := func(r *http.Request) { headers = r.Header.Clone() }
	again := func(r *http.Request) { r.Header = headers.Clone() }
	first := gateway.Send(t, http.MethodPost, path, body("once"), signed(t, signer, keep))
	if first.Code != 0 {
		t.Fatalf("got %d %s", first.Status, first.Body)
	}
	if answer := gateway.Send(t, http.MethodPost, path, body("once"), again); answer.Reason() != "REPLAY_REJECTED" {
		t.Errorf("replay: got %d %s", answer.Status, answer.Body)
	}
	if answer := gateway.Send(t, http.MethodPost, path, body("other"), again); answer.Reason() != "SIGNATURE_INVALID" {
		t.Errorf("replay with another body: got %d %s", answer.Status, answer.Body)
	}
	gateway.Kill()
	gateway.Start(t)
	if answer := gateway.Send(t, http.MethodPost, path, body("once"), again); answer.Reason() != "REPLAY_REJECTED" {
		t.Errorf("replay after a restart: got %d %s", answer.Status, answer.Body)
	}
	gateway.Send(t, http.MethodGet, harness.Path("network/network/list")+"?account_id=memory", nil, signed(t, signer, keep))
	if answer := gateway.Send(t, http.MethodGet, harness.Path("network/network/list")+"?account_id=memory", nil, again); answer.Reason() != "REPLAY_REJECTED" {
		t.Errorf("read that is sent again: got %d %s", answer.Status, answer.Body)
	}

	var made []string
	for _, n := range gateway.Get(t, "network/network/list", object{"account_id": "memory"}).List("networks") {
		if name := n.Text("name"); name == "altered" || name == "once" || name == "other" {
			made = append(made, name)
		}
	}
	if strings.Join(made, " ") != "once" {
		t.Errorf("networks: got %v, want one", made)
	}
}
