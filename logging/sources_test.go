package logging_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

func (r *rig) location(t testing.TB, submission, address string) string {
	t.Helper()
	answer, err := r.locations.CreateLocation(t.Context(), &loggingv1.CreateLocationRequest{Name: "l", SubmissionId: submission, Address: address, IntervalSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetId()
}

func program(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skipf("%s is not installed: scripts/setup test", name)
	return ""
}

// document is a log behind HTTP that grows, and counts how it is asked for.
type document struct {
	mu       sync.Mutex
	text     string
	version  int
	ranges   bool
	asked    []string
	requests int
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	d.asked = append(d.asked, r.Header.Get("Range"))
	w.Header().Set("ETag", `"`+strconv.Itoa(d.version)+`"`)
	if d.ranges {
		http.ServeContent(w, r, "a.log", time.Time{}, strings.NewReader(d.text))
		return
	}
	if r.Header.Get("If-None-Match") == `"`+strconv.Itoa(d.version)+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write([]byte(d.text))
}

func (d *document) add(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text += text
	d.version++
}

// TestPull follows documents of a server that knows ranges and of one that does not:
// each line comes once, also over a restart.
func TestPull(t *testing.T) {
	for name, ranges := range map[string]bool{"ranges": true, "whole with ETag": false} {
		t.Run(name, func(t *testing.T) {
			d := &document{ranges: ranges}
			server := httptest.NewServer(d)
			defer server.Close()
			store := dbtest.Open(t, dbtest.SQLite(t))
			opts := logging.Options{PullPrivate: true}
			r := start(t, store, opts)
			id, _ := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP})
			d.add("one\ntwo\nhal")
			r.location(t, id, server.URL)
			gets := func(want ...string) {
				t.Helper()
				eventually(t, strings.Join(want, " "), func() bool { return len(r.messages(t)) >= len(want) })
				got := r.messages(t)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
			gets("one", "two")
			d.add("f\nthree\n")
			gets("one", "two", "half", "three")
			r.stop()
			d.add("four\n")
			r = start(t, store, opts)
			gets("one", "two", "half", "three", "four")
			d.mu.Lock()
			before := d.requests
			d.mu.Unlock()
			eventually(t, "it asks again", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.requests > before+1
			})
			gets("one", "two", "half", "three", "four") // nothing new brings nothing
			d.mu.Lock()
			defer d.mu.Unlock()
			if asked := slices.ContainsFunc(d.asked, func(h string) bool { return strings.HasPrefix(h, "bytes=") }); asked != ranges {
				t.Errorf("asked for %q", d.asked)
			}
		})
	}
}

func TestOTLPProtobuf(t *testing.T) {
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{})
	_, token := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP})
	body, err := proto.Marshal(&collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{
		SeverityNumber: logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, TraceId: []byte("0123456789abcdef"),
		Body:       &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "错误"}},
		Attributes: []*commonpb.KeyValue{{Key: "n", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 7}}}},
	}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if w := push(t, r.PushOTLP(), token, string(body), "Content-Type", "application/x-protobuf"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-protobuf" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	found, err := r.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{Text: "错误"})
	if err != nil || len(found.GetEntries()) != 1 {
		t.Fatalf("got %v, %v", found, err)
	}
	e := found.GetEntries()[0]
	if e.GetLevel() != loggingv1.LogLevel_LOG_LEVEL_ERROR || e.GetAttributes()["n"] != "7" || e.GetRequestId() != "30313233343536373839616263646566" {
		t.Errorf("got %v", e)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// TestRsyslog has rsyslog send over TCP and UDP what it reads from a file.
func TestRsyslog(t *testing.T) {
	bin := program(t, "rsyslogd")
	for protocol, framing := range map[string]string{"tcp": "octet-counted", "udp": "traditional"} {
		t.Run(protocol, func(t *testing.T) {
			r := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{})
			id, _ := r.submission(t, &loggingv1.CreateSubmissionRequest{
				Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_SYSLOG, Format: loggingv1.LogFormat_LOG_FORMAT_RFC5424,
			})
			port := freePort(t)
			location := r.location(t, id, protocol+"://127.0.0.1:"+port)
			eventually(t, "it listens", func() bool {
				found, err := r.locations.GetLocation(t.Context(), &loggingv1.GetLocationRequest{Id: location})
				return err == nil && found.GetLocation().GetState() == loggingv1.LocationState_LOCATION_STATE_RUNNING
			})
			dir := t.TempDir()
			source := filepath.Join(dir, "in.log")
			var lines strings.Builder
			for i := range 200 {
				fmt.Fprintf(&lines, "第 %d 行 with \"quotes\" and ] brackets\n", i)
			}
			config := filepath.Join(dir, "rsyslog.conf")
			text := fmt.Sprintf(`global(workDirectory="%s" localHostname="sender" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imfile")
input(type="imfile" file="%s" tag="app[42]:" severity="warning" facility="local3")
action(type="omfwd" target="127.0.0.1" port="%s" protocol="%s" TCP_Framing="%s" template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1")
`, dir, source, port, protocol, framing)
			for path, content := range map[string]string{config: text, source: lines.String()} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bin, "-n", "-f", config, "-i", filepath.Join(dir, "pid"))
			cmd.Stderr = t.Output()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			})
			eventually(t, "all lines came", func() bool { return len(r.messages(t)) >= 200 })
			found, err := r.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{Text: `"quotes"`, PageSize: 500})
			if err != nil || len(found.GetEntries()) != 200 {
				t.Fatalf("got %d entries, %v", len(found.GetEntries()), err)
			}
			seen := map[string]bool{}
			for _, e := range found.GetEntries() {
				seen[e.GetMessage()] = true
				if e.GetLevel() != loggingv1.LogLevel_LOG_LEVEL_WARN || e.GetProcessName() != "app" {
					t.Fatalf("got %v", e)
				}
			}
			if !seen[`第 199 行 with "quotes" and ] brackets`] || len(seen) != 200 {
				t.Errorf("got %d different messages", len(seen))
			}
		})
	}
}

// TestLogrotate has logrotate rotate a file that is written and followed, by renaming
// with compression, and by copy and truncate.
func TestLogrotate(t *testing.T) {
	bin := program(t, "logrotate")
	for name, how := range map[string]string{"rename": "create 0600\ncompress\ndelaycompress", "rename and compress at once": "create 0600\ncompress", "copytruncate": "copytruncate"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			logs := filepath.Join(dir, "logs")
			path := filepath.Join(logs, "app.log")
			if err := os.Mkdir(logs, 0o700); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(dir, "rotate.conf")
			if err := os.WriteFile(config, fmt.Appendf(nil, "%s {\nrotate 20\n%s\nmissingok\nnotifempty\n}\n", path, how), 0o600); err != nil {
				t.Fatal(err)
			}
			r := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{FileRoots: []string{logs}})
			id, _ := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE})
			r.location(t, id, path)
			const rounds, each = 5, 400
			for round := range rounds {
				file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				for i := range each {
					if _, err := fmt.Fprintf(file, "line %d\n", round*each+i); err != nil {
						t.Fatal(err)
					}
				}
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
				if name == "copytruncate" { // what is not read before a truncation is lost, and counted
					eventually(t, "the lines are read", func() bool { return len(r.messages(t)) == (round+1)*each })
				}
				rotate := exec.CommandContext(t.Context(), bin, "-f", "-s", filepath.Join(dir, "state"), config)
				if out, err := rotate.CombinedOutput(); err != nil {
					t.Fatalf("logrotate: %v\n%s", err, out)
				}
			}
			eventually(t, "all lines are there", func() bool { return len(r.messages(t)) >= rounds*each })
			seen := map[string]int{}
			for _, m := range r.messages(t) {
				seen[m]++
			}
			if len(seen) != rounds*each || len(r.messages(t)) != rounds*each {
				t.Errorf("got %d lines, %d different, want %d", len(r.messages(t)), len(seen), rounds*each)
			}
		})
	}
}
