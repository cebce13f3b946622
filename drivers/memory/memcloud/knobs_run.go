package memcloud

import (
	"context"
	"math/rand/v2"
	"path"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const defaultRequestTimeoutSeconds = 60

// knobSet is knobs at work: with what their rules have counted so far.
type knobSet struct {
	Knobs
	mu       sync.Mutex // guards what follows
	random   *rand.Rand
	errors   []int
	failures []int
	windows  []window
}

// window counts the calls of one second.
type window struct {
	second int64
	calls  int
}

// SetKnobs replaces the knobs; rules begin to count anew.
func (c *Cloud) SetKnobs(k Knobs) error {
	if err := k.validate(); err != nil {
		return err
	}
	c.knobs.Store(&knobSet{
		Knobs:    k,
		random:   rand.New(rand.NewPCG(k.Seed, 0)),
		errors:   make([]int, len(k.Errors)),
		failures: make([]int, len(k.Failures)),
		windows:  make([]window, len(k.Throttle)),
	})
	return nil
}

// Knobs are the knobs as set last.
func (c *Cloud) Knobs() Knobs { return c.knobs.Load().Knobs }

func matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func (k *knobSet) latency(method string) LatencyRule {
	for _, r := range k.Latency {
		if matches(r.Method, method) {
			return r
		}
	}
	return LatencyRule{}
}

func (k *knobSet) failure(method string) *ErrorRule {
	if len(k.Errors) == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.Errors {
		r := &k.Errors[i]
		if matches(r.Method, method) && k.strikes(&k.errors[i], r.Count, r.Probability) {
			return r
		}
	}
	return nil
}

// fate is the reason of the error that a new resource will end in; empty: none.
func (k *knobSet) fate(kind kind, name string) string {
	if len(k.Failures) == 0 {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, r := range k.Failures {
		if r.Kind == string(kind) && matches(r.Name, name) && k.strikes(&k.failures[i], r.Count, r.Probability) {
			if r.Reason == "" {
				return reasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
			}
			return r.Reason
		}
	}
	return ""
}

func (k *knobSet) strikes(done *int, count int, probability float64) bool {
	if count > 0 && *done >= count {
		return false
	}
	if probability > 0 && k.random.Float64() >= probability {
		return false
	}
	*done++
	return true
}

func (k *knobSet) throttled(method string, now time.Time) error {
	if len(k.Throttle) == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, r := range k.Throttle {
		if !matches(r.Method, method) {
			continue
		}
		w := &k.windows[i]
		if w.second != now.Unix() {
			*w = window{second: now.Unix()}
		}
		w.calls++
		if w.calls > r.CallsPerSecond {
			next := now.Truncate(time.Second).Add(time.Second)
			return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(next.Sub(now)))
		}
	}
	return nil
}

func (k *knobSet) scaled(d time.Duration) time.Duration {
	if k.StateDelayScale == 0 {
		return d
	}
	return time.Duration(float64(d) * k.StateDelayScale)
}

func (k *knobSet) markerDelay() time.Duration {
	if k.ClientTokens {
		return 0
	}
	return time.Duration(k.MarkerDelayMillis) * time.Millisecond
}

func (r *ErrorRule) err() error {
	opts := []sdk.ErrorOption{}
	if r.RetryAfterMillis > 0 {
		opts = append(opts, sdk.RetryAfter(time.Duration(r.RetryAfterMillis)*time.Millisecond))
	}
	if r.Resource != "" {
		opts = append(opts, sdk.Resource(r.Resource, ""))
	}
	return sdk.NewError(apiv1.Reason(apiv1.Reason_value["REASON_"+r.Reason]), opts...)
}

func reasonName(r apiv1.Reason) string {
	const prefix = "REASON_"
	return r.String()[len(prefix):]
}

func pause(ctx context.Context, millis int) error {
	if millis <= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
