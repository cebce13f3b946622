package limit

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// most counts the arrivals of the busiest second.
func most(arrivals []time.Time) int {
	slices.SortFunc(arrivals, time.Time.Compare)
	busiest, first := 0, 0
	for i, at := range arrivals {
		for at.Sub(arrivals[first]) >= time.Second {
			first++
		}
		busiest = max(busiest, i-first+1)
	}
	return busiest
}

// TestNeverOneTooMany lets 64 callers hammer; a call reaches the cloud at any time
// between its start and its answer.
func TestNeverOneTooMany(t *testing.T) {
	for name, tc := range map[string]struct {
		n, burst int
		latency  time.Duration
	}{
		"ten a second":         {10, 0, 20 * time.Millisecond},
		"one at a time":        {10, 1, 20 * time.Millisecond},
		"slow cloud":           {10, 0, 240 * time.Millisecond},
		"one a second":         {1, 0, 50 * time.Millisecond},
		"hundred, burst of 20": {100, 20, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRate(tc.n, tc.burst)
				var mu sync.Mutex
				var arrivals []time.Time
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				began := time.Now()
				var callers sync.WaitGroup
				for range 64 {
					callers.Go(func() {
						for {
							done, err := r.Enter(ctx)
							if err != nil {
								return
							}
							latency := rand.N(tc.latency) + time.Millisecond
							there := rand.N(latency)
							time.Sleep(there)
							mu.Lock()
							arrivals = append(arrivals, time.Now())
							mu.Unlock()
							time.Sleep(latency - there)
							done()
						}
					})
				}
				callers.Wait()
				if got := most(arrivals); got > tc.n {
					t.Errorf("%d calls in one second, allowed are %d", got, tc.n)
				}
				rate := float64(len(arrivals)) / time.Since(began).Seconds()
				if least := float64(tc.n) / (1.05 + tc.latency.Seconds()); rate < least {
					t.Errorf("%.2f calls a second, want at least %.2f of %d", rate, least, tc.n)
				}
				if tc.burst != 1 {
					return
				}
				for i := 1; i < len(arrivals); i++ {
					if gap := arrivals[i].Sub(arrivals[i-1]); gap < time.Second/time.Duration(tc.n)-tc.latency {
						t.Fatalf("two calls within %s", gap)
					}
				}
			})
		})
	}
}

// TestHangingCalls do not keep others out for longer than they can take to arrive.
func TestHangingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(2, 0)
		for range 2 {
			if _, err := r.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if _, err := r.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != time.Second+transit {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestNoPlaceInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(1, 0)
		if _, err := r.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := r.Enter(ctx)
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || !errors.Is(err, driverhost.ErrNotSent) || sdk.RetryAfterOf(err) < time.Second {
			t.Errorf("got %v, retry after %s", err, sdk.RetryAfterOf(err))
		}
		if waited := time.Since(began); waited != 300*time.Millisecond {
			t.Errorf("waited %s", waited)
		}
		// With many before it, a caller need not wait to know.
		var callers sync.WaitGroup
		long, stop := context.WithCancel(t.Context())
		for range 50 {
			callers.Go(func() { _, _ = r.Enter(long) })
		}
		synctest.Wait()
		began = time.Now()
		short, cancelShort := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancelShort()
		if _, err := r.Enter(short); sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || time.Since(began) != 0 {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		stop()
		callers.Wait()
	})
}
