package importrules_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// allowedLicences are the licences that a dependency may have, by words that stand in them
// and in no other.
var allowedLicences = map[string]*regexp.Regexp{
	"Apache-2.0": regexp.MustCompile(`Apache License\s+Version 2\.0`),
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

// TestLicences reads the licence of every module that the programs, the tests and
// the nested modules are built from.
func TestLicences(t *testing.T) {
	seen := map[string]bool{}
	for _, dir := range []string{".", "plugin-proto", "drivers/sdk"} {
		command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-json=Module", "./...")
		command.Dir = filepath.Join("..", "..", dir)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v", dir, err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(out)))
		for {
			var item struct{ Module *dependency }
			if err := decoder.Decode(&item); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			m := item.Module
			if m == nil || m.Main || m.Replace != nil || seen[m.Path] {
				continue
			}
			seen[m.Path] = true
			if name, ok := licenceOf(t, m.Dir); !ok {
				t.Errorf("%s: %s", m.Path, name)
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d modules were looked at", len(seen))
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
