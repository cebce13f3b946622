package e2e

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// receiver takes traces as any OTLP backend does.
type receiver struct {
	mu    sync.Mutex
	spans map[string][]string // names by trace
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var batch collectortrace.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &batch) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range batch.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				trace := hex.EncodeToString(span.GetTraceId())
				r.spans[trace] = append(r.spans[trace], span.GetName())
			}
		}
	}
}

// has tells whether all of these spans are of one trace.
func (r *receiver) has(trace string, names ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(r.spans[trace], name) })
}

// TestOneTrace: a client's trace goes on through the gateway to the calls of the
// driver, for a read as for a write and what follows it.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	const account, read, written = "memory", "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d"
	spans := &receiver{spans: map[string][]string{}}
	backend := httptest.NewServer(spans)
	t.Cleanup(backend.Close)
	gateway := harness.NewGatewayWith(t, programs, harness.Setup{Config: object{"traces": object{"endpoint": backend.URL, "sample_ratio": 1}}},
		harness.Account{ID: account, Driver: "memory"})
	of := func(trace string) harness.Option {
		return harness.Header("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	}
	if answer := gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+account+".m1.tiny", nil, of(read)); answer.Status != http.StatusOK {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	gateway.Done(t, "network/network/create", object{
		"account_id": account, "name": "traced", "subnets": []object{{"name": "part", "cidr": "10.0.0.0/24"}},
	}, of(written))
	harness.Eventually(t, 20*time.Second, "the spans of both traces arrive", func() bool {
		return spans.has(read, "GET /compute/v1/flavor/get", "cloud.compute.v1.FlavorService/GetFlavor") &&
			spans.has(written, "POST /network/v1/network/create", "cloud.network.v1.NetworkService/CreateNetwork",
				"cloud.network.v1.NetworkService/GetNetwork", "cloud.network.v1.SubnetService/CreateSubnet")
	})
}
