package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func done(context.Context, *Call) (proto.Message, error) { return &apiv1.WriteOptions{}, nil }

func TestRateLimit(t *testing.T) {
	two := Rate{PerSecond: 2, Burst: 2}
	bearer := &Call{Principal: Principal{UserID: "u", TenantID: "o", Credential: "token"}, ClientIP: "192.0.2.1"}
	signed := &Call{Principal: Principal{UserID: "u", TenantID: "o", Credential: "key:k"}}
	colleague := &Call{Principal: Principal{UserID: "v", TenantID: "o", Credential: "token"}}
	stranger := &Call{Principal: Principal{UserID: "w", TenantID: "p", Credential: "token"}}
	nobody := &Call{ClientIP: "192.0.2.1"}
	elsewhere := &Call{ClientIP: "192.0.2.2"}
	for name, tc := range map[string]struct {
		rates Rates
		calls []*Call
		taken []bool
		field string // that the refusal names
	}{
		"none":         {Rates{}, []*Call{bearer, bearer, bearer, nobody}, []bool{true, true, true, true}, ""},
		"user":         {Rates{User: two}, []*Call{bearer, signed, bearer, colleague}, []bool{true, true, false, true}, "user"},
		"key":          {Rates{Key: two}, []*Call{signed, signed, signed, bearer}, []bool{true, true, false, true}, "access key"},
		"organization": {Rates{Organization: two}, []*Call{bearer, colleague, signed, stranger}, []bool{true, true, false, true}, "organization"},
		"address":      {Rates{AnonymousIP: two}, []*Call{nobody, nobody, nobody, elsewhere, bearer}, []bool{true, true, false, true, true}, "client address"},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_786_000_000, 0)
			tc.rates.Now = func() time.Time { return now }
			handle := RateLimit(tc.rates)(done)
			for i, call := range tc.calls {
				_, err := handle(t.Context(), call)
				if (err == nil) != tc.taken[i] {
					t.Fatalf("call %d: got %v, want taken: %v", i, err, tc.taken[i])
				}
				if err == nil {
					continue
				}
				if sdk.ReasonOf(err) != apiv1.Reason_REASON_RATE_LIMITED || sdk.RetryAfterOf(err) != 500*time.Millisecond {
					t.Errorf("call %d: got %v, after %s", i, err, sdk.RetryAfterOf(err))
				}
				if v := sdk.ViolationsOf(err); len(v) != 1 || v[0].GetField() != tc.field {
					t.Errorf("call %d: got %v", i, v)
				}
			}
			now = now.Add(500 * time.Millisecond)
			if _, err := handle(t.Context(), tc.calls[0]); err != nil {
				t.Errorf("after the pause: %v", err)
			}
		})
	}
}

// TestRefusedCallTakesNothing: what the organization refuses is not lost to the user.
func TestRefusedCallTakesNothing(t *testing.T) {
	now := time.Unix(1_786_000_000, 0)
	handle := RateLimit(Rates{
		User: Rate{PerSecond: 0.001, Burst: 2}, Organization: Rate{PerSecond: 1, Burst: 1}, Now: func() time.Time { return now },
	})(done)
	call := &Call{Principal: Principal{UserID: "u", TenantID: "o"}}
	for i, taken := range []bool{true, false, false, false} {
		if _, err := handle(t.Context(), call); (err == nil) != taken {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	now = now.Add(time.Second)
	if _, err := handle(t.Context(), call); err != nil {
		t.Errorf("the user's second call: %v", err)
	}
}

func TestBucketsAreBounded(t *testing.T) {
	b := newBuckets("user", Rate{PerSecond: 1, Burst: 1})
	first := b.of("first")
	for i := range 5 * maxBuckets {
		b.of(fmt.Sprint(i))
		if i%1000 == 0 && b.of("first") != first {
			t.Fatal("one in use was forgotten")
		}
	}
	if n := len(b.recent) + len(b.older); n > 2*maxBuckets {
		t.Errorf("%d buckets are kept", n)
	}
}

func BenchmarkRateLimit(b *testing.B) {
	r := Rate{PerSecond: 1e9, Burst: 1e9}
	handle := RateLimit(Rates{User: r, Key: r, Organization: r})(done)
	call := &Call{Principal: Principal{UserID: "u", TenantID: "o", Credential: "key:k"}}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := handle(b.Context(), call); err != nil {
				b.Error(err)
			}
		}
	})
}
