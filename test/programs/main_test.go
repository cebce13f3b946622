package programs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// built are the programs, built once for all tests.
var built *harness.Programs

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if built, err = harness.Build("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := built.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

type object = harness.Object

// partner is a content platform that a gateway has admitted.
type partner struct {
	gateway        *harness.Gateway
	group, secret  string
	keyFile        string // SM2 in PEM, made by OpenSSL
	secretFile     string
	publicKeyInPEM string
}

func newPartner(t *testing.T, group string) *partner {
	t.Helper()
	p := &partner{gateway: harness.NewGateway(t, built, harness.Account{ID: "memory", Driver: "memory"}), group: group}
	dir := t.TempDir()
	p.keyFile, p.secretFile = filepath.Join(dir, "sm2.pem"), filepath.Join(dir, "secret")
	command(t, nil, "openssl", "genpkey", "-algorithm", "SM2", "-out", p.keyFile)
	p.publicKeyInPEM = command(t, nil, "openssl", "pkey", "-in", p.keyFile, "-pubout")
	made := p.gateway.Post(t, "program/partner/create", object{"group_id": group, "name": "test", "public_key": p.publicKeyInPEM})
	p.secret = made.Text("group_secret")
	if err := os.WriteFile(p.secretFile, []byte(p.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *partner) environment() []string {
	return []string{"NO_PROXY=127.0.0.1", "GYT345_GROUP_ID=" + p.group, "GYT345_GROUP_SECRET=" + p.secret, "GYT345_KEY_FILE=" + p.keyFile}
}

// command runs a program that must succeed and gives its output.
func command(t *testing.T, environment []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
