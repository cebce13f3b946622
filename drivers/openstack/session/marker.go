package session

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// MarkerPrefix begins every tag that marks what a request has made.
const MarkerPrefix = "yqreq-"

// MetadataKey is the key of the marker where the cloud holds metadata, not tags.
const MetadataKey = "yunqiao-request"

// ReservedPrefix begins the tags and metadata keys that are ours; users neither
// see nor set them.
const ReservedPrefix = "yunqiao-"

// Marker is the tag set in a creating call and searched for before a repeat. It
// is the same for every attempt of one request and differs between its steps;
// step is empty for the first object that a request makes.
func Marker(ctx context.Context, step string) string {
	return MarkerPrefix + Token(ctx, step)
}

// Token is the marker without prefix: 26 characters of [a-z2-7].
func Token(ctx context.Context, step string) string {
	return sdk.Token(sdk.CallFrom(ctx).RequestID, step)
}

// Repeated tells whether the call may have reached the cloud before, so that a
// creating call must look for its marker first.
func Repeated(ctx context.Context) bool {
	return sdk.CallFrom(ctx).Attempt > 1
}

// IsReserved tells whether a tag or metadata key is ours and not the user's.
func IsReserved(key string) bool {
	return strings.HasPrefix(key, ReservedPrefix) || strings.HasPrefix(key, MarkerPrefix)
}

// Limits of Began: how long after a request its last repeat may come, and how
// far the cloud's clock may be behind ours.
const (
	longestRequest = 10 * time.Minute
	clockSkew      = 30 * time.Second
)

// Began is when the request was made, by the cloud's clock at the earliest: the
// time inside a request id that is a UUID of version 7, or else as long before
// now as a request may at most be repeated.
func Began(ctx context.Context, now time.Time) time.Time {
	digits := strings.ReplaceAll(sdk.CallFrom(ctx).RequestID, "-", "")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != 16 || raw[6]>>4 != 7 {
		return now.Add(-longestRequest)
	}
	millis := int64(raw[0])<<40 | int64(raw[1])<<32 | int64(raw[2])<<24 | int64(raw[3])<<16 | int64(raw[4])<<8 | int64(raw[5])
	return time.UnixMilli(millis).Add(-clockSkew)
}
