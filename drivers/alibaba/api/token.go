package api

import (
	"context"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// MarkerTag is the tag that marks what a request has made where the action
	// takes tags but no ClientToken.
	MarkerTag = "yunqiao-request"
	// ReservedPrefix begins the keys of tags that are ours; users neither see nor
	// set them.
	ReservedPrefix = "yunqiao-"

	clientToken = "ClientToken"
	markerBegin = " [yq:"
	markerEnd   = "]"
)

// Token is what identifies the step of a request at the cloud: 26 characters
// of [a-z2-7], the same for every attempt. step is empty for the first thing
// that a request makes.
func Token(ctx context.Context, step string) string {
	return sdk.Token(sdk.CallFrom(ctx).RequestID, step)
}

// Once adds the ClientToken of this step of the request: the cloud then does the
// action once, however often it is sent, and answers a repeat like the first.
func (p Params) Once(ctx context.Context, step string) Params {
	return p.Set(clientToken, Token(ctx, step))
}

// Repeated tells whether an earlier attempt of this request may have reached the
// cloud, so that a create without ClientToken must look for its marker first.
func Repeated(ctx context.Context) bool { return sdk.CallFrom(ctx).Attempt > 1 }

// IsReserved tells whether a tag is ours, or the cloud's own, and not the user's.
func IsReserved(key string) bool {
	return strings.HasPrefix(key, ReservedPrefix) || strings.HasPrefix(key, "acs:") || strings.HasPrefix(key, "aliyun")
}

// WithMarker ends a description with the marker of this step, for things that
// take neither ClientToken nor tags.
func WithMarker(ctx context.Context, step, description string) string {
	return description + markerBegin + Token(ctx, step) + markerEnd
}

// HasMarker tells whether a description was made by WithMarker for this step.
func HasMarker(ctx context.Context, step, description string) bool {
	return strings.HasSuffix(description, markerBegin+Token(ctx, step)+markerEnd)
}

// CutMarker is the description without the marker of whichever request made it.
func CutMarker(description string) string {
	at := strings.LastIndex(description, markerBegin)
	if at < 0 || !strings.HasSuffix(description, markerEnd) {
		return description
	}
	return description[:at]
}
