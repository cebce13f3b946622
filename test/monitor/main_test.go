package monitor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// api is where Alertmanager's API v2 is.
const api = "/monitor/v1/alertmanager"

// gateway starts the program with one simulated cloud. Receivers are on this machine.
func gateway(t *testing.T) *harness.Gateway {
	t.Helper()
	return harness.NewGatewayWith(t, built, harness.Setup{Config: map[string]any{"monitor": map[string]any{"notify_private": true}}},
		harness.Account{ID: "memory", Driver: "memory"})
}

// token writes the administrator's token into a file.
func token(t *testing.T, g *harness.Gateway) (value, file string) {
	t.Helper()
	file = filepath.Join(g.Dir, "admin.token")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw)), file
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: scripts/setup test", name)
	}
	return path
}
