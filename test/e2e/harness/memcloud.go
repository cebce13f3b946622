package harness

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Knobs say how a memcloud behaves; members as in its documentation.
type Knobs = Object

// Memcloud is a memcloud server with a file, which outlives its kills.
type Memcloud struct {
	Endpoint string // of the gRPC API; the same after a restart
	admin    string
	programs *Programs
	file     string
	knobs    string
	log      string
	process  *process
}

// NewMemcloud starts a server with these knobs.
func NewMemcloud(t testing.TB, programs *Programs, knobs Knobs) *Memcloud {
	t.Helper()
	dir := t.TempDir()
	m := &Memcloud{
		Endpoint: "127.0.0.1:0", programs: programs, file: filepath.Join(dir, "cloud.db"),
		knobs: filepath.Join(dir, "knobs.json"), log: filepath.Join(dir, "memcloud.log"),
	}
	if err := os.WriteFile(m.knobs, []byte(knobs.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.process.stop(t, stopTimeout)
		showLog(t, m.log)
	})
	m.Start(t)
	return m
}

// Start runs the server, after the first time on the same port.
func (m *Memcloud) Start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(m.programs.path("memcloud"), "serve", "--listen", m.Endpoint, "--admin", "127.0.0.1:0", "--data", m.file, "--knobs", m.knobs)
	ready := make(chan Object, 1)
	m.process = start(t, cmd, m.log, func(line []byte) {
		var at Object
		if json.Unmarshal(line, &at) == nil && at.Text("listen") != "" {
			ready <- at
		}
	}, nil)
	select {
	case at := <-ready:
		m.Endpoint, m.admin = at.Text("listen"), at.Text("admin")
	case <-m.process.exited:
		t.Fatalf("memcloud ended at its start: %v", m.process.err)
	case <-time.After(startTimeout):
		t.Fatal("memcloud did not start")
	}
}

// Kill ends the server with kill -9. Start runs it again on the same file.
func (m *Memcloud) Kill() { m.process.kill() }

// SetKnobs changes how the running server behaves.
func (m *Memcloud) SetKnobs(t testing.TB, knobs Knobs) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+m.admin+"/knobs", strings.NewReader(knobs.String()))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("knobs: %d, %v", response.StatusCode, err)
	}
}

// Dump asks the running server for all its records, with its own client.
func (m *Memcloud) Dump(t testing.TB) Dump {
	t.Helper()
	return dump(t, m.programs, "--admin", m.admin)
}

// DumpFile reads the records of an embedded cloud that no process has open.
func DumpFile(t testing.TB, programs *Programs, file string) Dump {
	t.Helper()
	return dump(t, programs, "--file", file)
}

func dump(t testing.TB, programs *Programs, arguments ...string) Dump {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.path("memcloud"), append([]string{"dump"}, arguments...)...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	var d Dump
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("dump: %v", err)
	}
	return d
}

// Dump is a cloud's records by kind ("compute.vm").
type Dump map[string][]Record

// Record is one resource of a dump.
type Record struct {
	Project  string `json:"project"`
	ID       string `json:"id"`
	Resource Object `json:"resource"`
}

// Of selects the records of a project.
func (d Dump) Of(project string) map[string][]Record {
	out := map[string][]Record{}
	for kind, records := range d {
		for _, r := range records {
			if r.Project == project {
				out[kind] = append(out[kind], r)
			}
		}
	}
	return out
}
