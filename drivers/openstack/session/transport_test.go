package session

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"google.golang.org/grpc/metadata"
)

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
	client := newHTTPClient(http.DefaultTransport, nil)
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
