package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDriverNew writes a skeleton; that it builds and holds what it declares is
// shown where the guide is followed, in drivers/drivertest.
func TestDriverNew(t *testing.T) {
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	run := func(args ...string) (string, int) {
		var out bytes.Buffer
		status := Main(append([]string{"driver", "new"}, args...), func(string) string { return "" }, nil, &out, &out)
		return out.String(), status
	}
	if out, status := run("acme", "--source", source); status != 0 || !strings.Contains(out, "acme is written") {
		t.Fatalf("status %d: %s", status, out)
	}
	for _, file := range []string{"go.mod", "main.go", "driver.go", "network.go", "cloud.go"} {
		text, err := os.ReadFile(filepath.Join("acme", file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "{{") {
			t.Errorf("%s has a placeholder left", file)
		}
	}
	for name, args := range map[string][]string{
		"the folder is there": {"acme", "--source", source},
		"no driver's name":    {"Acme_1", "--source", source},
		"no sources":          {"other", "--source", "."},
	} {
		if out, status := run(args...); status == 0 {
			t.Errorf("%s: accepted: %s", name, out)
		}
	}
}
