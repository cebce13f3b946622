package podman_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
)

const (
	root  = "../.."
	image = "localhost/yunqiao-test:1"
	// startLimit is how long podman's service may take to answer.
	startLimit = time.Minute
)

// need fails the test where this machine lacks something.
func need(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("containers need root: run the tests as root")
	}
	for _, program := range []string{"podman", "runc", "/bin/busybox", "protoc", "grpc_python_plugin", "openssl", "/usr/bin/python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing; scripts/setup test installs it", program)
		}
	}
	run(t, "", "/usr/bin/python3", "-c", "import grpc, google.protobuf")
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	var told, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v: %s%s", program, strings.Join(args, " "), err, told.String(), failed.String())
	}
	return told.String()
}

// driver copies the driver into a folder, generates its code there from the
// bundle of .proto files, and returns its program.
func driver(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(root+"/drivers/examples/podman-python")); err != nil {
		t.Fatal(err)
	}
	run(t, root, "scripts/proto-bundle", "test", dir)
	run(t, dir, "./generate", "yunqiao-proto-test.tar.gz")
	return filepath.Join(dir, "podman-python")
}

// host is podman's service with its own containers.
type host struct {
	dir    string
	socket string
}

func newHost(t *testing.T) *host {
	t.Helper()
	dir, err := os.MkdirTemp("", "yqpod") // short: the kernel bounds paths of sockets
	if err != nil {
		t.Fatal(err)
	}
	h := &host{dir: dir, socket: filepath.Join(dir, "podman.sock")}
	t.Cleanup(func() {
		// The folder may be unremovable where a container is left; that is told too.
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "image.tar"), imageTar(t), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", "podman", h.args("import", "-q", filepath.Join(dir, "image.tar"), image)...)
	h.serve(t)
	return h
}

// args makes podman work in the test's folder, also on machines with hybrid cgroups.
func (h *host) args(args ...string) []string {
	return append([]string{"--root", h.dir + "/storage", "--runroot", h.dir + "/run", "--storage-driver", "vfs",
		"--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"}, args...)
}

func (h *host) serve(t *testing.T) {
	t.Helper()
	cmd := exec.Command("podman", h.args("system", "service", "--time", "0", "unix://"+h.socket)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startLimit)
		defer cancel()
		if out, err := exec.CommandContext(ctx, "podman", h.args("rm", "--all", "--force", "--time", "0")...).CombinedOutput(); err != nil {
			t.Errorf("remove containers: %v: %s", err, out)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("podman: %s", log.String())
		}
	})
	for deadline := time.Now().Add(startLimit); ; {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", h.socket)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("podman's service does not answer: %v: %s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settings open the account of this host.
func (h *host) settings() map[string]string {
	return map[string]string{"socket": h.socket, "ulimits": "nofile=1024:1024,nproc=1024:1024", "stop_seconds": "1"}
}

// options are those of a run of the suite.
func (h *host) options() drivertest.Options {
	return drivertest.Options{
		Settings: h.settings(), Values: map[string]string{"container_image": image}, PollSeconds: 0.1, SettleSeconds: 60, AnswerSeconds: 20,
	}
}

// inspect asks podman itself about a container.
func (h *host) inspect(t *testing.T, name, form string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "", "podman", h.args("inspect", name, "--format", form)...))
}

// imageTar is a file system with nothing but a shell and its commands.
func imageTar(t *testing.T) []byte {
	t.Helper()
	shell, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	files := []*tar.Header{{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(shell))}}
	for _, name := range []string{"sh", "sleep"} {
		files = append(files, &tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777})
	}
	for _, header := range files {
		err := w.WriteHeader(header)
		if err == nil && header.Size > 0 {
			_, err = io.Copy(w, bytes.NewReader(shell))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr())
}
