package importrules_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// providerName finds a provider in code that must know none.
var providerName = regexp.MustCompile(`(?i)openstack|gophercloud|alibaba|aliyun`)

// TestProviderNames looks through all Go, proto and web files outside the drivers,
// configs, test and docs.
func TestProviderNames(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-co", "--exclude-standard",
		"--", "*.go", "*.proto", "*.json", "*.js", "*.html", "*.yaml")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	looked := 0
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if mayNameProviders(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(cmd.Dir, name))
		if os.IsNotExist(err) {
			continue // deleted, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		looked++
		for i, line := range bytes.Split(text, []byte("\n")) {
			if word := providerName.Find(line); word != nil {
				t.Errorf("%s:%d names the provider %q", name, i+1, word)
			}
		}
	}
	if looked < 100 {
		t.Errorf("only %d files were looked at", looked)
	}
}

func mayNameProviders(path string) bool {
	parts := strings.Split(path, "/")
	switch parts[0] {
	case "configs", "test", "docs":
		return true
	case "drivers":
		return parts[1] != "sdk" && parts[1] != "memory" && parts[1] != "drivertest"
	case "internal":
		return parts[1] == "importrules"
	case ".golangci.yml":
		return true
	}
	return false
}
