package pipeline

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Modules sends the rpcs that modules serve to them, and all others on.
func Modules(conn grpc.ClientConnInterface) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			if !call.Method.Module {
				return next(ctx, call)
			}
			answer := call.Method.Output.New().Interface()
			return answer, conn.Invoke(WithCall(ctx, call), call.Method.Path, call.Request, answer)
		}
	}
}

type callKey struct{}

// WithCall lets a module see who calls it.
func WithCall(ctx context.Context, call *Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// CallFrom is the module's side of WithCall; it is nil outside of a call.
func CallFrom(ctx context.Context) *Call {
	call, _ := ctx.Value(callKey{}).(*Call)
	return call
}
