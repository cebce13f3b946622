package pipeline

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Principal is who makes a call, as authentication found out.
type Principal struct {
	UserID     string // empty: nobody (public routes)
	UserName   string
	TenantID   string // organization on whose behalf the call is made
	Credential string // "token", or "key:" and the id of an access key
	TokenHash  []byte // of the token, if the call is made with one
}

// Quota is a limit on what organizations own together.
type Quota struct {
	TenantIDs    []string
	ResourceType string
	AccountID    string // empty: in all accounts
	Limit        int
	Making       int // how many the call makes
}

// Call is one request on its way. Middleware may replace Request; it never
// changes the message it points to.
type Call struct {
	Method    *contract.Method
	Request   proto.Message       // ids as the client wrote them
	Options   *apiv1.WriteOptions // never nil; zero for reads
	Principal Principal
	RequestID string // of the HTTP request
	Language  Language
	ClientIP  string
	// Before is what the call changes, as it was, and After as it is then where the
	// answer does not say it; for the record of calls, where they are known.
	Before, After proto.Message
}

// Handler runs a call to its answer.
type Handler func(ctx context.Context, call *Call) (proto.Message, error)

// Middleware wraps a Handler.
type Middleware func(Handler) Handler

// Chain puts middleware around a handler; the first is outermost.
func Chain(h Handler, middleware ...Middleware) Handler {
	for i := len(middleware) - 1; i >= 0; i-- {
		h = middleware[i](h)
	}
	return h
}

// Language of the sentences in an answer.
type Language int

// The languages of the product.
const (
	Chinese Language = iota
	English
)

type requestIDKey struct{}

// WithRequestID puts the id of the HTTP request into the context, for logs and drivers.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID reads what WithRequestID put in, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
