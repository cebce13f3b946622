package driverhost_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const patience = 20 * time.Second

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

// gone tells whether a process has ended; a zombie that init does not reap has.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(rest, []byte("Z"))
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// find returns the first log line with this message.
func (l *logBuffer) find(message string) map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["msg"] == message {
			return m
		}
	}
	return nil
}

type fixture struct {
	host  *driverhost.Host
	logs  *logBuffer
	ready atomic.Int32
}

func newFixture(t *testing.T, opts driverhost.Options) *fixture {
	t.Helper()
	f := &fixture{logs: &logBuffer{}}
	opts.OnReady = func(ctx context.Context, _ string, conn grpc.ClientConnInterface) error {
		f.ready.Add(1)
		_, err := driverv1.NewDriverServiceClient(conn).OpenAccount(ctx, &driverv1.OpenAccountRequest{AccountId: "replayed"})
		return err
	}
	f.host = driverhost.New(slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), opts)
	t.Cleanup(f.host.Close)
	return f
}

func (f *fixture) start(t *testing.T, spec driverhost.Spec) {
	t.Helper()
	if err := f.host.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) status() driverhost.Status { return f.host.Drivers()[0] }

func (f *fixture) driver(t *testing.T) *driverhost.Driver {
	t.Helper()
	d, ok := f.host.Driver("test")
	if !ok {
		t.Fatal("no driver")
	}
	return d
}

// probe has the driver act, and returns the pid of the process that answered.
func (f *fixture) probe(ctx context.Context, t *testing.T, name string) (int, error) {
	t.Helper()
	res, err := driverv1.NewDriverServiceClient(f.driver(t)).Probe(ctx, &driverv1.ProbeRequest{AccountId: name})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(res.GetCapabilities().GetRegionId())
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

func TestStartAndInvoke(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{})
	f.start(t, driverSpec("driver", "VERSION=1.2.3"))
	status := f.status()
	if status.State != driverhost.StateReady || status.PID == 0 || status.Version != "1.2.3" || status.Restarts != 0 || status.StartedAt.IsZero() {
		t.Errorf("status: got %+v", status)
	}
	if got := f.driver(t).Info().GetVersion(); got != "1.2.3" {
		t.Errorf("info: got version %q", got)
	}
	if got := f.driver(t).Schema().GetFields(); len(got) != 1 || got[0].GetName() != "auth_url" {
		t.Errorf("schema: got %v", got)
	}
	if pid, err := f.probe(t.Context(), t, "replayed"); err != nil || pid != status.PID {
		t.Errorf("got pid %d, %v, want %d", pid, err, status.PID)
	}
	if err := f.host.Start(t.Context(), driverSpec("driver")); err == nil {
		t.Error("a second driver of the same name was accepted")
	}

	t.Run("log", func(t *testing.T) {
		if _, err := f.probe(sdk.WithCall(t.Context(), sdk.Call{RequestID: "r-9"}), t, "log"); err != nil {
			t.Fatal(err)
		}
		var line map[string]any
		eventually(t, "the driver's log line", func() bool { line = f.logs.find("something to tell"); return line != nil })
		if line["driver"] != "test" || line["request_id"] != "r-9" || line["level"] != "ERROR" || line["size"] != 3.0 {
			t.Errorf("got %v", line)
		}
	})
	t.Run("a panic fails one call", func(t *testing.T) {
		_, err := f.probe(t.Context(), t, "panic")
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_FAULT || errors.Is(err, driverhost.ErrNotSent) {
			t.Errorf("got %v", err)
		}
		if pid, err := f.probe(t.Context(), t, "pid"); err != nil || pid != status.PID {
			t.Errorf("after the panic: got pid %d, %v", pid, err)
		}
	})
	t.Run("the driver's own error passes", func(t *testing.T) {
		_, err := f.probe(t.Context(), t, "unavailable")
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE || errors.Is(err, driverhost.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the process sees no environment of ours", func(t *testing.T) {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", status.PID))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(env, []byte("\x00PATH=")) || bytes.HasPrefix(env, []byte("PATH=")) {
			t.Error("PATH was inherited")
		}
	})
}

func TestKilledDriverComesBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{})
	f.start(t, driverSpec("driver"))
	old := f.status().PID
	kill(t, old, syscall.SIGKILL)
	// The call meets the dying process, or none, or the next one: it succeeds.
	pid, err := f.probe(t.Context(), t, "replayed")
	if errors.Is(err, driverhost.ErrOutcomeUnknown) { // it was already on its way
		pid, err = f.probe(t.Context(), t, "replayed")
	}
	if err != nil || pid == old {
		t.Fatalf("got pid %d, %v", pid, err)
	}
	status := f.status()
	if status.Restarts != 1 || status.PID != pid || !strings.Contains(status.LastError, "killed") || f.ready.Load() != 2 {
		t.Errorf("got %+v, made ready %d times", status, f.ready.Load())
	}
}

func TestWaitingCallsPassAfterRestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{MinBackoff: 300 * time.Millisecond})
	f.start(t, driverSpec("driver"))
	kill(t, f.status().PID, syscall.SIGKILL)
	eventually(t, "the end is noticed", func() bool { return f.status().State == driverhost.StateBackoff })
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if _, err := f.probe(t.Context(), t, "replayed"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestCallInFlightIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, f *fixture) string{
		"killed": func(t *testing.T, f *fixture) string {
			go func() {
				eventually(t, "the call arrives", func() bool { return f.logs.find("driver output") != nil })
				kill(t, f.status().PID, syscall.SIGKILL)
			}()
			return "block"
		},
		"ended by the call":         func(*testing.T, *fixture) string { return "exit" },
		"panic outside of the call": func(*testing.T, *fixture) string { return "panic outside" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, driverhost.Options{})
			f.start(t, driverSpec("driver"))
			_, err := f.probe(t.Context(), t, end(t, f))
			if !errors.Is(err, driverhost.ErrOutcomeUnknown) || errors.Is(err, driverhost.ErrNotSent) ||
				sdk.StatusOf(err).Code() != codes.Unavailable || sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_UNAVAILABLE {
				t.Errorf("got %v", err)
			}
			if _, err := f.probe(t.Context(), t, "replayed"); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if last := f.status().LastError; name == "panic outside of the call" && !strings.Contains(last, "boom outside") {
				t.Errorf("last error: got %q", last)
			}
		})
	}
}

func TestCrashLoop(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{MinBackoff: 20 * time.Millisecond, MaxBackoff: time.Hour, RestartWait: 50 * time.Millisecond})
	begin := time.Now()
	err := f.host.Start(t.Context(), driverSpec("crash"))
	if err == nil || !strings.Contains(err.Error(), "exit status 3: cannot read my configuration") {
		t.Fatalf("got %v", err)
	}
	eventually(t, "three restarts", func() bool { return f.status().Restarts >= 3 })
	if took := time.Since(begin); took < 140*time.Millisecond { // 20 + 40 + 80
		t.Errorf("three restarts within %s", took)
	}
	eventually(t, "it waits", func() bool { return f.status().State == driverhost.StateBackoff })
	if status := f.status(); status.PID != 0 || !strings.Contains(status.LastError, "exit status 3") {
		t.Errorf("got %+v", status)
	}
	for name, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"own limit": func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
		"caller deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		},
	} {
		ctx, cancel := ctx()
		_, err = f.probe(ctx, t, "pid")
		cancel()
		if !errors.Is(err, driverhost.ErrNotSent) || sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_UNAVAILABLE {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	wrongSum := driverSpec("driver")
	wrongSum.SHA256 = strings.Repeat("0", 64)
	for name, tc := range map[string]struct {
		spec driverhost.Spec
		want string
	}{
		"silent":         {driverSpec("silent"), "no handshake within 500ms of its start"},
		"no driver":      {driverSpec("chatty"), "hello, I am no driver"},
		"ends at once":   {driverhost.Spec{Name: "test", Path: "/bin/true"}, "ended before the handshake: exit status 0"},
		"no program":     {driverhost.Spec{Name: "test", Path: "/nonexistent"}, "no such file"},
		"other checksum": {wrongSum, "checksum of"},
		"other contract": {driverSpec("driver", "VERSION=99.0.0"), "contract versions [99], and this gateway [1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := driverhost.Options{MinBackoff: time.Hour, MaxBackoff: time.Hour}
			if name == "silent" {
				opts.StartTimeout = 500 * time.Millisecond
			}
			f := newFixture(t, opts)
			if err := f.host.Start(t.Context(), tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if status := f.status(); status.State != driverhost.StateBackoff || !strings.Contains(status.LastError, tc.want) {
				t.Errorf("got %+v", status)
			}
		})
	}
}

func TestHangingDriverIsReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{PingInterval: 50 * time.Millisecond, PingTimeout: 100 * time.Millisecond})
	f.start(t, driverSpec("driver"))
	old := f.status().PID
	kill(t, old, syscall.SIGSTOP)
	eventually(t, "another process", func() bool {
		s := f.status()
		return s.State == driverhost.StateReady && s.PID != old
	})
	if !gone(old) || !strings.Contains(f.status().LastError, "health checks") {
		t.Errorf("got %+v", f.status())
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, driverhost.Options{})
	f.start(t, driverSpec("driver", "FIFO="+fifo))
	old := f.status().PID
	result := make(chan error, 1)
	go func() {
		pid, err := f.probe(t.Context(), t, "read a file")
		if err == nil && pid != old {
			err = fmt.Errorf("answered by %d", pid)
		}
		result <- err
	}()
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0) // opens when the driver reads
	if err != nil {
		t.Fatal(err)
	}
	if err := f.host.Replace(t.Context(), driverSpec("crash")); err == nil || f.status().PID != old {
		t.Errorf("replaced by a broken version: %v, %+v", err, f.status())
	}
	if err := f.host.Replace(t.Context(), driverSpec("driver", "VERSION=2.0.0")); err != nil {
		t.Fatal(err)
	}
	if pid, err := f.probe(t.Context(), t, "replayed"); err != nil || pid == old || f.status().Version != "2.0.0" {
		t.Errorf("got pid %d, %v, %+v", pid, err, f.status())
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	eventually(t, "the old process ends", func() bool { return gone(old) })
	if status := f.status(); status.Restarts != 0 || status.State != driverhost.StateReady {
		t.Errorf("got %+v", status)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{})
	f.start(t, driverSpec("driver"))
	pid := f.status().PID
	f.host.Close()
	if !gone(pid) {
		t.Errorf("process %d is left", pid)
	}
	if got := f.status().State; got != driverhost.StateStopped {
		t.Errorf("got state %s", got)
	}
	if _, err := f.probe(t.Context(), t, "pid"); !errors.Is(err, driverhost.ErrNotSent) {
		t.Errorf("got %v", err)
	}
	if err := f.host.Start(t.Context(), driverSpec("driver")); err == nil {
		t.Error("a closed host started a driver")
	}
	f.host.Close()
}

func TestCloseDuringStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{})
	started := make(chan error, 1)
	go func() { started <- f.host.Start(t.Context(), driverSpec("silent")) }()
	eventually(t, "the driver is known", func() bool { return len(f.host.Drivers()) == 1 })
	f.host.Close()
	if err := <-started; err == nil {
		t.Error("started on a closed host")
	}
}

func TestParentPipeEndsDriver(t *testing.T) {
	t.Parallel()
	spec, handshake := driverSpec("driver"), plugin.Handshake()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), spec.Path)
	cmd.Env = append(spec.Env, handshake.MagicCookieKey+"="+handshake.MagicCookieValue, plugin.EnvParentFD+"=3",
		"PLUGIN_UNIX_SOCKET_DIR="+t.TempDir()) // its socket stays
	cmd.ExtraFiles = []*os.File{read}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cmd.Start(), read.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil { // it serves
		t.Fatal(err)
	}
	kill(t, cmd.Process.Pid, syscall.SIGTERM) // is the gateway's affair
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestKilledGatewayTakesDriversAlong(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"driver", "deaf"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			spec := driverSpec("gateway")
			cmd := exec.CommandContext(t.Context(), spec.Path, role, t.TempDir())
			cmd.Env = spec.Env
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil || gone(pid) {
				t.Fatalf("driver %q: %v", line, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "the driver ends", func() bool { return gone(pid) })
		})
	}
}

func TestAttach(t *testing.T) {
	t.Parallel()
	f := newFixture(t, driverhost.Options{})
	if err := f.host.Attach(t.Context(), "test", sdktest.Serve(t, &testDriver{})); err != nil {
		t.Fatal(err)
	}
	if pid, err := f.probe(t.Context(), t, "replayed"); err != nil || pid != os.Getpid() {
		t.Errorf("got %d, %v", pid, err)
	}
	if status := f.status(); status.State != driverhost.StateReady || status.PID != 0 || status.Version != "1.0.0" {
		t.Errorf("got %+v", status)
	}
}
