package signing

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// client is an example program, by the command that runs it.
type client struct {
	name       string
	command    []string
	algorithms []string
}

func clients(t *testing.T) []client {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sign")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/sign/go")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	all := []client{
		{"go", []string{program}, []string{"hmac-sm3", "hmac-sha256", "sm2-sm3"}},
		{"python", []string{"python3", "../../examples/sign/python/sign.py"}, []string{"hmac-sha256", "hmac-sm3"}},
		{"shell", []string{"../../examples/sign/shell/sign.sh"}, []string{"hmac-sm3", "hmac-sha256", "sm2-sm3"}},
	}
	for _, tool := range []string{"python3", "openssl", "curl", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the examples need %s", tool)
		}
	}
	return all
}

// key is an access key in the examples' environment.
type key []string

// newKey makes an access key as a user does; an SM2 key with openssl.
func newKey(t *testing.T, gateway *harness.Gateway, algorithm string) key {
	t.Helper()
	if algorithm == "sm2-sm3" {
		private := filepath.Join(t.TempDir(), "sm2.pem")
		openssl(t, "genpkey", "-algorithm", "SM2", "-out", private)
		public := openssl(t, "pkey", "-in", private, "-pubout")
		made := gateway.Post(t, "tenant/access-key/create", object{"algorithm": "SIGNATURE_ALGORITHM_SM2", "public_key": public})
		return key{"YUNQIAO_KEY_ID=" + made.Text("id"), "YUNQIAO_KEY_ALGORITHM=" + algorithm, "YUNQIAO_KEY_FILE=" + private}
	}
	name := "SIGNATURE_ALGORITHM_" + strings.ToUpper(strings.ReplaceAll(algorithm, "-", "_"))
	made := gateway.Post(t, "tenant/access-key/create", object{"algorithm": name})
	return key{"YUNQIAO_KEY_ID=" + made.Text("id"), "YUNQIAO_KEY_ALGORITHM=" + algorithm, "YUNQIAO_KEY_SECRET=" + made.Text("secret")}
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl %v: %v", args, err)
	}
	return string(out)
}

// send runs an example and reads the envelope that it printed.
func (c client) send(t *testing.T, k key, args ...string) (code int, data object) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.command[0], append(c.command[1:], args...)...)
	cmd.Env = append(append(os.Environ(), "NO_PROXY=127.0.0.1"), k...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var envelope struct {
		Code int    `json:"code"`
		Data object `json:"data"`
	}
	if json.Unmarshal(out, &envelope) != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, stderr.String())
	}
	if (err == nil) != (envelope.Code == 0) {
		t.Errorf("%v: code %d, but the program ended with %v", args, envelope.Code, err)
	}
	return envelope.Code, envelope.Data
}

// TestExamples sends a read with a query, and a write with a body, from each
// client with each algorithm; and with a key that is not the user's.
func TestExamples(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t)
	for _, c := range clients(t) {
		for _, algorithm := range c.algorithms {
			t.Run(c.name+"/"+algorithm, func(t *testing.T) {
				k := newKey(t, gateway, algorithm)
				code, data := c.send(t, k, "GET", gateway.URL()+"/compute/v1/flavor/list?account_id=memory&page_size=2")
				if code != 0 || len(data.List("flavors")) != 2 {
					t.Errorf("read: got %d %v", code, data)
				}
				name := strings.ReplaceAll(c.name+"-"+algorithm, "_", "-")
				code, data = c.send(t, k, "POST", gateway.URL()+"/network/v1/network/create?wait_seconds=20",
					`{"account_id":"memory","name":"`+name+`","description":"融合媒体"}`)
				if code != 0 || data.Text("id") == "" {
					t.Errorf("write: got %d %v", code, data)
				}
				other := newKey(t, gateway, algorithm)
				mixed := append(key{other[0]}, k[1:]...)
				if code, data = c.send(t, mixed, "GET", gateway.URL()+"/compute/v1/flavor/list?account_id=memory"); data.Text("reason") != "SIGNATURE_INVALID" {
					t.Errorf("key of another id: got %d %v", code, data)
				}
				for _, made := range []key{k, other} {
					gateway.Post(t, "tenant/access-key/delete", object{"id": strings.TrimPrefix(made[0], "YUNQIAO_KEY_ID=")})
				}
			})
		}
	}
}
