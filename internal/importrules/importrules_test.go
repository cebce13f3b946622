package importrules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "github.com/yunqiao/yunqiao"

// modules are the folders with a go.mod, from this one.
var modules = []string{"../..", "../../plugin-proto", "../../drivers/sdk"}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	var all []pkg
	for _, dir := range modules {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v\n%s", dir, err, stderr.String())
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
			var p pkg
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
	}
	return all
}

// area is the part of the repository that a package is in: "gateway/edge",
// "drivers/sdk", "internal", "billing"; "" for packages of others.
func area(path string) string {
	if path != root && !strings.HasPrefix(path, root+"/") {
		return ""
	}
	parts := strings.Split(strings.TrimPrefix(path, root+"/"), "/")
	if (parts[0] == "gateway" || parts[0] == "drivers") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func under(area, parent string) bool { return area == parent || strings.HasPrefix(area, parent+"/") }

// notModules are the areas that are no module of the gateway.
var notModules = []string{"gateway", "drivers", "internal", "plugin-proto", "test", "examples"}

func isModule(area string) bool {
	return area != "" && !slices.ContainsFunc(notModules, func(n string) bool { return under(area, n) })
}

// allowed tells whether a package of one area may import one of another, both ours.
func allowed(from, to string) bool {
	if from == to {
		return true
	}
	switch {
	case from == "plugin-proto":
		return false
	case from == "drivers/sdk":
		return to == "plugin-proto"
	case under(from, "drivers"):
		return to == "plugin-proto" || to == "drivers/sdk"
	case from == "internal":
		return to == "plugin-proto" || to == "drivers/sdk"
	case from == "examples":
		return to == "plugin-proto" || to == "gateway/identity" || to == "programs" // for packages signature and gyt345
	case isModule(from):
		return to == "plugin-proto" || to == "internal"
	case from == "gateway/app" || from == "test":
		return true
	case under(from, "gateway"):
		return to == "plugin-proto" || to == "internal" || to == "drivers/sdk" || under(to, "gateway")
	default:
		return false
	}
}

// forbidden are the packages of others that an area may not import directly, by
// the beginning of their path.
func forbidden(from string) []string {
	switch {
	case from == "gateway/edge":
		return []string{"gorm.io/", "github.com/hashicorp/go-plugin"}
	case under(from, "drivers"), from == "plugin-proto":
		return []string{"gorm.io/", "github.com/gin-gonic/"}
	case from == "test":
		return nil
	default:
		return []string{"github.com/gin-gonic/"}
	}
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		from := area(p.ImportPath)
		for _, imported := range p.Imports {
			if to := area(imported); to != "" && !allowed(from, to) {
				t.Errorf("%s imports %s: %s may not import %s", p.ImportPath, imported, from, to)
			}
			for _, prefix := range forbidden(from) {
				if strings.HasPrefix(imported+"/", prefix) {
					t.Errorf("%s imports %s, which %s may not", p.ImportPath, imported, from)
				}
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			// Tests of drivers use the conformance suite; those of the gateway may start a driver.
			if to := area(imported); under(from, "drivers") && to != "" && to != "drivers/drivertest" && !allowed(from, to) {
				t.Errorf("a test of %s imports %s: %s may not import %s", p.ImportPath, imported, from, to)
			}
		}
	}
}

// TestEdgeReachesNoDatabase holds for everything that the HTTP face pulls in.
func TestEdgeReachesNoDatabase(t *testing.T) {
	for _, p := range list(t) {
		if area(p.ImportPath) != "gateway/edge" {
			continue
		}
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, "gorm.io/") || dep == root+"/internal/db" {
				t.Errorf("%s depends on %s", p.ImportPath, dep)
			}
		}
	}
}

func TestRules(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to string
		want     bool
	}{
		"driver to sdk":           {"drivers/x", "drivers/sdk", true},
		"driver to driver":        {"drivers/x", "drivers/y", false},
		"driver to internal":      {"drivers/x", "internal", false},
		"sdk to internal":         {"drivers/sdk", "internal", false},
		"module to internal":      {"billing", "internal", true},
		"module to module":        {"billing", "logging", false},
		"module to gateway":       {"billing", "gateway/edge", false},
		"app to module":           {"gateway/app", "billing", true},
		"example to signature":    {"examples", "gateway/identity", true},
		"example to gyt345":       {"examples", "programs", true},
		"example to the gateway":  {"examples", "gateway/app", false},
		"edge to module":          {"gateway/edge", "billing", false},
		"gateway to a driver":     {"gateway/policy", "drivers/x", false},
		"contract to anything":    {"plugin-proto", "internal", false},
		"internal to the gateway": {"internal", "gateway/edge", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allowed(tc.from, tc.to); got != tc.want {
				t.Errorf("allowed(%q, %q) = %v, want %v", tc.from, tc.to, got, tc.want)
			}
		})
	}
}

func TestAreasAreFolders(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t) {
		seen[area(p.ImportPath)] = true
	}
	for _, want := range []string{"gateway/edge", "gateway/app", "drivers/sdk", "internal", "plugin-proto"} {
		if !seen[want] {
			t.Errorf("no package is in %s: the rules name a folder that is gone", want)
		}
	}
}
