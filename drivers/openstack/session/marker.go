package session

import (
	"context"
	"strings"

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
	return MarkerPrefix + sdk.CallFrom(ctx).Token(step)
}

// IsReserved tells whether a tag or metadata key is ours and not the user's.
func IsReserved(key string) bool {
	return strings.HasPrefix(key, ReservedPrefix) || strings.HasPrefix(key, MarkerPrefix)
}
