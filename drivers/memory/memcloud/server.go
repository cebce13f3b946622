package memcloud

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const maxKnobsBytes = 1 << 20

// NewServer makes a gRPC server that offers the cloud.
func NewServer(c *Cloud, log *slog.Logger, opts ...grpc.ServerOption) *grpc.Server {
	opts = append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(recovering(log), c.Intercept)}, opts...)
	server := grpc.NewServer(opts...)
	c.Register(server)
	server.RegisterService(c.infoDesc(), nil)
	return server
}

func recovering(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(ctx, "panic in a call", slog.String("method", info.FullMethod),
					slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				err = status.Error(codes.Internal, "the cloud failed")
			}
		}()
		return handler(ctx, req)
	}
}

// AdminHandler serves the knobs (GET, PUT /knobs), all records (GET /dump), the
// counts of calls (GET /calls) and a sign of life (GET /healthz). It has no
// authentication: listen on the loopback address only.
func AdminHandler(c *Cloud) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /knobs", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Knobs()) })
	mux.HandleFunc("PUT /knobs", func(w http.ResponseWriter, r *http.Request) { putKnobs(c, w, r) })
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Calls()) })
	mux.HandleFunc("GET /dump", func(w http.ResponseWriter, r *http.Request) {
		d, err := c.Dump(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, d)
	})
	return mux
}

func putKnobs(c *Cloud, w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxKnobsBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	k, err := ParseKnobs(text)
	if err == nil {
		err = c.SetKnobs(k)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, c.Knobs())
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(value)
}
