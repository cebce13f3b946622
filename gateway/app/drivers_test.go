package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDriverSpecs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"plain": 0o755, "sealed": 0o755, "sealed.manifest.json": 0o644, "notes.txt": 0o644,
		"folder/manifest.json": 0o644, "folder/main": 0o755, "empty/main": 0o755,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	var logged bytes.Buffer
	specs, err := driverSpecs(t.Context(), slog.New(slog.NewTextHandler(&logged, nil)), &Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, spec := range specs {
		got[spec.Name] = strings.TrimPrefix(spec.Manifest, dir+"/")
	}
	want := map[string]string{"plain": "", "sealed": "sealed.manifest.json", "folder": "folder/manifest.json"}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, manifest := range want {
		if got[name] != manifest {
			t.Errorf("%s: manifest %q, want %q", name, got[name], manifest)
		}
	}
	if text := logged.String(); strings.Count(text, "driver has no manifest") != 1 || !strings.Contains(text, "driver=plain") {
		t.Errorf("logged %s", text)
	}
}

func TestDriverLimitsAreChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits DriverLimitsConfig
		bad    string
	}{
		"default":   {defaultDriverLimits(), ""},
		"none":      {DriverLimitsConfig{}, ""},
		"group":     {DriverLimitsConfig{MemoryMiB: 512, Processes: 100, Cgroup: "/sys/fs/cgroup/x"}, ""},
		"negative":  {DriverLimitsConfig{OpenFiles: -1}, "driver_limits.open_files"},
		"too small": {DriverLimitsConfig{MemoryMiB: 10}, "driver_limits.memory_mib"},
		"no group":  {DriverLimitsConfig{Processes: 10}, "driver_limits.processes"},
	} {
		bad := ""
		tc.limits.validate(func(key, _ string, _ ...any) { bad = key })
		if bad != tc.bad {
			t.Errorf("%s: complains about %q, want %q", name, bad, tc.bad)
		}
	}
}
