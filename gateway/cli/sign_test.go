package cli

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

// writeKey writes an access key's secret and returns its file and who checks it.
func writeKey(t *testing.T, algorithm signature.Algorithm) (file string, verifier *signature.Verifier) {
	t.Helper()
	secret := bytes.Repeat([]byte{7}, 32)
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	verifier, err := signature.NewHMACVerifier(algorithm, secret)
	if err != nil {
		t.Fatal(err)
	}
	return file, verifier
}

// verify checks the signature of a request as a gateway does.
func verify(r *http.Request, verifier *signature.Verifier) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	signed, err := signature.Read(r, body)
	if err != nil {
		return err
	}
	return signed.Verify(verifier, time.Now())
}

func TestSignedCommands(t *testing.T) {
	file, verifier := writeKey(t, signature.HMACSM3)
	var problems []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := verify(r, verifier); err != nil || r.Header.Get("Authorization") != "" {
			problems = append(problems, r.Method+" "+r.URL.RequestURI()+": "+r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, empty)
	}))
	t.Cleanup(server.Close)
	environment := map[string]string{"YUNQIAO_ADDRESS": server.URL, "YUNQIAO_TOKEN": "not-to-be-sent", "YUNQIAO_KEY_ID": "k-1", "YUNQIAO_KEY_FILE": file}
	for _, args := range []string{
		"vm list account_id=a,b name_contains=云", "vm stop a.vm-1", "tenant disable 0190a1b2c3d4e5f60718293a4b5c6d7e", "audit export - failed=true",
	} {
		var out, errs strings.Builder
		if status := Main(strings.Fields(args), func(name string) string { return environment[name] }, strings.NewReader(""), &out, &errs); status != 0 {
			t.Errorf("%s: status %d, %s", args, status, errs.String())
		}
	}
	if len(problems) > 0 {
		t.Errorf("not signed: %q", problems)
	}
}

func TestKeySign(t *testing.T) {
	file, verifier := writeKey(t, signature.HMACSHA256)
	flags := []string{"key", "sign", "--access-key", "k-1", "--access-key-file", file, "--access-key-algorithm", "hmac-sha256"}
	g := newGateway(t, http.StatusOK, empty)
	for name, tc := range map[string]struct {
		args        []string
		method, url string
		body        string
	}{
		"read":            {[]string{"get", "/compute/v1/vm/list?account_id=a&b=%E4%BA%91"}, "GET", "/compute/v1/vm/list?account_id=a&b=%E4%BA%91", ""},
		"write":           {[]string{"POST", "/compute/v1/vm/stop", "--body", `{"id":"a.vm-1"}`}, "POST", "/compute/v1/vm/stop", `{"id":"a.vm-1"}`},
		"standard input":  {[]string{"POST", "/compute/v1/vm/stop", "--body", "@-"}, "POST", "/compute/v1/vm/stop", `{"id":"a.vm-2"}`},
		"idempotency key": {[]string{"POST", "/compute/v1/vm/stop", "--body", "{}", "--idempotency-key", "once"}, "POST", "/compute/v1/vm/stop", "{}"},
	} {
		status, out, errs := g.run(t, nil, tc.body, append(flags, tc.args...)...)
		if status != 0 {
			t.Errorf("%s: status %d, %s", name, status, errs)
			continue
		}
		r := httptest.NewRequestWithContext(t.Context(), tc.method, tc.url, strings.NewReader(tc.body))
		for line := range strings.Lines(out) {
			header, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Set(header, value)
		}
		if err := verify(r, verifier); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for name, args := range map[string][]string{
		"no file": {"key", "sign", "--access-key", "k-1", "GET", "/x"}, "no id": {"key", "sign", "--access-key-file", file, "GET", "/x"},
	} {
		if status, _, errs := g.run(t, nil, "", args...); status != 1 || !strings.Contains(errs, "--access-key") {
			t.Errorf("%s: status %d, %s", name, status, errs)
		}
	}
}
