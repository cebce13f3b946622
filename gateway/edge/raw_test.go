package edge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// guard lets in who brings the header Authorization, or a Signature over a body
// that it has seen; what it was shown of the body it keeps.
type guard struct {
	tokens

	mu   sync.Mutex
	seen []string
	gone error
}

func (g *guard) NeedsBody(r *http.Request) bool { return r.Header.Get("Signature") != "" }

func (g *guard) Authenticate(ctx context.Context, r *http.Request, body []byte) (pipeline.Principal, error) {
	if !g.NeedsBody(r) {
		return g.tokens.Authenticate(ctx, r, body)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, string(body))
	return pipeline.Principal{UserID: "u", TenantID: "t", Credential: "key:k"}, nil
}

func (g *guard) Still(context.Context, pipeline.Principal, string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gone
}

// records keeps what it is told.
type records struct {
	mu  sync.Mutex
	all []string
}

func (r *records) Record(_ context.Context, call *pipeline.Call, _ proto.Message, failure error, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := []string{call.Method.FullName}
	if call.Principal.Credential != "" {
		entry = append(entry, call.Principal.Credential)
	}
	if failure != nil {
		entry = append(entry, sdk.ReasonName(sdk.ReasonOf(failure)))
	}
	r.all = append(r.all, strings.Join(entry, " "))
}

func newRaw(t *testing.T, g *guard, opts edge.Options) (*httptest.Server, *records) {
	t.Helper()
	kept := &records{}
	opts.Recorder = kept
	opts.Gates = func(next pipeline.Handler) pipeline.Handler {
		return func(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
			if call.Method.Permission == "nobody.has.it" {
				return nil, sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED)
			}
			return next(ctx, call)
		}
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := edge.New(slog.New(slog.DiscardHandler), c, g, (&handler{}).handle, opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, kept
}

func TestRawRoutes(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, "%s of %s", body, pipeline.CallFrom(r.Context()).Principal.TenantID)
	})
	g := &guard{}
	server, kept := newRaw(t, g, edge.Options{Raw: []edge.RawRoute{
		{Method: http.MethodGet, Pattern: "/open", Public: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("open")) })},
		{Method: http.MethodGet, Pattern: "/read", Permission: "a.b.read", Handler: echo},
		{Method: http.MethodPost, Pattern: "/write", Permission: "a.b.write", MaxBodyBytes: 8, Handler: echo},
		{Method: http.MethodGet, Pattern: "/denied", Permission: "nobody.has.it", Handler: echo},
		{Method: http.MethodPost, Pattern: "/bad", Permission: "a.b.write", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusBadRequest)
		})},
	}})
	for _, tc := range []struct {
		call, header, body string
		status             int
		answer             string // part of it
		record             string // "" for none
	}{
		{"GET /open", "", "", 200, "open", ""},
		{"GET /read", "", "", 401, "TOKEN_MISSING", "GET /read TOKEN_MISSING"},
		{"GET /read", "Authorization", "", 200, " of t", "GET /read"},
		{"GET /read", "Signature", "", 200, " of t", "GET /read key:k"},
		{"GET /denied", "Authorization", "", 403, "PERMISSION_DENIED", "GET /denied PERMISSION_DENIED"},
		{"POST /write", "Authorization", "longer than eight", 200, "longer than eight of t", "POST /write"},
		{"POST /write", "Signature", "short", 200, "short of t", "POST /write key:k"},
		{"POST /write", "Signature", "longer than eight", 413, "REQUEST_TOO_LARGE", "POST /write REQUEST_TOO_LARGE"},
		{"POST /bad", "Authorization", "x", 400, "no", "POST /bad VALIDATION_FAILED"},
	} {
		method, path, _ := strings.Cut(tc.call, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if tc.header != "" {
			request.Header.Set(tc.header, "x")
		}
		kept.all = nil
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		kept.mu.Lock()
		record := strings.Join(kept.all, "; ")
		kept.mu.Unlock()
		if response.StatusCode != tc.status || !strings.Contains(string(answer), tc.answer) || record != tc.record {
			t.Errorf("%s with %q: got %d %q, recorded %q, want %d %q, %q", tc.call, tc.header, response.StatusCode, answer, record, tc.status, tc.answer, tc.record)
		}
	}
	if !slices.Contains(g.seen, "short") {
		t.Errorf("the signature was checked against %q", g.seen)
	}
}

// TestRawRouteNeedsPermission: a route is public because it says so, not because
// something was forgotten.
func TestRawRouteNeedsPermission(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	_, err = edge.New(slog.New(slog.DiscardHandler), c, &guard{}, (&handler{}).handle, edge.Options{
		Raw: []edge.RawRoute{{Method: http.MethodGet, Pattern: "/x", Handler: http.NotFoundHandler()}},
	})
	if err == nil || !strings.Contains(err.Error(), "GET /x needs a permission") {
		t.Errorf("got %v", err)
	}
}

// TestStreamEndsWithItsCaller cuts a stream off when the credential is taken back.
func TestStreamEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	g := &guard{}
	server, kept := newRaw(t, g, edge.Options{Raw: []edge.RawRoute{{
		Method: http.MethodGet, Pattern: "/tail", Permission: "a.b.read", Stream: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("begun"))
			_ = http.NewResponseController(w).Flush()
			g.mu.Lock()
			g.gone = sdk.NewError(apiv1.Reason_REASON_TOKEN_INVALID)
			g.mu.Unlock()
			<-r.Context().Done()
		}),
	}}})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "begun" { // returns when the stream has ended
		t.Errorf("got %q, %v", text, err)
	}
	if len(kept.all) > 1 {
		t.Errorf("recorded %q", kept.all)
	}
}

// A raw route may panic when its answer has begun; nothing is added to it.
func TestRawRoutePanics(t *testing.T) {
	t.Parallel()
	e := newEdge(t, &handler{}, nil, edge.Options{Raw: []edge.RawRoute{{
		Method: http.MethodGet, Pattern: "/late", Public: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("begun")); panic("late") }),
	}}})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/late", http.NoBody))
	if w.Code != http.StatusOK || w.Body.String() != "begun" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}
