package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1" // linked
)

// TestProgrammesGuide holds the guide's list of calls against the contract.
func TestProgrammesGuide(t *testing.T) {
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	for _, guide := range []string{"docs/programs.md", "docs/programs.en.md"} {
		text, err := os.ReadFile(filepath.Join(root, guide))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Methods {
			if call := m.Resource + " " + m.Name; m.Service == "program" && !strings.Contains(string(text), "`"+call+"`") {
				t.Errorf("%s does not tell of %q", guide, call)
			}
		}
	}
}
