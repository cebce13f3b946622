package pace_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := pace.NewLimiter(10, 3, time.Minute)
		for i, want := range []time.Duration{0, 0, 0, 100, 200, 300} {
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != want*time.Millisecond {
				t.Errorf("request %d after %v, want %v", i, got, want*time.Millisecond)
			}
		}
		time.Sleep(time.Hour)
		start = time.Now()
		l.Hold(2 * time.Second)
		if err := l.Wait(t.Context()); err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("held: %v, %v", time.Since(start), err)
		}
	})
}

func TestLimiterRefusesWhatWouldWaitTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := pace.NewLimiter(1, 1, 5*time.Second)
		l.Hold(time.Hour)
		err := l.Wait(t.Context())
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || sdk.RetryAfterOf(err) != time.Hour {
			t.Errorf("longest wait: %v", err)
		}
		l = pace.NewLimiter(1, 1, time.Minute)
		l.Hold(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := l.Wait(ctx); sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || time.Since(start) != 0 {
			t.Errorf("deadline: %v after %v", err, time.Since(start))
		}
		if err := l.Wait(t.Context()); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("the turn of a refused call was kept: %v, %v", time.Since(start), err)
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	throttled := func(after time.Duration) error {
		return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(after))
	}
	unavailable := sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.RetryAfter(time.Second))
	for name, tc := range map[string]struct {
		retry  pace.Retry
		errs   []error // of the attempts, the last one again and again
		calls  int
		took   time.Duration
		failed bool
	}{
		"at once":                  {pace.Retry{}, []error{nil}, 1, 0, false},
		"as long as asked":         {pace.Retry{}, []error{throttled(3 * time.Second), nil}, 2, 3 * time.Second, false},
		"longer each time":         {pace.Retry{}, []error{throttled(0), throttled(0), nil}, 3, 1500 * time.Millisecond, false},
		"not for ever":             {pace.Retry{Attempts: 3}, []error{throttled(time.Second)}, 3, 2 * time.Second, true},
		"too long to wait":         {pace.Retry{}, []error{throttled(time.Hour)}, 1, 0, true},
		"past the deadline":        {pace.Retry{MaxWait: time.Hour}, []error{throttled(11 * time.Minute)}, 1, 0, true},
		"perhaps done":             {pace.Retry{}, []error{unavailable, nil}, 1, 0, true},
		"a read":                   {pace.Retry{Unavailable: true}, []error{unavailable, nil}, 2, time.Second, false},
		"another error":            {pace.Retry{}, []error{errors.New("oops"), nil}, 1, 0, true},
		"the limiter is held too":  {pace.Retry{Limiter: pace.NewLimiter(10, 1, time.Minute)}, []error{throttled(3 * time.Second), nil}, 2, 3 * time.Second, false},
		"the limiter has no place": {pace.Retry{Limiter: pace.NewLimiter(0.0001, 1, time.Second)}, []error{throttled(time.Second)}, 1, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				start, calls := time.Now(), 0
				err := tc.retry.Do(ctx, func(context.Context) error {
					calls++
					return tc.errs[min(calls, len(tc.errs))-1]
				})
				if calls != tc.calls || time.Since(start) != tc.took || (err != nil) != tc.failed {
					t.Errorf("%d calls in %v: %v; want %d in %v", calls, time.Since(start), err, tc.calls, tc.took)
				}
			})
		})
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status     int
		retryAfter string
		method     string
		timeout    time.Duration
		want       int32 // requests that reach the cloud, whose second succeeds
	}{
		"throttled":                 {http.StatusTooManyRequests, "1", http.MethodPost, 30 * time.Second, 2},
		"unavailable":               {http.StatusServiceUnavailable, "1", http.MethodGet, 30 * time.Second, 2},
		"perhaps done":              {http.StatusServiceUnavailable, "1", http.MethodPost, 30 * time.Second, 1},
		"unavailable, not told":     {http.StatusServiceUnavailable, "", http.MethodGet, 30 * time.Second, 1},
		"beyond the deadline":       {http.StatusTooManyRequests, "10", http.MethodGet, 5 * time.Second, 1},
		"beyond what is waited":     {http.StatusTooManyRequests, "3600", http.MethodGet, 30 * time.Second, 1},
		"another fault":             {http.StatusInternalServerError, "1", http.MethodGet, 30 * time.Second, 1},
		"a date that has gone":      {http.StatusTooManyRequests, "Mon, 02 Jan 2006 15:04:05 GMT", http.MethodGet, 30 * time.Second, 1},
		"something that is no time": {http.StatusTooManyRequests, "soon", http.MethodGet, 30 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int32
			cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method == http.MethodPost && string(body) != "hello" {
					t.Errorf("body: %q", body)
				}
				if count.Add(1) == 1 {
					w.Header().Set("Retry-After", tc.retryAfter)
					w.WriteHeader(tc.status)
				}
			}))
			defer cloud.Close()
			ctx, cancel := context.WithTimeout(t.Context(), tc.timeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, tc.method, cloud.URL, strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := pace.Transport{Base: http.DefaultTransport}.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := count.Load(); got != tc.want {
				t.Errorf("%d requests, want %d", got, tc.want)
			}
		})
	}
}

// Requests of one account are spaced out, and repeated as the cloud asks.
func ExampleRetry_Do() {
	api := pace.NewLimiter(50, 10, 20*time.Second)
	attempts := 0
	err := pace.Retry{Limiter: api}.Do(context.Background(), func(context.Context) error {
		attempts++
		if attempts == 1 { // what the driver makes of "429, Retry-After: …"
			return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(time.Millisecond))
		}
		return nil
	})
	fmt.Println(attempts, err)
	// Output: 2 <nil>
}

// A cloud that speaks HTTP and sends Retry-After needs only the transport.
func ExampleTransport() {
	client := http.Client{Transport: pace.Transport{
		Base:  http.DefaultTransport,
		Retry: pace.Retry{Limiter: pace.NewLimiter(50, 10, 20*time.Second)},
	}}
	fmt.Println(client.Transport != nil)
	// Output: true
}
