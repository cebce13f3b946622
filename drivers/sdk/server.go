package sdk

import (
	"log/slog"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Driver is what a driver's author writes.
type Driver interface {
	driverv1.DriverServiceServer
	// Register adds the resource services that the driver implements. It does
	// not add DriverService, which Serve and NewServer add themselves.
	Register(grpc.ServiceRegistrar)
}

// NewServer makes the server that Serve runs, for a driver at a remote address
// and for tests in one process. The caller listens, serves and stops it.
//
// The server recovers panics, logs each call that fails, and serves creates that
// carry one request id one after the other, the later ones as repeats: Call.Repeated.
func NewServer(d Driver, log *slog.Logger, opts ...grpc.ServerOption) *grpc.Server {
	server := newBareServer(log, opts...)
	registerDriver(server, d)
	checks := health.NewServer()
	checks.SetServingStatus(plugin.HealthService, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, checks)
	return server
}

func newBareServer(log *slog.Logger, opts ...grpc.ServerOption) *grpc.Server {
	defaults := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(plugin.MaxMessageBytes),
		grpc.ChainUnaryInterceptor(observeUnary(log), serialCreates()),
		grpc.ChainStreamInterceptor(recoverStream(log)),
	}
	return grpc.NewServer(append(defaults, opts...)...)
}

func registerDriver(server grpc.ServiceRegistrar, d Driver) {
	driverv1.RegisterDriverServiceServer(server, d)
	d.Register(server)
}
