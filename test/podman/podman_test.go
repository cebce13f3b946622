package podman_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

func TestPodman(t *testing.T) {
	need(t)
	program, on := driver(t), newHost(t)
	t.Run("started with AutoMTLS", func(t *testing.T) {
		report := drivertest.Run(t, drivertest.Harness{Program: program, Options: on.options()})
		if passed := report.Count(drivertest.Passed); passed < 180 {
			t.Errorf("only %d checks were made", passed)
		}
	})
	t.Run("started without AutoMTLS", func(t *testing.T) {
		drivertest.Run(t, drivertest.Harness{Target: plain(t, program), Options: on.options()})
	})
	t.Run("at an address with mutual TLS", func(t *testing.T) { atAddress(t, program, on) })
	t.Run("through the gateway", func(t *testing.T) { throughGateway(t, program, on) })
}

// plain starts the driver with the handshake and without certificates.
func plain(t *testing.T, program string) drivertest.Target {
	t.Helper()
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: plugin.Handshake(), VersionedPlugins: plugin.Versions(&plugin.GRPC{}),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Cmd: exec.Command(program), Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	dispensed, err := protocol.Dispense(plugin.Name)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := dispensed.(*grpc.ClientConn)
	if !ok {
		t.Fatalf("got a %T", dispensed)
	}
	return drivertest.FromConn(conn, program, func() string { return "{}" })
}

// atAddress serves the driver at an address and lets bin/conform test it there;
// without a certificate of ours nobody is let in.
func atAddress(t *testing.T, program string, on *host) {
	dir := certificates(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	cmd := exec.Command(program, "--listen", "127.0.0.1:0", "--tls-ca", file("ca.pem"), "--tls-cert", file("server.pem"), "--tls-key", file("server.key"))
	cmd.Stderr = os.Stderr
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(told).ReadString('\n')
	port, found := strings.CutPrefix(strings.TrimSpace(line), "listening on port ")
	if err != nil || !found {
		t.Fatalf("got %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, told) }()

	config := file("conform.json")
	text, err := json.Marshal(on.options())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	conform := build(t, dir, "conform", "./drivers/drivertest/conform")
	common := []string{"--config", config, "--address", "localhost:" + port, "--allow-untested", "--tls-ca", file("ca.pem")}
	out, err := exec.CommandContext(t.Context(), conform, append(common, "--tls-cert", file("client.pem"), "--tls-key", file("client.key"))...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 0 failed") {
		t.Errorf("%v: %s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), conform, append(common, "--tls-cert", file("stranger.pem"), "--tls-key", file("stranger.key"))...).CombinedOutput()
	if err == nil {
		t.Errorf("a stranger was let in: %s", out)
	}
}

// certificates makes an authority with a server and a client, and a stranger.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	openssl := func(args ...string) { run(t, dir, "openssl", args...) }
	for _, own := range []string{"ca", "stranger"} {
		openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", own+".key", "-out", own+".pem",
			"-days", "2", "-subj", "/CN="+own)
	}
	for _, of := range []string{"server", "client"} {
		openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", of+".key", "-out", of+".pem",
			"-days", "2", "-subj", "/CN="+of, "-CA", "ca.pem", "-CAkey", "ca.key",
			"-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")
	}
	return dir
}

// build is a program of make build, or built here.
func build(t *testing.T, dir, name, source string) string {
	t.Helper()
	if bin := os.Getenv("YUNQIAO_BIN"); bin != "" {
		return filepath.Join(bin, name)
	}
	program := filepath.Join(dir, name)
	run(t, root, "go", "build", "-o", program, source)
	return program
}

// throughGateway creates and stops a container as a user does, and asks podman
// itself whether it runs.
func throughGateway(t *testing.T, program string, on *host) {
	dir := t.TempDir()
	yunqiao, address := build(t, dir, "yunqiao", "./gateway"), freeAddress(t)
	config, folder := filepath.Join(dir, "gateway.yaml"), filepath.Dir(program)
	run(t, "", yunqiao, "driver", "manifest", folder, "--program", filepath.Base(program))
	text := "listen: " + address + "\ndata: " + dir + "/data\ndrivers: [{name: podman-python, manifest: " + folder + "/manifest.json}]\n" +
		"accounts:\n  - id: pod\n    driver: podman-python\n    cloud_kind: private\n    settings:\n"
	for name, value := range on.settings() {
		text += "      " + name + ": " + strconv.Quote(value) + "\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gateway := exec.Command(yunqiao, "serve", "--config", config)
	gateway.Stderr = os.Stderr
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gateway.Process.Signal(syscall.SIGTERM); _ = gateway.Wait() })
	user := func(ctx context.Context, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, yunqiao, append(args, "-o", "json")...)
		cmd.Env = append(os.Environ(), "YUNQIAO_ADDRESS=http://"+address, "YUNQIAO_DATA="+dir+"/data", "YUNQIAO_TOKEN=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	call := func(args ...string) map[string]any {
		t.Helper()
		out, err := user(t.Context(), append([]string{"call", "compute", "container"}, args...)...)
		var answer map[string]any
		if err != nil || json.Unmarshal([]byte(out), &answer) != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return answer
	}
	for deadline := time.Now().Add(startLimit); ; {
		out, err := user(t.Context(), "call", "compute", "container", "list", "account_id=pod")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the gateway is not ready: %v: %s", err, out)
		}
		time.Sleep(100 * time.Millisecond)
	}
	// What the driver does not declare is refused before it is called, by name.
	out, err := user(t.Context(), "call", "compute", "container", "create", "account_id=pod", "name=news-render", "image="+image, "cpu_millicores=250",
		"memory_mib=256", "subnet_id=pod.none", "security_group_ids=pod.none", "zone_id=elsewhere")
	if err == nil || !strings.Contains(out, "zone_id") {
		t.Errorf("a zone was not refused by name: %v: %s", err, out)
	}
	made := call("create", "account_id=pod", "name=news-render", "image="+image, "cpu_millicores=250", "memory_mib=256",
		"command=sleep", "args=3600", "subnet_id=pod.none", "security_group_ids=pod.none", "wait_seconds=60")
	id, _ := made["id"].(string)
	_, native, _ := strings.Cut(id, ".")
	if got := on.inspect(t, native, "{{.State.Status}} {{.HostConfig.Memory}}"); got != "running 268435456" {
		t.Errorf("podman says of %v: %q", made, got)
	}
	call("update", "id="+id, "memory_mib=512", "cpu_millicores=500", "wait_seconds=60")
	if got := on.inspect(t, native, "{{.State.Status}} {{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}"); got != "running 536870912 50000" {
		t.Errorf("podman says of the updated container %q", got)
	}
	call("stop", "id="+id, "wait_seconds=60")
	if got := on.inspect(t, native, "{{.State.Status}}"); got != "exited" {
		t.Errorf("podman says of the stopped container %q", got)
	}
	call("start", "id="+id, "wait_seconds=60")
	if got := on.inspect(t, native, "{{.State.Status}}"); got != "running" {
		t.Errorf("podman says of the started container %q", got)
	}
	call("delete", "id="+id, "wait_seconds=60")
	if left := run(t, "", "podman", on.args("ps", "--all", "--quiet")...); left != "" {
		t.Errorf("podman still has %s", left)
	}
}

// TestBundleIsReproducible packs the contract twice, from sources of different age
// and permissions, into the same bytes.
func TestBundleIsReproducible(t *testing.T) {
	t.Parallel()
	copied := t.TempDir()
	for _, part := range []string{"plugin-proto", "scripts"} {
		if err := os.CopyFS(filepath.Join(copied, part), os.DirFS(filepath.Join(root, part))); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "", "cp", root+"/LICENSE", copied)
	run(t, copied, "chmod", "-R", "g+w", ".")
	var packed [2][]byte
	for i, source := range []string{root, copied} {
		dir := t.TempDir()
		run(t, source, "scripts/proto-bundle", "1.2.3", dir)
		content, err := os.ReadFile(filepath.Join(dir, "yunqiao-proto-1.2.3.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		packed[i] = content
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("the same sources made different bundles")
	}
}
