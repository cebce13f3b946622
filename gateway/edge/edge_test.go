package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

var update = flag.Bool("update", false, "rewrite testdata/*.response.json")

// The whole contract is linked in, so that all routes are there.
var _ = []proto.Message{&networkv1.Network{}, &storagev1.Disk{}, &operationv1.Operation{}, &monitorv1.Alarm{}}

// tokens lets in who brings a token.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, r *http.Request, _ []byte) (pipeline.Principal, error) {
	if r.Header.Get("Authorization") == "" {
		return pipeline.Principal{}, sdk.NewError(apiv1.Reason_REASON_TOKEN_MISSING)
	}
	return pipeline.Principal{UserID: "u", TenantID: "t"}, nil
}

func (tokens) NeedsBody(*http.Request) bool { return false }

func (tokens) Still(context.Context, pipeline.Principal, string) error { return nil }

// handler answers by the id or name in the request, and keeps the call.
type handler struct {
	mu   sync.Mutex
	last *pipeline.Call
}

func (h *handler) take() *pipeline.Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	call := h.last
	h.last = nil
	return call
}

const providerText = "http://10.1.2.3:8774 said token=abc"

func (h *handler) handle(_ context.Context, call *pipeline.Call) (proto.Message, error) {
	h.mu.Lock()
	h.last = call
	h.mu.Unlock()
	switch request := call.Request.(type) {
	case *computev1.CreateVmRequest:
		answer := &computev1.CreateVmResponse{OperationId: "op", OperationStatus: apiv1.OperationStatus_OPERATION_STATUS_PENDING}
		if request.GetName() != "later" {
			answer.Id, answer.State = "acc.1", computev1.VmState_VM_STATE_CREATING
		}
		return answer, nil
	case *computev1.GetVmRequest:
		switch request.GetId() {
		case "acc.missing":
			return nil, sdk.NewError(apiv1.Reason_REASON_NOT_FOUND, sdk.Violation("id", "is not there"))
		case "acc.secret":
			return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Provider("E", 500, "req-1", providerText))
		case "acc.throttled":
			return nil, sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(7*time.Second))
		case "acc.plain":
			return nil, errors.New(providerText)
		case "acc.panic":
			panic(providerText)
		}
		return &computev1.GetVmResponse{Vm: &computev1.Vm{Id: request.GetId(), Name: "网页\u2028<b>"}}, nil
	}
	return call.Method.Output.New().Interface(), nil
}

func newEdge(t testing.TB, h *handler, log *bytes.Buffer, opts edge.Options) http.Handler {
	t.Helper()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	if log != nil {
		logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e, err := edge.New(logger, c, tokens{}, h.handle, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// recorded is one request of testdata. Exactly one of Body, Raw and Repeat is its
// body; Raw is taken as Latin-1, so that any byte can stand in it.
type recorded struct {
	Method  string            `json:"method"`
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Raw     *string           `json:"raw"`
	Repeat  *struct {
		Before, Part, After string
		Count               int
	} `json:"repeat"`
}

func (r recorded) request(t *testing.T) *http.Request {
	t.Helper()
	body := []byte(r.Body)
	if r.Raw != nil {
		body = nil
		for _, c := range *r.Raw {
			body = append(body, byte(c))
		}
	}
	if r.Repeat != nil {
		body = []byte(r.Repeat.Before + strings.Repeat(r.Repeat.Part, r.Repeat.Count) + r.Repeat.After)
	}
	request := httptest.NewRequestWithContext(t.Context(), r.Method, r.Target, bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer x")
	request.Header.Set("Content-Type", "application/json")
	for name, value := range r.Headers {
		request.Header.Set(name, value)
	}
	return request
}

// outcome is what testdata holds of an answer: what the client saw, and what was
// decoded, if it came so far.
type outcome struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Request json.RawMessage   `json:"decoded_request,omitempty"`
	Options json.RawMessage   `json:"decoded_options,omitempty"`
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.request.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".request.json"), func(t *testing.T) {
			t.Parallel()
			var r recorded
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			h := &handler{}
			w := httptest.NewRecorder()
			newEdge(t, h, &log, edge.Options{}).ServeHTTP(w, r.request(t))
			got := indented(t, outcomeOf(t, w, h.take()))
			golden := strings.Replace(file, ".request.", ".response.", 1)
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if bytes.Contains(w.Body.Bytes(), []byte("10.1.2.3")) {
				t.Error("the client sees the provider's text")
			}
			if bytes.Contains(log.Bytes(), []byte("Abc-12345")) || bytes.Contains(log.Bytes(), []byte("Bearer")) {
				t.Error("a secret is logged")
			}
		})
	}
}

func outcomeOf(t *testing.T, w *httptest.ResponseRecorder, call *pipeline.Call) outcome {
	t.Helper()
	o := outcome{Status: w.Code, Headers: map[string]string{}}
	for _, name := range []string{"Content-Type", "Retry-After", "Allow"} {
		if value := w.Header().Get(name); value != "" {
			o.Headers[name] = value
		}
	}
	id := w.Header().Get("X-Request-Id")
	if w.Body.Len() > 0 {
		if id == "" || !bytes.Contains(w.Body.Bytes(), []byte(id)) {
			t.Errorf("request id %q is not in the body", id)
		}
		o.Body = bytes.ReplaceAll(w.Body.Bytes(), []byte(id), []byte("REQUEST-ID"))
	}
	if call != nil {
		o.Request, o.Options = shown(t, call.Request), shown(t, call.Options)
	}
	return o
}

func shown(t *testing.T, m proto.Message) json.RawMessage {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// indented encodes anew, since protojson varies its spaces.
func indented(t *testing.T, o outcome) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("answer is no JSON: %v\n%s", err, o.Body)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// observations are what metrics are told.
type observations struct{ seen []string }

func (o *observations) Observe(route, method string, _ int, _ float64) {
	o.seen = append(o.seen, method+" "+route)
}

func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	seen := &observations{}
	e := newEdge(t, &handler{}, nil, edge.Options{Metrics: seen})
	for _, target := range []string{"GET /compute/v1/vms/acc.1", "FOO /x", "BAR /compute/v1/vms", "GET /y"} {
		method, path, _ := strings.Cut(target, " ")
		request := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
		request.Header.Set("Authorization", "x")
		e.ServeHTTP(httptest.NewRecorder(), request)
	}
	want := []string{"GET /compute/v1/vms/:id", "any none", "any none", "any none"}
	if diff := cmp.Diff(want, seen.seen); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
