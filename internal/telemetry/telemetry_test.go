package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/telemetry"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// answering is a connection that answers with an error and remembers the metadata.
type answering struct {
	grpc.ClientConnInterface
	err  error
	seen metadata.MD
}

func (a *answering) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	a.seen, _ = metadata.FromOutgoingContext(ctx)
	return a.err
}

// keeping is an exporter that keeps spans after its end.
type keeping struct{ spans []sdktrace.ReadOnlySpan }

func (k *keeping) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.spans = append(k.spans, spans...)
	return nil
}

func (*keeping) Shutdown(context.Context) error { return nil }

func TestTraceReachesTheDriver(t *testing.T) {
	spans := &keeping{}
	tracing, err := telemetry.NewTracing(t.Context(), telemetry.Config{Exporter: spans, SampleRatio: 1})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	calls, err := telemetry.NewCalls(registry, tracing)
	if err != nil {
		t.Fatal(err)
	}
	driver := &answering{err: sdk.NewError(apiv1.Reason_REASON_THROTTLED)}
	conn := calls.Conn(driver, "memory", "acc")
	handler := tracing.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = conn.Invoke(r.Context(), "/cloud.compute.v1.VmService/GetVm", nil, nil)
	}))
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	request := httptest.NewRequest(http.MethodGet, "/compute/v1/vm/get", nil)
	request.Header.Set("Traceparent", "00-"+traceID+"-b7ad6b7169203331-01")
	handler.ServeHTTP(httptest.NewRecorder(), request)
	if got := driver.seen.Get("traceparent"); len(got) != 1 || !strings.Contains(got[0], traceID) {
		t.Errorf("traceparent at the driver: got %q, want the client's trace %s", got, traceID)
	}
	if n := testutil.CollectAndCount(registry, "yunqiao_driver_call_seconds"); n != 1 {
		t.Errorf("metric series: got %d, want 1", n)
	}
	if err := tracing.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(spans.spans) != 2 {
		t.Errorf("spans: got %d, want one of the request and one of the call", len(spans.spans))
	}
	for _, span := range spans.spans {
		if span.SpanContext().TraceID().String() != traceID {
			t.Errorf("span %s is of trace %s, want the client's", span.Name(), span.SpanContext().TraceID())
		}
	}
}
