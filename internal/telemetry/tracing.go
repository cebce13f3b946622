package telemetry

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Config says where traces go.
type Config struct {
	// Endpoint of an OTLP/HTTP receiver: "http://127.0.0.1:4318". Empty: no
	// traces are kept, but trace context is passed on.
	Endpoint string
	// SampleRatio of traces that begin here, 0..1; a caller's decision is kept.
	SampleRatio float64
	// Exporter takes the place of OTLP in tests.
	Exporter sdktrace.SpanExporter
}

// Tracing makes spans and passes their context on. The zero value is not usable.
type Tracing struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	shutdown   func(context.Context) error
}

// NewTracing makes a Tracing; Close ends it.
func NewTracing(ctx context.Context, config Config) (*Tracing, error) {
	t := &Tracing{propagator: propagation.TraceContext{}, shutdown: func(context.Context) error { return nil }}
	exporter := config.Exporter
	if exporter == nil && config.Endpoint == "" {
		t.tracer = noop.NewTracerProvider().Tracer("yunqiao")
		return t, nil
	}
	if exporter == nil {
		var err error
		if exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(config.Endpoint)); err != nil {
			return nil, fmt.Errorf("trace exporter: %w", err)
		}
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(config.SampleRatio))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "yunqiao"))),
	)
	t.tracer, t.shutdown = provider.Tracer("yunqiao"), provider.Shutdown
	return t, nil
}

// Close sends what is left.
func (t *Tracing) Close(ctx context.Context) error { return t.shutdown(ctx) }

// Middleware begins a span for every HTTP request, as a child of the caller's.
func (t *Tracing) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path)))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
		if id := w.Header().Get("X-Request-Id"); id != "" {
			span.SetAttributes(attribute.String("yunqiao.request_id", id))
		}
	})
}

// fail marks a span as failed, by reason and not by text: texts may hold secrets.
func fail(span trace.Span, reason string) {
	span.SetStatus(codes.Error, reason)
}
