package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Keys of the metadata between gateway and driver.
const (
	keyRequestID         = "request-id"
	keyAccountID         = "account-id"
	keyAttempt           = "attempt"
	keyNextStep          = "next-step"
	keyUndo              = "undo"
	keyTraceparent       = "traceparent"
	keyPollAfterSeconds  = "poll-after-seconds"
	keyProviderRequestID = "provider-request-id"
)

// Call is what the gateway tells beside the message of a call.
type Call struct {
	RequestID string // same for all repeats of one request
	AccountID string // the account to work in
	Attempt   int    // 1 for the first
	NextStep  string // what SetNextStep gave for this request before; empty at first
	Undo      bool   // remove what the steps of this request made
	// Traceparent is the W3C trace context, to be passed on to the cloud; empty:
	// none. The caller's side sets it in the metadata itself.
	Traceparent string
}

// CallFrom reads the metadata of the call being served. What is absent is zero,
// but Attempt is at least 1.
func CallFrom(ctx context.Context) Call {
	md, _ := metadata.FromIncomingContext(ctx)
	attempt, err := strconv.Atoi(first(md, keyAttempt))
	if err != nil || attempt < 1 {
		attempt = 1
	}
	return Call{
		RequestID: first(md, keyRequestID),
		AccountID: first(md, keyAccountID),
		Attempt:   attempt,
		NextStep:  first(md, keyNextStep),
		Undo:      first(md, keyUndo) == "1",

		Traceparent: first(md, keyTraceparent),
	}
}

// WithCall is the caller's side of CallFrom: calls made with the context carry
// call. It replaces a Call that ctx carried before.
func WithCall(ctx context.Context, call Call) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx) // a copy
	if !ok {
		md = metadata.MD{}
	}
	setOrDelete(md, keyRequestID, call.RequestID)
	setOrDelete(md, keyAccountID, call.AccountID)
	setOrDelete(md, keyNextStep, call.NextStep)
	md.Set(keyAttempt, strconv.Itoa(max(call.Attempt, 1)))
	undo := ""
	if call.Undo {
		undo = "1"
	}
	setOrDelete(md, keyUndo, undo)
	return metadata.NewOutgoingContext(ctx, md)
}

// Trailer is what a driver tells beside the answer of a call.
type Trailer struct {
	NextStep           string        // not empty: repeat the same rpc with it
	PollAfter          time.Duration // when to repeat or to look again; 0: not told
	ProviderRequestIDs []string      // the cloud's own, in call order
}

// TrailerFrom is the caller's side of SetNextStep and AddProviderRequestID.
func TrailerFrom(md metadata.MD) Trailer {
	seconds, err := strconv.Atoi(first(md, keyPollAfterSeconds))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	return Trailer{
		NextStep:           first(md, keyNextStep),
		PollAfter:          time.Duration(seconds) * time.Second,
		ProviderRequestIDs: md.Get(keyProviderRequestID),
	}
}

// Token derives the idempotency token to send to the cloud from the request id
// and the name of the step: 26 characters, a-z and 2-7. Equal arguments give
// equal tokens, so a repeat is recognised.
func Token(requestID, step string) string {
	sum := sha256.Sum256([]byte(requestID + step))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}

// SetNextStep tells the gateway that the work goes on: it repeats the same rpc
// with step in Call.NextStep after pollAfter (rounded up to whole seconds; 0
// leaves the time to the gateway). Step is printable ASCII, at most 1 KiB. With
// an empty step only the time is told.
func SetNextStep(ctx context.Context, step string, pollAfter time.Duration) {
	md := metadata.MD{}
	setOrDelete(md, keyNextStep, step)
	if pollAfter > 0 {
		seconds := (pollAfter + time.Second - 1) / time.Second
		md.Set(keyPollAfterSeconds, strconv.FormatInt(int64(seconds), 10))
	}
	setTrailer(ctx, md)
}

// AddProviderRequestID tells the cloud's own id of a request made for this
// call. May be called several times; empty ids are left out.
func AddProviderRequestID(ctx context.Context, id string) {
	if id != "" {
		setTrailer(ctx, metadata.Pairs(keyProviderRequestID, id))
	}
}

// setTrailer has nobody to tell when the method was called without a server.
func setTrailer(ctx context.Context, md metadata.MD) { _ = grpc.SetTrailer(ctx, md) }

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func setOrDelete(md metadata.MD, key, value string) {
	if value == "" {
		md.Delete(key)
		return
	}
	md.Set(key, value)
}
