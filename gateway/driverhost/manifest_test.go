package driverhost_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// buildPackage builds the program of the packages under test, without the race
// detector, whose memory is beyond every ceiling.
var buildPackage = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "driverhost")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", dir+"/driver", "./testdata/driver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(dir + "/driver")
})

// packaged makes a driver in a folder of its own with a manifest, which change may
// alter, and returns the manifest's path.
func packaged(t *testing.T, change func(*driverhost.Manifest)) string {
	t.Helper()
	program, err := buildPackage()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"driver": program, "zones.txt": []byte("north\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m, err := driverhost.NewManifest(
		&driverv1.GetInfoResponse{Name: "package", Version: "1.0.0", ContractVersions: []int32{1}},
		&driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{{Name: "address", Required: true}}},
		dir, "driver", []string{"zones.txt", "driver"})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	return writeManifest(t, dir, m)
}

func writeManifest(t *testing.T, dir string, m *driverhost.Manifest) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, driverhost.ManifestFile)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestManifestIsHeldBeforeAndAfterTheStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*driverhost.Manifest)
		damage func(t *testing.T, dir string)
		want   string // in the error; empty: it starts
	}{
		"as it should be":    {nil, nil, ""},
		"flipped byte":       {nil, func(t *testing.T, dir string) { flip(t, dir+"/driver") }, "/driver is "},
		"flipped other file": {nil, func(t *testing.T, dir string) { flip(t, dir+"/zones.txt") }, "/zones.txt is "},
		"a file is gone": {nil, func(t *testing.T, dir string) {
			if err := os.Remove(dir + "/zones.txt"); err != nil {
				t.Fatal(err)
			}
		}, "zones.txt: no such file"},
		"a file too many": {nil, func(t *testing.T, dir string) {
			if err := os.WriteFile(dir+"/preload.so", nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "preload.so is not in the manifest"},
		"a link": {nil, func(t *testing.T, dir string) {
			if err := os.Symlink("/etc/passwd", dir+"/link"); err != nil {
				t.Fatal(err)
			}
		}, "link is not a regular file"},
		"later contract": {func(m *driverhost.Manifest) { m.Contract = driverhost.ContractRange{Min: 2, Max: 3} }, nil,
			"speaks contract versions 2 to 3, and this gateway [1]"},
		"another version": {func(m *driverhost.Manifest) { m.Version = "1.0.1" }, nil, "calls itself package 1.0.0, and its manifest package 1.0.1"},
		"another setting": {func(m *driverhost.Manifest) { m.Settings[0].Required = false }, nil, "tells setting address in another form"},
		"a setting less":  {func(m *driverhost.Manifest) { m.Settings = nil }, nil, "tells setting address, which its manifest does not have"},
		"a setting more": {func(m *driverhost.Manifest) { m.Settings = append(m.Settings, driverhost.Setting{Name: "more"}) }, nil,
			"does not tell setting more"},
		"arguments": {func(m *driverhost.Manifest) { m.Args = []string{"--version", "1.0.2"}; m.Version = "1.0.2" }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := packaged(t, tc.change)
			if tc.damage != nil {
				tc.damage(t, filepath.Dir(path))
			}
			f := newFixture(t, driverhost.Options{MinBackoff: time.Hour, MaxBackoff: time.Hour, OnReady: nil})
			err := f.host.Start(t.Context(), driverhost.Spec{Name: "test", Manifest: path})
			switch {
			case tc.want == "" && err != nil, tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if status := f.status(); tc.want != "" && (status.Failures != 1 || !strings.Contains(status.LastError, tc.want) || status.NextStartAt.IsZero()) {
				t.Errorf("got %+v", status)
			}
		})
	}
}

func TestAManifestIsVerifiedAtEachStart(t *testing.T) {
	t.Parallel()
	path := packaged(t, nil)
	f := newFixture(t, driverhost.Options{MinBackoff: time.Millisecond})
	f.start(t, driverhost.Spec{Name: "test", Manifest: path})
	flip(t, filepath.Join(filepath.Dir(path), "zones.txt"))
	old := f.status().PID
	if err := f.host.Restart(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "checksum of") || f.status().PID != old {
		t.Errorf("got %v, and process %d instead of %d", err, f.status().PID, old)
	}
	flip(t, filepath.Join(filepath.Dir(path), "zones.txt"))
	if err := f.host.Restart(t.Context(), "test"); err != nil || f.status().PID == old {
		t.Errorf("got %v, and process %d as before", err, f.status().PID)
	}
	if err := f.host.Restart(t.Context(), "none"); err == nil {
		t.Error("a driver that is not there was restarted")
	}
}

// TestContractsOfDifferentAge starts drivers and gateways of different contract
// versions: they agree on the highest in common, or tell what each speaks.
func TestContractsOfDifferentAge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gateway []int
		driver  string
		agreed  int
		want    string
	}{
		"the same":                {[]int{1}, "1", 1, ""},
		"old gateway, new driver": {[]int{1}, "1,2", 1, ""},
		"new gateway, old driver": {[]int{1, 2}, "1", 1, ""},
		"both new":                {[]int{1, 2}, "1,2", 2, ""},
		"gateway too old":         {[]int{1}, "2", 0, "contract versions 2 to 2, and this gateway [1]"},
		"driver too old":          {[]int{2}, "1", 0, "contract versions 1 to 1, and this gateway [2]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := packaged(t, func(m *driverhost.Manifest) {
				m.Args = []string{"--contracts", tc.driver}
				ends := strings.Split(tc.driver, ",")
				m.Contract = driverhost.ContractRange{Min: int(ends[0][0] - '0'), Max: int(ends[len(ends)-1][0] - '0')}
			})
			host := newFixture(t, driverhost.Options{Contracts: tc.gateway, MinBackoff: time.Hour}).host
			err := host.Start(t.Context(), driverhost.Spec{Name: "test", Manifest: path})
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if got := host.Drivers()[0].Contract; got != tc.agreed {
				t.Errorf("agreed on %d, want %d", got, tc.agreed)
			}
		})
	}
}

func TestACrashLoopIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond})
	if err := f.host.Start(t.Context(), driverSpec("crash")); err == nil {
		t.Fatal("it started")
	}
	eventually(t, "five failures in a row", func() bool { return f.status().Failures >= 5 })
	if last := f.status().LastError; !strings.Contains(last, "exit status 3") || !strings.Contains(last, "cannot read my configuration") {
		t.Errorf("got %q", last)
	}
	events, log := f.driver(t).Events(), f.driver(t).Log(3)
	if !slices.ContainsFunc(events, func(e driverhost.Event) bool {
		return e.State == driverhost.StateBackoff && strings.Contains(e.Text, "exit status 3")
	}) {
		t.Errorf("events: %+v", events)
	}
	if len(log) != 3 || log[2].Text != "cannot read my configuration" {
		t.Errorf("log: %+v", log)
	}
}

func TestCeilings(t *testing.T) {
	t.Parallel()
	path := packaged(t, nil)
	f := newFixture(t, driverhost.Options{Limits: driverhost.Limits{MemoryMiB: 512, OpenFiles: 256}, MinBackoff: time.Millisecond})
	f.start(t, driverhost.Spec{Name: "test", Manifest: path})
	client := driverv1.NewDriverServiceClient(f.driver(t))
	told, err := client.Probe(t.Context(), &driverv1.ProbeRequest{AccountId: "core"})
	if err != nil || told.GetCapabilities().GetRegionId() != "0" {
		t.Errorf("a core would be written: %v, %v", told, err)
	}
	old := f.status().PID
	if _, err := client.Probe(t.Context(), &driverv1.ProbeRequest{AccountId: "eat"}); err == nil {
		t.Error("4 GiB were eaten")
	}
	eventually(t, "another process", func() bool { status := f.status(); return status.PID != 0 && status.PID != old })
	if last := f.status().LastError; !strings.Contains(last, "it reached its ceiling of 512 MiB of memory") {
		t.Errorf("got %q", last)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"a","version":"1.0.0","contract":{"min":1,"max":1},"program":"p","files":[{"path":"p","sha256":"` + strings.Repeat("0", 64) + `"}],"settings":[]}`))
	f.Add([]byte(`{"format":1,"files":[{"path":"../p"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`[`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "fuzz"+driverhost.ManifestSuffix)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := driverhost.ReadManifest(path)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(file.Path) {
				t.Errorf("a file outside the folder: %q", file.Path)
			}
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, again, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := driverhost.ReadManifest(path); err != nil {
			t.Errorf("it cannot be read again: %v", err)
		}
	})
}
