package sdk

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Token derives the idempotency token of one step of the request, for clouds
// that take a client token and for markers. Step is empty for the first thing
// that a request makes.
func (c Call) Token(step string) string { return Token(c.RequestID, step) }

// Repeated tells whether the call may have reached the cloud before, so that a
// creating call must look for its marker first.
func (c Call) Repeated() bool { return c.Attempt > 1 }

// Limits of Began: how long after a request its last repeat may come, and how
// far the cloud's clock may be behind ours.
const (
	longestRequest = 10 * time.Minute
	clockSkew      = 30 * time.Second
)

// Began is when the request was made, by the cloud's clock at the earliest: the
// time inside a request id that is a UUID of version 7, or else as long before
// now as a request may at most be repeated. A driver that cannot mark what a
// call does compares the cloud's own times with it.
func (c Call) Began(now time.Time) time.Time {
	raw, err := hex.DecodeString(strings.ReplaceAll(c.RequestID, "-", ""))
	if err != nil || len(raw) != 16 || raw[6]>>4 != 7 {
		return now.Add(-longestRequest)
	}
	millis := int64(raw[0])<<40 | int64(raw[1])<<32 | int64(raw[2])<<24 | int64(raw[3])<<16 | int64(raw[4])<<8 | int64(raw[5])
	return time.UnixMilli(millis).Add(-clockSkew)
}

// Marked makes a resource once at a cloud without client tokens. The marker is a
// tag, a key of metadata or a part of a description that holds Call.Token; it is
// set in the creating call, never by a second one.
type Marked[T any] struct {
	// Find returns all resources that have the marker and are not being deleted.
	Find func(ctx context.Context) ([]T, error)
	// Create makes the resource with its marker.
	Create func(ctx context.Context) (T, error)
	// Compare orders resources by age, the oldest first: negative where a is
	// older. All who look must find the same order. Nil: as Find returns them.
	Compare func(a, b T) int
	// Remove deletes a twin, which only attempts that overlapped in different
	// processes can make; absent is success. Nil: twins stay.
	Remove func(ctx context.Context, twin T) error
}

// FindOrCreate makes the resource, or, in a repeat of the request, returns the
// one that an earlier attempt made: of several the oldest, and the others are
// removed. Creates with one request id that come at the same time to one process
// are served one after the other, see NewServer. Errors: those of the functions.
func (m Marked[T]) FindOrCreate(ctx context.Context) (T, error) {
	if CallFrom(ctx).Repeated() {
		v, found, err := m.Made(ctx)
		if err != nil || found {
			return v, err
		}
	}
	return m.Create(ctx)
}

// Made returns what the attempts of the request made, if anything, and removes
// twins as FindOrCreate does: for an undo, which has to take it away again.
func (m Marked[T]) Made(ctx context.Context) (v T, found bool, err error) {
	all, err := m.Find(ctx)
	if err != nil || len(all) == 0 {
		return v, false, err
	}
	if m.Compare != nil {
		slices.SortStableFunc(all, m.Compare)
	}
	if m.Remove != nil {
		for _, twin := range all[1:] {
			if err := m.Remove(ctx, twin); err != nil {
				return v, false, err
			}
		}
	}
	return all[0], true, nil
}
