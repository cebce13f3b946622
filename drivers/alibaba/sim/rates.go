package sim

import (
	"path"
	"slices"
	"time"
)

// bucket allows a rate of calls with a burst of one second.
type bucket struct {
	left float64
	at   time.Time
}

// throttled counts a call and tells whether it is one too many.
func (w *world) throttled(f *Faults, uid, action string, now time.Time) bool {
	patterns := make([]string, 0, len(f.Rates))
	for pattern := range f.Rates {
		if ok, _ := path.Match(pattern, action); ok {
			patterns = append(patterns, pattern)
		}
	}
	slices.Sort(patterns)
	for _, pattern := range patterns {
		rate := float64(f.Rates[pattern])
		key := uid + " " + pattern
		b, ok := w.buckets[key]
		if !ok {
			b = &bucket{left: rate, at: now}
			w.buckets[key] = b
		}
		b.left = min(rate, b.left+now.Sub(b.at).Seconds()*rate)
		b.at = now
		if b.left < 1 {
			return true
		}
		b.left--
	}
	return false
}
