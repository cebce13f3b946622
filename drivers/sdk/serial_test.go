package sdk

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const createNetwork = "/cloud.network.v1.NetworkService/CreateNetwork"

func TestCreatesOfOneRequestAreServedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method           string
		requests         []string // ids of requests that are sent at the same time
		together, repeat int32    // most served at once, and how many as repeats
	}{
		"one create":          {createNetwork, []string{"r", "r", "r", "r"}, 1, 3},
		"different creates":   {createNetwork, []string{"r-1", "r-2", "r-3"}, 3, 0},
		"without request id":  {createNetwork, []string{"", "", ""}, 3, 0},
		"reads":               {"/cloud.network.v1.NetworkService/GetNetwork", []string{"r", "r", "r"}, 3, 0},
		"not of the contract": {"/grpc.health.v1.Health/Check", []string{"r", "r"}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				serve := serialCreates()
				var inside, most, repeats atomic.Int32
				var calls sync.WaitGroup
				for _, id := range tc.requests {
					calls.Go(func() {
						ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(keyRequestID, id))
						_, err := serve(ctx, nil, &grpc.UnaryServerInfo{FullMethod: tc.method}, func(ctx context.Context, _ any) (any, error) {
							defer inside.Add(-1)
							most.Store(max(most.Load(), inside.Add(1)))
							if CallFrom(ctx).Repeated() {
								repeats.Add(1)
							}
							time.Sleep(time.Second) // by the bubble's clock
							return nil, nil
						})
						if err != nil {
							t.Error(err)
						}
					})
				}
				calls.Wait()
				if most.Load() != tc.together || repeats.Load() != tc.repeat {
					t.Errorf("%d at once and %d repeats, want %d and %d", most.Load(), repeats.Load(), tc.together, tc.repeat)
				}
			})
		})
	}
}

func TestACreateThatWaitsEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		serve := serialCreates()
		info := &grpc.UnaryServerInfo{FullMethod: createNetwork}
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(keyRequestID, "r"))
		slow := func(context.Context, any) (any, error) { time.Sleep(time.Minute); return nil, nil }
		go func() { _, _ = serve(ctx, nil, info, slow) }()
		synctest.Wait()
		impatient, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := serve(impatient, nil, info, slow); StatusOf(err).Code() != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		if _, err := serve(ctx, nil, info, slow); err != nil {
			t.Errorf("the next in line: %v", err)
		}
	})
}
