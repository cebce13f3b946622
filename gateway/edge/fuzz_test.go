package edge_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// answers checks what holds for any request: an envelope, no 5xx, and a request
// that reached the handler can be sent on.
func answers(t *testing.T, e http.Handler, h *handler, request *http.Request) {
	t.Helper()
	request.Header.Set("Authorization", "x")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, request)
	if w.Code >= 500 {
		t.Fatalf("%s %s: %d %s", request.Method, request.URL, w.Code, w.Body)
	}
	if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
		t.Fatalf("answer is no JSON: %q", w.Body)
	}
	if call := h.take(); call != nil {
		if w.Code >= 300 {
			t.Fatalf("handled, but answered %d", w.Code)
		}
		for _, m := range []proto.Message{call.Request, call.Options} {
			if _, err := proto.Marshal(m); err != nil {
				t.Fatalf("decoded what cannot be encoded: %v", err)
			}
		}
	}
}

func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a"}`, `{"nics":[{"subnet_id":"x"}]}`, `{"tags":{"a":"b"},"charge":{"mode":"CHARGE_MODE_SPOT"}}`, `null`, `[`, `{"a":`,
		`{"name":"\ud800"}`, `{"boot_disk":{"size_gib":1e9}}`, `{"user_data":"aGk="}`, `{"charge":{"expires_at":"2024-01-01T00:00:00Z"}}`,
		`{"request_id":"x","wait_seconds":-0}`, `{"name":"\u0000"}`, `{"na\u006de":"a","name":"b"}`, `{"boot_disk":{"size_gib":1.0}}`,
	} {
		f.Add([]byte(seed))
	}
	h := &handler{}
	e := newEdge(f, h, nil, edge.Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/compute/v1/vm/create", strings.NewReader(string(body)))
		answers(t, e, h, request)
	})
}

func FuzzDecodeQuery(f *testing.F) {
	for _, seed := range []string{"id=a", "account_id=a,b&ids=", "view=cached&view=live", "a=%ff", "page_size=1e3", "state=running", ";", "%", "name=%00"} {
		f.Add(seed)
	}
	h := &handler{}
	e := newEdge(f, h, nil, edge.Options{})
	f.Fuzz(func(t *testing.T, query string) {
		for _, target := range []string{"/compute/v1/vm/list", "/compute/v1/vm/create"} {
			method := http.MethodGet
			if strings.HasSuffix(target, "create") {
				method = http.MethodPost
			}
			request := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
			request.URL.RawQuery = query
			answers(t, e, h, request)
		}
	})
}

func FuzzRoutes(f *testing.F) {
	c, err := contract.Linked()
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range c.Methods {
		for _, route := range m.Routes {
			f.Add(route.Method, route.Pattern)
		}
	}
	f.Add("GET", "/compute/v1/vms/%2e%2e/x")
	f.Add("GET", "//compute//v1/vms/a")
	f.Add("OPTIONS", "*")
	h := &handler{}
	e := newEdge(f, h, nil, edge.Options{})
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || method == "" || strings.ContainsAny(method, " \t\r\n") || strings.Contains(path, "acc.") {
			return
		}
		request, err := http.NewRequestWithContext(t.Context(), method, "http://host/", http.NoBody)
		if err != nil {
			return
		}
		request.URL = u
		answers(t, e, h, request)
	})
}
