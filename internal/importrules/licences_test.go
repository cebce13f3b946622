package importrules_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowedLicences are the licences that a dependency may have, by words that stand in them
// and in no other.
var allowedLicences = map[string]*regexp.Regexp{
	"Apache-2.0": regexp.MustCompile(`Apache License,?\s+Version 2\.0`),
	"MIT":        regexp.MustCompile(`Permission is hereby granted,\s+free\s+of\s+charge,\s+to\s+any\s+person\s+obtaining\s+a\s+copy`),
	"BSD":        regexp.MustCompile(`Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms`),
	"ISC":        regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software for any\s+purpose with or without fee`),
	"MPL-2.0":    regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`),
}

// refusedLicences are licences whose texts could be taken for an allowed one.
var refusedLicences = regexp.MustCompile(`GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE|Business Source License|Server Side Public License`)

type dependency struct {
	Path, Dir string
	Main      bool
	Replace   *struct{ Dir string }
}

// ownLicences are tools of other licences: golangci-lint and linters in it. It is a
// program that is run on our sources, and neither linked nor shipped.
var ownLicences = []string{
	"github.com/OpenPeeDeeP/depguard/v2", "github.com/denis-tingaikin/go-header", "github.com/firefart/nonamedreturns",
	"github.com/golangci/gofmt", "github.com/golangci/golangci-lint/v2", "github.com/ldez/structtags",
	"github.com/leonklingele/grouper", "github.com/xen0n/gosmopolitan",
}

// TestLicences reads the licence of every module that the programs, the tests, the
// nested modules and the tools are built from.
func TestLicences(t *testing.T) {
	seen := map[string]bool{}
	used := map[string]bool{}
	for dir, patterns := range map[string]string{
		".": "./...", "plugin-proto": "./...", "drivers/sdk": "./...", "internal/tools": "tool", "internal/tools/lint": "tool", "internal/tools/vuln": "tool",
		"internal/tools/victorialogs": "tool",
	} {
		for _, m := range dependencies(t, dir, patterns) {
			if m.Main || m.Replace != nil || seen[m.Path] {
				continue
			}
			seen[m.Path] = true
			if name, ok := licenceOf(t, m.Dir); !ok {
				used[m.Path] = true
				if dir == "internal/tools/lint" && slices.Contains(ownLicences, m.Path) {
					continue
				}
				t.Errorf("%s of %s: %s", m.Path, dir, name)
			}
		}
	}
	for _, path := range ownLicences {
		if !used[path] {
			t.Errorf("%s is in ownLicences and needs not be", path)
		}
	}
	if len(seen) < 200 {
		t.Errorf("only %d modules were looked at", len(seen))
	}
}

// TestLicencesAreOfAllModules finds every go.mod, so that a new one is not forgotten.
func TestLicencesAreOfAllModules(t *testing.T) {
	t.Parallel()
	var found []string
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."):
			return fs.SkipDir
		case entry.Name() == "go.mod":
			found = append(found, strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../.."))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	want := []string{"", "/drivers/sdk", "/internal/tools", "/internal/tools/lint", "/internal/tools/victorialogs", "/internal/tools/vuln", "/plugin-proto"}
	if !slices.Equal(found, want) {
		t.Errorf("modules %q, TestLicences looks at %q", found, want)
	}
}

// dependencies are the modules of all packages that a pattern needs.
func dependencies(t *testing.T, dir, pattern string) []dependency {
	t.Helper()
	args := []string{"list", "-deps", "-test", "-json=Module", pattern}
	if pattern == "tool" { // whose tests nobody runs
		args = slices.Delete(args, 2, 3)
	}
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = filepath.Join("..", "..", dir)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	var all []dependency
	for {
		var item struct{ Module *dependency }
		if err := decoder.Decode(&item); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if item.Module != nil {
			all = append(all, *item.Module)
		}
	}
}

// TestLicencesOfNpmTools reads what the lock file says of each package.
func TestLicencesOfNpmTools(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../tools/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ License string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if !slices.Contains([]string{"Apache-2.0", "MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "MPL-2.0"}, p.License) {
			t.Errorf("%s is of %q", name, p.License)
		}
	}
	if len(lock.Packages) < 2 {
		t.Errorf("only %d packages were looked at", len(lock.Packages))
	}
}

// licenceOf names the licence in a module's folder; ok is false if there is none
// that is allowed.
func licenceOf(t *testing.T, dir string) (name string, ok bool) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := "has no file with a licence"
	for _, entry := range entries {
		upper := strings.ToUpper(entry.Name())
		if entry.IsDir() || !strings.HasPrefix(upper, "LICENSE") && !strings.HasPrefix(upper, "LICENCE") && !strings.HasPrefix(upper, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for licence, words := range allowedLicences {
			if words.Match(text) {
				return licence, true
			}
		}
		if found = entry.Name() + " is of no allowed licence"; refusedLicences.Match(text) {
			found = entry.Name() + " is of a refused licence"
		}
	}
	return found, false
}
