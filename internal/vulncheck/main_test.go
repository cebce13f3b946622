package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	config = `{"config": {"scanner_name": "govulncheck"}}`
	called = `{"finding": {"osv": "GO-2099-0001", "fixed_version": "v1.2.4",
		"trace": [{"module": "example.com/m", "version": "v1.2.3", "package": "example.com/m", "function": "Parse", "receiver": "*Reader"},
		{"module": "ours", "package": "ours", "function": "main"}]}}`
	imported = `{"finding": {"osv": "GO-2099-0002", "trace": [{"module": "example.com/m", "version": "v1.2.3", "package": "example.com/m"}]}}`
)

func TestRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in, explained string
		code          int
		told          string
	}{
		"clean":                   {config, "", 0, ""},
		"imported, not called":    {config + imported, "", 0, ""},
		"called":                  {config + imported + called, "", 1, "GO-2099-0001 in example.com/m@v1.2.3: *Reader.Parse is called; mended in v1.2.4"},
		"found in two modules":    {config + called + config + called, "", 1, "GO-2099-0001"},
		"explained":               {config + called, "# why\nGO-2099-0001 reads our own files only\n", 0, "explained: reads our own files only"},
		"explained, and gone":     {config, "GO-2099-0001 reads our own files only\n", 1, "take it out"},
		"explained with nothing":  {config, "GO-2099-0001\n", 2, "without a reason"},
		"the scanner did not run": {"", "", 2, "told nothing"},
		"no JSON":                 {"govulncheck: no go.mod file", "", 2, "read govulncheck's output"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "explained.txt")
			if err := os.WriteFile(file, []byte(tc.explained), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			code := run([]string{"-explained", file}, strings.NewReader(tc.in), &out, &out)
			if code != tc.code || !strings.Contains(out.String(), tc.told) {
				t.Errorf("got %d %q, want %d %q", code, out.String(), tc.code, tc.told)
			}
		})
	}
}
