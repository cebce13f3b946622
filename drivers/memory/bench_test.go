package main

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// BenchmarkList100 is the driver's own share of a list of 100, without the
// transport, on a cloud whose resources carry the marker and on one without.
func BenchmarkList100(b *testing.B) {
	for name, knobs := range map[string]string{"tokens": `{}`, "markers": `{"client_tokens":false}`} {
		b.Run(name, func(b *testing.B) {
			d, err := newDriver(memcloud.Options{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := d.OpenAccount(b.Context(), &driverv1.OpenAccountRequest{AccountId: "acc", Settings: map[string]string{settingKnobs: knobs}}); err != nil {
				b.Fatal(err)
			}
			for i := range 100 {
				ctx := metadata.NewIncomingContext(b.Context(), metadata.Pairs("account-id", "acc", "request-id", fmt.Sprint(i)))
				if _, err := d.call(ctx, networkv1.NetworkService_CreateNetwork_FullMethodName, &networkv1.CreateNetworkRequest{Name: "n"}); err != nil {
					b.Fatal(err)
				}
			}
			ctx := metadata.NewIncomingContext(b.Context(), metadata.Pairs("account-id", "acc"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.call(ctx, networkv1.NetworkService_ListNetworks_FullMethodName, &networkv1.ListNetworksRequest{PageSize: 100}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
