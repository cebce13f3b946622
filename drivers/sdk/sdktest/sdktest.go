// Package sdktest connects tests to a driver that runs in their own process.
package sdktest

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const bufferBytes = 1 << 20

// Serve serves a driver as sdk.Serve does, without a process, until the test ends,
// and returns a connection to it. Its log is discarded.
func Serve(t testing.TB, d sdk.Driver) *grpc.ClientConn {
	t.Helper()
	return ServeLogged(t, d, slog.New(slog.DiscardHandler))
}

// ServeLogged is Serve with a log.
func ServeLogged(t testing.TB, d sdk.Driver, log *slog.Logger) *grpc.ClientConn {
	t.Helper()
	server := sdk.NewServer(d, log)
	listener := bufconn.Listen(bufferBytes)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///driver", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}
