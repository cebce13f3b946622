package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// warning is a line of code that logs what an operator may have to act on; metric
// is the name of one of ours.
var (
	warning = regexp.MustCompile(`slog\.Level(?:Warn|Error), "([^"]+)"`)
	metric  = regexp.MustCompile(`"(yunqiao_[a-z_]+)"`)
)

// TestOperatorsGuide holds the guide to its promise: every warning and error that
// the gateway logs, and every metric of its own, is explained in both languages.
func TestOperatorsGuide(t *testing.T) {
	files := exec.CommandContext(t.Context(), "git", "ls-files", "-co", "--exclude-standard", "gateway/*.go", "internal/*.go", "drivers/sdk/*.go",
		"billing/*.go", "logging/*.go", "monitor/*.go", "programs/*.go")
	files.Dir = root
	out, err := files.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for file := range strings.FieldsSeq(string(out)) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) || strings.HasSuffix(file, "_test.go") {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []*regexp.Regexp{warning, metric} {
			for _, found := range pattern.FindAllStringSubmatch(string(text), -1) {
				names[found[1]] = file
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %d messages and metrics were found", len(names))
	}
	for _, guide := range []string{"docs/operations.md", "docs/operations.en.md"} {
		text, err := os.ReadFile(filepath.Join(root, guide))
		if err != nil {
			t.Fatal(err)
		}
		for name, file := range names {
			if !strings.Contains(string(text), name) {
				t.Errorf("%s does not explain %q of %s", guide, name, file)
			}
		}
	}
}
