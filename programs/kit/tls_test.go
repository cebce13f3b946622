package kit_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/yunqiao/yunqiao/internal/certfile/certtest"
	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// selfSigned writes a certificate for 127.0.0.1 that is its own authority, and its key.
func selfSigned(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(file, text string) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, key = certtest.SelfSigned(t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	return write("certificate.pem", certificate), write("key.pem", key)
}

// serveMock runs the mock until the test ends and gives its addresses and what it prints.
func serveMock(t *testing.T, args ...string) (lines *bufio.Scanner) {
	t.Helper()
	parser, err := kong.New(&kit.Commands{})
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(append([]string{"serve-mock", "--listen", "127.0.0.1:0"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	from, to := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- command.Run(&kit.Environment{Context: ctx, Stdin: strings.NewReader(""), Stdout: to, Stderr: io.Discard})
		to.Close()
	}()
	t.Cleanup(func() {
		stop()
		from.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return bufio.NewScanner(from)
}

// TestTLSAndTwoKeys sends to a mock that wants a certificate, with each of two keys.
func TestTLSAndTwoKeys(t *testing.T) {
	server, serverKey := selfSigned(t, "mock")
	client, clientKey := selfSigned(t, "platform")
	other, otherKey := selfSigned(t, "platform")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(gyt345.NewSecret()), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, publics := []string{}, []string{}
	for _, name := range []string{"today", "next", "nobody's"} {
		key := filepath.Join(t.TempDir(), name)
		public, err := runLine(t, "keygen", key)
		if err != nil {
			t.Fatal(err)
		}
		keys, publics = append(keys, key), append(publics, strings.TrimSpace(public))
	}
	who := []string{"--group-id", "1", "--secret-file", secret}
	lines := serveMock(t, append([]string{"--peer-key", publics[0], "--peer-key", publics[1], "--cert", server, "--key", serverKey, "--ca", client}, who...)...)
	if !lines.Scan() || !lines.Scan() || !strings.HasPrefix(lines.Text(), "https://") {
		t.Fatalf("addresses: got %q", lines.Text())
	}
	address := lines.Text()
	shown := []string{"--ca", server, "--cert", client, "--key", clientKey}
	for _, tc := range []struct {
		name, key, id string
		flags         []string
		want          bool
	}{
		{"no certificate", keys[0], "p1", []string{"--ca", server}, false},
		{"another's certificate", keys[0], "p2", []string{"--ca", server, "--cert", other, "--key", otherKey}, false},
		{"the system's authorities", keys[0], "p3", []string{"--cert", client, "--key", clientKey}, false},
		{"today's key", keys[0], "p4", shown, true},
		{"next key", keys[1], "p5", shown, true},
		{"nobody's key", keys[2], "p6", shown, false},
	} {
		printed := make(chan string, 1)
		if tc.want {
			go func() { lines.Scan(); printed <- lines.Text() }()
		}
		args := append([]string{"offline", "--url", address, "--type", "302", "--msg-id", tc.id, "--key-file", tc.key, tc.id}, who...)
		out, err := runLine(t, append(args, tc.flags...)...)
		if (err == nil) != tc.want {
			t.Errorf("%s: got %s, %v", tc.name, out, err)
		}
		if tc.want && err == nil {
			if got := <-printed; !strings.Contains(got, tc.id) {
				t.Errorf("%s: the mock printed %s", tc.name, got)
			}
		}
	}
}
