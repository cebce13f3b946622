package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// cloud answers as the test says.
type cloud struct {
	answer func(ctx context.Context) error
	calls  int
}

func (c *cloud) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	c.calls++
	return c.answer(ctx)
}

func (c *cloud) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("no streams")
}

func reason(r apiv1.Reason) func(context.Context) error {
	return func(context.Context) error { return sdk.NewError(r) }
}

func works(context.Context) error { return nil }

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return sdk.NewError(apiv1.Reason_REASON_DEADLINE_EXCEEDED, sdk.Cause(ctx.Err()))
}

func newGuard(c *cloud, limits Limits) *Guard {
	g := NewGuard("acc")
	g.Use(c, limits)
	return g
}

func (g *Guard) call(t *testing.T, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return g.Invoke(ctx, "/cloud.compute.v1.VmService/GetVm", nil, nil)
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{answer: reason(apiv1.Reason_REASON_CLOUD_UNAVAILABLE)}
		g := newGuard(c, Limits{})
		for range tolerated {
			if g.State() != Closed {
				t.Fatal("opened too soon")
			}
			_ = g.call(t, time.Minute)
		}
		err := g.call(t, time.Minute)
		if g.State() != Open || sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE || !errors.Is(err, driverhost.ErrNotSent) {
			t.Fatalf("%s: %v", g.State(), err)
		}
		if v := sdk.ViolationsOf(err); len(v) != 1 || v[0].GetDescription() != "the circuit breaker of account acc is open: its cloud failed 5 times in a row" {
			t.Errorf("the error says %v", v)
		}
		if c.calls != tolerated {
			t.Errorf("%d calls reached the driver", c.calls)
		}
		// Each failed try doubles the pause.
		for _, pause := range []time.Duration{1, 2, 4, 5, 5} {
			time.Sleep(pause*time.Second - time.Millisecond)
			before := c.calls
			if _ = g.call(t, time.Minute); c.calls != before {
				t.Fatalf("tried before %ds", pause)
			}
			time.Sleep(time.Millisecond)
			if _ = g.call(t, time.Minute); c.calls != before+1 {
				t.Fatalf("not tried after %ds", pause)
			}
		}
		c.answer = works
		time.Sleep(longestPause)
		if g.State() != HalfOpen {
			t.Error(g.State())
		}
		for range 3 {
			if err := g.call(t, time.Minute); err != nil || g.State() != Closed {
				t.Errorf("after recovery: %s, %v", g.State(), err)
			}
		}
	})
}

// TestOneTry lets one call of many try a half-open breaker.
func TestOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{answer: hangs}
		g := newGuard(c, Limits{})
		for range tolerated {
			_ = g.call(t, 3*time.Second)
		}
		if g.State() != Open {
			t.Fatal("a cloud that hangs does not open the breaker")
		}
		time.Sleep(firstPause)
		before := c.calls
		for range 10 {
			go func() { _ = g.call(t, 10*time.Second) }()
		}
		synctest.Wait()
		if c.calls != before+1 || g.State() != HalfOpen {
			t.Errorf("%d calls, %s", c.calls-before, g.State())
		}
	})
}

func TestWhatOpensTheBreaker(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(context.Context) error
		limit  time.Duration
		want   State
	}{
		"cloud away":              {reason(apiv1.Reason_REASON_CLOUD_UNAVAILABLE), time.Minute, Open},
		"cloud too slow":          {reason(apiv1.Reason_REASON_CLOUD_TIMEOUT), time.Minute, Open},
		"hangs":                   {hangs, 30 * time.Second, Open},
		"caller in a hurry":       {hangs, 100 * time.Millisecond, Closed},
		"says no":                 {reason(apiv1.Reason_REASON_NOT_FOUND), time.Minute, Closed},
		"throttles":               {reason(apiv1.Reason_REASON_THROTTLED), time.Minute, Closed},
		"driver restarts":         {reason(apiv1.Reason_REASON_DRIVER_UNAVAILABLE), time.Minute, Closed},
		"caller left":             {func(context.Context) error { return context.Canceled }, time.Minute, Closed},
		"internal error of cloud": {reason(apiv1.Reason_REASON_CLOUD_ERROR), time.Minute, Closed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuard(&cloud{answer: tc.answer}, Limits{})
				for range 2 * tolerated {
					_ = g.call(t, tc.limit)
				}
				if g.State() != tc.want {
					t.Errorf("got %s, want %s", g.State(), tc.want)
				}
			})
		})
	}
}

// TestRatesOfServices: a busy service does not use up another's rate.
func TestRatesOfServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(&cloud{answer: works}, Limits{PerSecond: 4, ByService: map[string]int{"compute": 2}})
		call := func(method string) time.Duration {
			began := time.Now()
			if err := g.Invoke(t.Context(), method, nil, nil); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		compute, network := "/cloud.compute.v1.VmService/GetVm", "/cloud.network.v1.NicService/GetNic"
		if call(compute) != 0 || call(compute) != 0 {
			t.Error("two calls in the first second had to wait")
		}
		if waited := call(network); waited != 0 {
			t.Errorf("another service waited %s", waited)
		}
		if waited := call(network) + call(network); waited != time.Second {
			t.Errorf("the fourth and fifth call of all waited %s", waited)
		}
		if waited := call(compute) + call(compute) + call(compute); waited != time.Second {
			t.Errorf("the third call of the service in a second waited %s", waited)
		}
	})
}

func TestReadSettings(t *testing.T) {
	got, problems := Read(map[string]string{"rate_per_second": "10", "rate_burst": "1", "rate_per_second.compute": "5", "region": "x"})
	want := Limits{PerSecond: 10, Burst: 1, ByService: map[string]int{"compute": 5}}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) != 0 {
		t.Error(diff, problems)
	}
	for _, bad := range []string{"0", "-1", "ten", "1.5", "100001", ""} {
		if _, problems := Read(map[string]string{"rate_per_second": bad}); len(problems) != 1 {
			t.Errorf("%q is accepted", bad)
		}
	}
}
