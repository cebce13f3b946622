package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

const (
	root = "../.."
	// address is what the documents say.
	address = "127.0.0.1:8355"
	mark    = "<!-- run -->"
)

// programs are built once for all documents.
var programs *harness.Programs

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if programs, err = harness.Build(root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := programs.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// block is one example.
type block struct {
	line int // of its fence
	text string
}

// blocks are the examples of a document that are marked to be run.
func blocks(t *testing.T, document string) []block {
	t.Helper()
	var found []block
	var open *block
	marked := false
	for i, line := range strings.Split(document, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open != nil && trimmed == "```":
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		case marked && trimmed == "```bash":
			open = &block{line: i + 1}
			marked = false
		case marked && trimmed != "":
			t.Errorf("line %d: %s is not followed by a bash block", i+1, mark)
			marked = false
		case trimmed == mark:
			marked = true
		}
	}
	if open != nil || marked {
		t.Error("the last block has no end")
	}
	return found
}

func TestExamples(t *testing.T) {
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	readmes, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range append(readmes, documents...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := blocks(t, string(text))
		if len(found) == 0 {
			continue
		}
		ran += len(found)
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runBlocks(t, filepath.Base(file), found)
		})
	}
	if ran < 20 {
		t.Errorf("only %d examples are marked to be run", ran)
	}
}

func runBlocks(t *testing.T, name string, all []block) {
	t.Helper()
	gateway := harness.NewGateway(t, programs, harness.Account{ID: "memory", Driver: "memory"})
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for _, b := range all {
		fmt.Fprintf(&script, "echo; echo '### %s:%d'\n%s", name, b.line, b.text)
	}
	host := strings.TrimPrefix(gateway.URL(), "http://")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(script.String(), address, host))
	cmd.Dir = folder(t, gateway)
	cmd.Env = append(os.Environ(), "YUNQIAO_ADDRESS="+gateway.URL(), "YUNQIAO_TOKEN=", "YUNQIAO_DATA=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v; the last lines are of the example that failed:\n%s", err, out)
	}
}

// folder is what a reader has after `make run`: bin and data.
func folder(t *testing.T, gateway *harness.Gateway) string {
	t.Helper()
	dir := t.TempDir()
	for link, target := range map[string]string{"bin": programs.Dir(), "data": gateway.Dir} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBlocks(t *testing.T) {
	text := "text\n<!-- run -->\n```bash\na\nb\n```\n```bash\nnot this\n```\n<!-- run -->\n\n```bash\nc\n```\n"
	got := blocks(t, text)
	want := []block{{3, "a\nb\n"}, {12, "c\n"}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLinks holds the links between the documents.
func TestLinks(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, part := range strings.Split(line, "](")[1:] {
				target, _, _ := strings.Cut(part, ")")
				target, _, _ = strings.Cut(target, "#")
				if target == "" || strings.Contains(target, "://") {
					continue
				}
				if _, err := os.Stat(filepath.Join(filepath.Dir(file), target)); err != nil {
					t.Errorf("%s:%d links to %s, which is not there", file, i+1, target)
				}
			}
		}
	}
}
