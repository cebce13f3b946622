package cdn_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/cdn"
)

// playURLs are many more than are asked at once.
func playURLs() []string {
	urls := make([]string, 100)
	for i := range urls {
		urls[i] = fmt.Sprintf("https://cdn.example/c%d", i)
	}
	return urls
}

// hanging is a node that takes requests and answers none.
func hanging(t *testing.T) (node string, asked *atomic.Int64) {
	t.Helper()
	asked, release := &atomic.Int64{}, make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	return server.URL, asked
}

// live is a node that does what it is asked, and closes all when it was asked about each
// of so many URLs.
func live(t *testing.T, urls int) (node string, all <-chan struct{}) {
	t.Helper()
	done := make(chan struct{})
	var mu sync.Mutex
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if seen[r.URL.Path] = true; len(seen) == urls {
			select {
			case <-done:
			default:
				close(done)
			}
		}
		if to := r.Header.Get("Location"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, done
}

// TestHangingNode: the other nodes do all that they are asked while one hangs, which is
// no success.
func TestHangingNode(t *testing.T) {
	t.Parallel()
	urls := playURLs()
	for name, ask := range map[string]func(ctx context.Context, c cdn.CDN) error{
		"purge":    func(ctx context.Context, c cdn.CDN) error { return c.Purge(ctx, urls) },
		"redirect": func(ctx context.Context, c cdn.CDN) error { return c.Redirect(ctx, urls, "https://tv.example/notice") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stuck, _ := hanging(t)
			node, all := live(t, len(urls))
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			network, err := cdn.NewHTTPCache("edge", []string{stuck, node}, client)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- ask(ctx, network) }()
			select {
			case <-all:
			case <-time.After(time.Minute):
				t.Error("the hanging node keeps the other one from its work")
			}
			stop()
			if err := <-ended; err == nil {
				t.Error("got no error of the hanging node")
			}
		})
	}
}

// TestNodeOutOfTime: a node that does not answer in time is not asked about the rest.
func TestNodeOutOfTime(t *testing.T) {
	t.Parallel()
	node, asked := hanging(t)
	network, err := cdn.NewHTTPCache("edge", []string{node}, &http.Client{Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := network.Purge(t.Context(), playURLs()); err == nil {
		t.Error("got no error")
	}
	if n := asked.Load(); n > 8 {
		t.Errorf("asked %d times", n)
	}
}

// TestUnsupportedBesideBroken: what fails is not taken for what is not supported.
func TestUnsupportedBesideBroken(t *testing.T) {
	t.Parallel()
	node := func(status int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	old, broken := node(http.StatusMethodNotAllowed), node(http.StatusBadGateway)
	for name, tc := range map[string]struct {
		nodes       []string
		unsupported bool
	}{
		"one that knows no redirects": {[]string{old}, true},
		"beside one that fails":       {[]string{old, broken}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network, err := cdn.NewHTTPCache("edge", tc.nodes, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := network.Redirect(t.Context(), playURLs(), "https://tv.example/notice"); err == nil || errors.Is(err, cdn.ErrUnsupported) != tc.unsupported {
				t.Errorf("got %v", err)
			}
		})
	}
}
