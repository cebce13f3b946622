package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Ports of the services of the cloud under test, which all are at one host.
const (
	portIdentity = "5000"
	portCompute  = "8774"
	portNetwork  = "9696"
	portVolume   = "8776"
)

// portPrefix begins the proxy's path of a service: a number alone would be taken for the
// version of an API.
const portPrefix = "/port-"

// cloudProxy stands in front of all services of a cloud: what is behind port N of the
// cloud is at /port-N/ of the proxy. It counts calls, and answers some of them itself.
type cloudProxy struct {
	URL string

	forward http.Handler // to the cloud

	mu     sync.Mutex
	calls  []string // "GET 8774 /v2.1/servers?limit=1"
	fault  func(w http.ResponseWriter, r *http.Request, port string) bool
	change func(body string) string
}

// newCloudProxy starts a proxy in front of the services at the host of an address.
func newCloudProxy(t *testing.T, authURL string) *cloudProxy {
	t.Helper()
	auth, err := url.Parse(authURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &cloudProxy{}
	addresses := regexp.MustCompile(auth.Scheme + `://` + regexp.QuoteMeta(auth.Hostname()) + `:(\d+)`)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			port, rest, _ := strings.Cut(strings.TrimPrefix(r.In.URL.Path, portPrefix), "/")
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = auth.Scheme, auth.Hostname()+":"+port, "/"+rest
			r.Out.URL.RawPath, r.Out.Host = "", ""
		},
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			text := addresses.ReplaceAllString(string(body), p.URL+portPrefix+"$1")
			p.mu.Lock()
			if p.change != nil {
				text = p.change(text)
			}
			p.mu.Unlock()
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader([]byte(text))), int64(len(text))
			resp.Header.Del("Content-Length")
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		port, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, portPrefix), "/")
		p.mu.Lock()
		call := r.Method + " " + port + " /" + rest
		if r.URL.RawQuery != "" {
			call += "?" + r.URL.RawQuery
		}
		p.calls = append(p.calls, call)
		fault := p.fault
		p.mu.Unlock()
		if fault == nil || !fault(w, r, port) {
			p.forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// fail answers calls itself: fault returns true where it has. nil: none.
func (p *cloudProxy) fail(fault func(w http.ResponseWriter, r *http.Request, port string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// seen are all calls so far.
func (p *cloudProxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// count runs f and counts the calls meanwhile that begin with one of the prefixes;
// none: all but those to the identity service.
func (p *cloudProxy) count(f func(), prefixes ...string) int {
	before := len(p.seen())
	f()
	n := 0
	for _, call := range p.seen()[before:] {
		wanted := len(prefixes) == 0 && !strings.Contains(call, " "+portIdentity+" ")
		for _, prefix := range prefixes {
			wanted = wanted || strings.HasPrefix(call, prefix)
		}
		if wanted {
			n++
		}
	}
	return n
}

// swallow hands a request on and loses the answer.
func (p *cloudProxy) swallow(r *http.Request) { p.forward.ServeHTTP(httptest.NewRecorder(), r) }

// unavailable is the answer of a balancer without servers.
func unavailable(w http.ResponseWriter) {
	http.Error(w, "no server is available to handle this request", http.StatusServiceUnavailable)
}

// drop ends a connection without an answer.
func drop(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// refuseToken is the answer of a service that does not take the token any more.
func refuseToken(w http.ResponseWriter) {
	w.Header().Set("Www-Authenticate", "Keystone uri=\"x\"")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"error": {"message": "The request you have made requires authentication.", "code": 401, "title": "Unauthorized"}}`)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
