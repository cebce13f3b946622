package driverhost_test

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// BenchmarkInvoke compares calls through a Driver with calls on the bare
// connection to the same process; read the ratio.
func BenchmarkInvoke(b *testing.B) {
	var bare grpc.ClientConnInterface
	host := driverhost.New(slog.New(slog.DiscardHandler), driverhost.Options{
		OnReady: func(_ context.Context, _ string, conn grpc.ClientConnInterface) error {
			bare = conn
			return nil
		},
	})
	defer host.Close()
	if err := host.Start(b.Context(), driverSpec("driver")); err != nil {
		b.Fatal(err)
	}
	driver, _ := host.Driver("test")
	for name, conn := range map[string]grpc.ClientConnInterface{"bare": bare, "driver": driver} {
		client := driverv1.NewDriverServiceClient(conn)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Probe(b.Context(), &driverv1.ProbeRequest{AccountId: "pid"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
