package edge_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// anybody is let in.
type anybody struct{ tokens }

func (anybody) Authenticate(context.Context, *http.Request, []byte) (pipeline.Principal, error) {
	return pipeline.Principal{UserID: "u"}, nil
}

func serveLimited(t *testing.T, handle pipeline.Handler, opts edge.Options) *httptest.Server {
	t.Helper()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	opts.Raw = []edge.RawRoute{{Method: http.MethodGet, Pattern: "/healthz", Public: true, Handler: http.NotFoundHandler()}}
	handler, err := edge.New(slog.New(slog.DiscardHandler), c, anybody{}, handle, opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string) (status int, header http.Header, reason, field string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Reason     string `json:"reason"`
			Violations []struct {
				Field string `json:"field"`
			} `json:"violations"`
		} `json:"data"`
	}
	_ = json.NewDecoder(response.Body).Decode(&answer) // raw routes answer no envelope
	if len(answer.Data.Violations) > 0 {
		field = answer.Data.Violations[0].Field
	}
	return response.StatusCode, response.Header, answer.Data.Reason, field
}

const someRoute = "/operation/v1/operation/list"

func TestLongURLIsRefused(t *testing.T) {
	server := serveLimited(t, func(context.Context, *pipeline.Call) (proto.Message, error) {
		return &operationv1.ListOperationsResponse{}, nil
	}, edge.Options{MaxURLBytes: 100})
	for name, tc := range map[string]struct {
		target string
		status int
	}{
		"at the limit":     {someRoute + "?resource_id=" + strings.Repeat("a", 100-len(someRoute)-13), http.StatusOK},
		"above":            {someRoute + "?resource_id=" + strings.Repeat("a", 101-len(someRoute)-13), http.StatusRequestEntityTooLarge},
		"of no rpc, above": {"/" + strings.Repeat("a", 100), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, reason, field := get(t, server.URL+tc.target)
			if status != tc.status {
				t.Fatalf("got %d %s, want %d", status, reason, tc.status)
			}
			if status != http.StatusOK && (reason != "REQUEST_TOO_LARGE" || field != "url") {
				t.Errorf("got %s of %s", reason, field)
			}
		})
	}
}

func TestCallsAtOnceAreBounded(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	server := serveLimited(t, func(context.Context, *pipeline.Call) (proto.Message, error) {
		inside <- struct{}{}
		<-leave
		return &operationv1.ListOperationsResponse{}, nil
	}, edge.Options{MaxConcurrent: 1})
	first := make(chan int)
	go func() {
		status, _, _, _ := get(t, server.URL+someRoute)
		first <- status
	}()
	<-inside
	status, header, reason, _ := get(t, server.URL+someRoute)
	if status != http.StatusServiceUnavailable || reason != "UNAVAILABLE" || header.Get("Retry-After") != "1" {
		t.Errorf("second call: got %d %s, Retry-After %q", status, reason, header.Get("Retry-After"))
	}
	if status, _, _, _ := get(t, server.URL+"/healthz"); status != http.StatusNotFound {
		t.Errorf("a probe was refused with %d", status)
	}
	leave <- struct{}{}
	if status := <-first; status != http.StatusOK {
		t.Errorf("first call: got %d", status)
	}
	go func() { <-inside; leave <- struct{}{} }()
	if status, _, _, _ := get(t, server.URL+someRoute); status != http.StatusOK {
		t.Errorf("after the first: got %d", status)
	}
}

func TestCallsHaveADeadline(t *testing.T) {
	server := serveLimited(t, func(ctx context.Context, _ *pipeline.Call) (proto.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, edge.Options{RequestTimeout: 20 * time.Millisecond})
	if status, _, reason, _ := get(t, server.URL+someRoute); status != http.StatusGatewayTimeout || reason != "DEADLINE_EXCEEDED" {
		t.Errorf("got %d %s", status, reason)
	}
}

func TestLongBodyIsRefused(t *testing.T) {
	server := serveLimited(t, func(context.Context, *pipeline.Call) (proto.Message, error) {
		return &operationv1.CancelOperationResponse{}, nil
	}, edge.Options{MaxBodyBytes: 100})
	for size, want := range map[int]int{100: http.StatusOK, 101: http.StatusRequestEntityTooLarge} {
		const around = `{"id":""}`
		body := strings.NewReader(`{"id":"` + strings.Repeat("a", size-len(around)) + `"}`)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/operation/v1/operation/cancel", body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", size, response.StatusCode, want)
		}
	}
}
