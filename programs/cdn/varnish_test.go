package cdn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/cdn"
)

// config is the example that operators start from.
const config = "../../examples/programs/varnish.vcl"

// startVarnish runs a real cache in front of an origin.
func startVarnish(t *testing.T, origin string) string {
	t.Helper()
	program, err := exec.LookPath("varnishd")
	if err != nil {
		t.Fatalf("varnishd is needed: run scripts/setup test, or install Debian's package varnish: %v", err)
	}
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // varnishd gives up its rights
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cache.vcl")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`.port = "8080"`), fmt.Appendf(nil, ".port = %q", u.Port()), 1)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", address, "-f", file, "-s", "malloc,16m")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was told to end
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 200 {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return "http://" + address
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	text, err = os.ReadFile(log.Name())
	t.Fatalf("varnishd did not start: %s %v", text, err)
	return ""
}

func TestPurgeOfVarnish(t *testing.T) {
	var fetched atomic.Int64
	var gone atomic.Bool
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		_, _ = w.Write([]byte("#EXTM3U\n")) // a client that has gone is no error
	}))
	t.Cleanup(origin.Close)
	node := startVarnish(t, origin.URL)
	network, err := cdn.NewHTTPCache("edge", []string{node}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const played = "https://cdn.example/p1/index.m3u8?v=1"
	location := ""
	get := func() int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, node+"/p1/index.m3u8?v=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "cdn.example"
		response, err := http.DefaultTransport.RoundTrip(request) // follows nothing
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		location = response.Header.Get("Location")
		return response.StatusCode
	}
	locate := func(want int) {
		t.Helper()
		if nodes, err := network.Locate(t.Context(), played); err != nil || len(nodes) != want {
			t.Errorf("locate: got %v, %v; want %d nodes", nodes, err, want)
		}
	}
	locate(0)
	if err := network.Prefetch(t.Context(), []string{played}); err != nil {
		t.Fatal(err)
	}
	locate(1)
	gone.Store(true)
	if status := get(); status != http.StatusOK || fetched.Load() != 1 {
		t.Errorf("prefetched: got %d after %d fetches", status, fetched.Load())
	}
	for range 2 { // what is not cached is purged too
		if err := network.Purge(t.Context(), []string{played}); err != nil {
			t.Fatal(err)
		}
	}
	locate(0)
	if status := get(); status != http.StatusGone {
		t.Errorf("purged: got %d, want the origin's 410", status)
	}
	gone.Store(false)
	const notice = "https://notice.example/off.m3u8?a=1&b=2"
	if err := network.Redirect(t.Context(), []string{played}, notice); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if status := get(); status != http.StatusFound || location != notice {
			t.Errorf("redirected: got %d to %q", status, location)
		}
	}
	if other, err := cdn.NewHTTPCache("edge", []string{origin.URL}, nil); err != nil {
		t.Fatal(err)
	} else if err := other.Redirect(t.Context(), []string{played}, notice); err == nil || errors.Is(err, cdn.ErrUnsupported) {
		t.Errorf("what answers 200 has redirected nothing: got %v", err)
	}
	if err := network.Purge(t.Context(), []string{played}); err != nil {
		t.Fatal(err)
	}
	if status := get(); status != http.StatusOK {
		t.Errorf("after the redirect: got %d", status)
	}
	broken, err := cdn.NewHTTPCache("edge", []string{"http://127.0.0.1:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Purge(t.Context(), []string{played}); err == nil {
		t.Error("a node that is down: got no error")
	}
}
