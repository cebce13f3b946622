package session

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
)

func TestTransportRepeatsWhenTheCloudAllowsIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status     int
		retryAfter string
		method     string
		timeout    time.Duration
		want       int32 // requests that reach the cloud, whose second succeeds
	}{
		"throttled":                 {http.StatusTooManyRequests, "1", http.MethodPost, 5 * time.Second, 2},
		"unavailable":               {http.StatusServiceUnavailable, "1", http.MethodGet, 5 * time.Second, 2},
		"perhaps done":              {http.StatusServiceUnavailable, "1", http.MethodPost, 5 * time.Second, 1},
		"unavailable, not told":     {http.StatusServiceUnavailable, "", http.MethodGet, 5 * time.Second, 1},
		"beyond the deadline":       {http.StatusTooManyRequests, "10", http.MethodGet, time.Second, 1},
		"beyond what is waited":     {http.StatusTooManyRequests, "3600", http.MethodGet, 5 * time.Second, 1},
		"another fault":             {http.StatusInternalServerError, "1", http.MethodGet, 5 * time.Second, 1},
		"a date that has gone":      {http.StatusTooManyRequests, "Mon, 02 Jan 2006 15:04:05 GMT", http.MethodGet, 5 * time.Second, 1},
		"something that is no time": {http.StatusTooManyRequests, "soon", http.MethodGet, 5 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int32
			cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method == http.MethodPost && string(body) != "hello" {
					t.Errorf("body: %q", body)
				}
				if count.Add(1) == 1 {
					w.Header().Set("Retry-After", tc.retryAfter)
					w.WriteHeader(tc.status)
				}
			}))
			defer cloud.Close()
			ctx, cancel := context.WithTimeout(t.Context(), tc.timeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, tc.method, cloud.URL, strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			client := newHTTPClient(http.DefaultTransport)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := count.Load(); got != tc.want {
				t.Errorf("%d requests, want %d", got, tc.want)
			}
		})
	}
}

func TestTransportForwardsTheRequestIDAndNoToken(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	var got string
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Openstack-Request-Id")
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}))
	defer cloud.Close()
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("request-id", "0198c5f2-7b1e-7000-8000-00000000abcd"))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cloud.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newHTTPClient(http.DefaultTransport)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := "req-0198c5f2-7b1e-7000-8000-00000000abcd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGlobalRequestID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) // oslo.utils, is_uuid_like
	seen := make(map[string]string)
	for _, in := range []string{"0198C5F27B1E7000800000000000ABCD", "order 17", "order 18", "abcd", "请求"} {
		got := globalRequestID(in)
		if !form.MatchString(got) || got != globalRequestID(in) || seen[got] != "" {
			t.Errorf("globalRequestID(%q) = %q", in, got)
		}
		seen[got] = in
	}
	if want := "req-0198c5f2-7b1e-7000-8000-00000000abcd"; seen[want] == "" {
		t.Errorf("a UUID does not keep its digits: %v", seen)
	}
}

func TestBegan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	made := time.Date(2026, 11, 20, 11, 58, 0, 0, time.UTC)
	millis := made.UnixMilli()
	v7 := []byte{byte(millis >> 40), byte(millis >> 32), byte(millis >> 24), byte(millis >> 16), byte(millis >> 8), byte(millis), 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}
	for name, tc := range map[string]struct {
		id   string
		want time.Time
	}{
		"a UUID that tells":        {hexOf(v7), made.Add(-clockSkew)},
		"a UUID that does not":     {"b46eb0ad80b446feae9b868774c2b900", now.Add(-longestRequest)},
		"a client's own words":     {"order 17", now.Add(-longestRequest)},
		"hex digits of other size": {"abcd", now.Add(-longestRequest)},
	} {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("request-id", tc.id))
		if got := Began(ctx, now); !got.Equal(tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}
