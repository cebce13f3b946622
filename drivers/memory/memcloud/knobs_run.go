package memcloud

import (
	"context"
	"math/rand/v2"
	"path"
	"slices"
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
	errors   []struck
	failures []struck
	passed   [][]time.Time // of each throttle, the calls of the last second
}

// struck counts for a rule the calls that it let pass first, and those that it hit.
type struck struct{ skipped, hit int }

// SetKnobs replaces the knobs; rules begin to count anew.
func (c *Cloud) SetKnobs(k Knobs) error {
	if err := k.validate(); err != nil {
		return err
	}
	c.knobs.Store(&knobSet{
		Knobs:    k,
		random:   rand.New(rand.NewPCG(k.Seed, 0)),
		errors:   make([]struck, len(k.Errors)),
		failures: make([]struck, len(k.Failures)),
		passed:   make([][]time.Time, len(k.Throttle)),
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

func (k *knobSet) failure(method, step string) *ErrorRule {
	if len(k.Errors) == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.Errors {
		r := &k.Errors[i]
		if matches(r.Method, method) && matches(r.Step, step) && k.strikes(&k.errors[i], r.Skip, r.Count, r.Probability) {
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
		if r.Kind == string(kind) && matches(r.Name, name) && k.strikes(&k.failures[i], 0, r.Count, r.Probability) {
			if r.Reason == "" {
				return reasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
			}
			return r.Reason
		}
	}
	return ""
}

func (k *knobSet) strikes(s *struck, skip, count int, probability float64) bool {
	if s.skipped < skip {
		s.skipped++
		return false
	}
	if count > 0 && s.hit >= count {
		return false
	}
	if probability > 0 && k.random.Float64() >= probability {
		return false
	}
	s.hit++
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
		recent := slices.DeleteFunc(k.passed[i], func(at time.Time) bool { return now.Sub(at) >= time.Second })
		if len(recent) >= r.CallsPerSecond {
			k.passed[i] = recent
			return sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(recent[0].Add(time.Second).Sub(now)))
		}
		k.passed[i] = append(recent, now)
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
