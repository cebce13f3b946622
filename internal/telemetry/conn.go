package telemetry

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Calls counts and times calls to drivers.
type Calls struct {
	seconds *prometheus.HistogramVec
	tracing *Tracing
}

// NewCalls makes a Calls and registers its metric.
func NewCalls(registry prometheus.Registerer, tracing *Tracing) (*Calls, error) {
	c := &Calls{tracing: tracing, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "yunqiao_driver_call_seconds", Help: "Time of calls to drivers in seconds, by driver, account, method and reason (OK, or of the error table).",
		Buckets: []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"driver", "account", "method", "reason"})}
	return c, registry.Register(c.seconds)
}

// Conn is a connection whose calls are counted and traced, for one account.
func (c *Calls) Conn(conn grpc.ClientConnInterface, driver, account string) grpc.ClientConnInterface {
	return &instrumented{ClientConnInterface: conn, calls: c, driver: driver, account: account}
}

type instrumented struct {
	grpc.ClientConnInterface
	calls           *Calls
	driver, account string
}

// Invoke implements grpc.ClientConnInterface.
func (i *instrumented) Invoke(ctx context.Context, path string, args, reply any, opts ...grpc.CallOption) error {
	method := strings.TrimPrefix(path, "/")
	ctx, span := i.calls.tracing.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	if span.SpanContext().IsValid() {
		md, ok := metadata.FromOutgoingContext(ctx) // a copy
		if !ok {
			md = metadata.MD{}
		}
		i.calls.tracing.propagator.Inject(ctx, carrier(md))
		ctx = metadata.NewOutgoingContext(ctx, md)
	}
	begin := time.Now()
	err := i.ClientConnInterface.Invoke(ctx, path, args, reply, opts...)
	reason := "OK"
	if err != nil {
		reason = sdk.ReasonName(sdk.ReasonOf(err))
		fail(span, reason)
	}
	i.calls.seconds.WithLabelValues(i.driver, i.account, method, reason).Observe(time.Since(begin).Seconds())
	if span.IsRecording() {
		span.SetAttributes(attribute.String("yunqiao.driver", i.driver), attribute.String("yunqiao.account", i.account))
	}
	return err
}

// carrier lets the propagator write into gRPC metadata.
type carrier metadata.MD

var _ propagation.TextMapCarrier = carrier{}

func (c carrier) Get(key string) string {
	if values := metadata.MD(c).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (c carrier) Set(key, value string) { metadata.MD(c).Set(key, value) }

func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key := range c {
		keys = append(keys, key)
	}
	return keys
}
