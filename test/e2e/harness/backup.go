package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Command runs the gateway's program with its configuration: "backup", FILE. It
// returns what was printed, and an error if the program says that it failed.
func (g *Gateway) Command(t testing.TB, command string, arguments ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.programs.path("yunqiao"), append([]string{command, "--config", g.config}, arguments...)...)
	cmd.Env = append(os.Environ(), "YUNQIAO_CONFIG=", "YUNQIAO_LISTEN=", "YUNQIAO_DATA=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// RestoredGateway makes a gateway of another's backup, with its sealing key and its
// administrator's token, on an empty store.
func RestoredGateway(t testing.TB, from *Gateway, file string, setup Setup) *Gateway {
	t.Helper()
	g := prepareGateway(t, from.programs, from.level, setup, from.accounts...)
	if err := os.MkdirAll(g.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"seal.key", "admin.token"} {
		text, err := os.ReadFile(filepath.Join(from.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(g.Dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, err := g.Command(t, "restore", file); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	g.Start(t)
	return g
}
