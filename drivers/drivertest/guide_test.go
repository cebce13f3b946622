package drivertest_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root = "../.."
	// guideAddress is what the guide says.
	guideAddress = "127.0.0.1:8399"
	guideMark    = "<!-- guide -->"
)

// guideScript is every block of the guide that is to be followed.
func guideScript(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", file))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	parts := strings.Split(string(text), guideMark+"\n```bash\n")
	for _, part := range parts[1:] {
		block, _, ok := strings.Cut(part, "\n```\n")
		if !ok {
			t.Fatal("a block has no end")
		}
		script += block + "\n"
	}
	if len(parts) < 6 {
		t.Fatalf("%s has %d blocks to follow", file, len(parts)-1)
	}
	return script
}

// checkout is what a driver's author has: the sources of SDK and contract, and
// the programs of make build.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"drivers/sdk", "plugin-proto"} {
		source, err := filepath.Abs(filepath.Join(root, part))
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(dir, part)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(source, target); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(programs, "conform"), filepath.Join(bin, "conform")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "yunqiao"), root+"/gateway")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// TestGuide follows the guide as it is written, in both languages: the skeleton
// builds, passes the suite and answers through the gateway.
func TestGuide(t *testing.T) {
	t.Parallel()
	script := guideScript(t, "drivers.en.md")
	if other := guideScript(t, "drivers.md"); other != script {
		t.Error("the two languages of the guide have other commands")
	}
	var config net.ListenConfig
	free, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(script, guideAddress, address))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "YUNQIAO="+checkout(t), "TMPDIR="+cmd.Dir, "GOFLAGS=-mod=mod", "YUNQIAO_TOKEN=", "YUNQIAO_CONFIG=", "YUNQIAO_LISTEN=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
