package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// asProgram makes the test binary be memcloud itself.
const asProgram = "MEMCLOUD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// start runs a server on free ports and reads where it listens.
func start(t *testing.T, args ...string) (*exec.Cmd, addresses) {
	t.Helper()
	cmd := command(t.Context(), append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at addresses
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	return cmd, at
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	text, err := command(t.Context(), args...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(text)
}

func TestSurvivesKill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cloud.db")
	server, at := start(t, "--data="+file)
	conn, err := grpc.NewClient(at.Listen, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	made, err := networkv1.NewNetworkServiceClient(conn).CreateNetwork(t.Context(), &networkv1.CreateNetworkRequest{Name: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()

	if dump := output(t, "dump", "--file="+file); !strings.Contains(dump, made.GetId()) {
		t.Errorf("the file does not have %s", made.GetId())
	}
	again, at := start(t, "--data="+file)
	if dump := output(t, "dump", "--admin="+at.Admin); !strings.Contains(dump, made.GetId()) {
		t.Errorf("the server does not have %s", made.GetId())
	}
	if err := again.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- again.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(2 * drainTime):
		t.Error("did not end after the signal")
	}
}

func TestKnobsCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "knobs.json")
	if err := os.WriteFile(file, []byte(`{"seed":42,"client_tokens":false}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server, at := start(t)
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	output(t, "knobs", "set", file, "--admin="+at.Admin)
	if got := output(t, "knobs", "get", "--admin=http://"+at.Admin); !strings.Contains(got, `"seed": 42`) || !strings.Contains(got, `"client_tokens": false`) {
		t.Errorf("knobs are %s", got)
	}
}

func TestBadCommandLines(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"none":        {},
		"unknown":     {"fly"},
		"dump what":   {"dump"},
		"dump both":   {"dump", "--file=x", "--admin=y"},
		"no file":     {"dump", "--file=/no/such/file"},
		"no knobs":    {"serve", "--knobs=/no/such/file"},
		"bad address": {"serve", "--listen=nowhere:x"},
	} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 1 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, %s", name, code, errs.String())
		}
	}
}
