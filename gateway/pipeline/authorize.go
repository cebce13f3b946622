package pipeline

import (
	"context"

	"google.golang.org/protobuf/proto"
)

// Permitter decides whether a principal has a permission. It refuses with
// PERMISSION_DENIED or PRINCIPAL_DISABLED.
type Permitter interface {
	Permit(p Principal, permission string) error
}

// Authorize refuses calls for whose rpc, or for whose guarded fields, the principal
// has no permission.
func Authorize(permitter Permitter) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			if !call.Method.Public {
				if err := permitter.Permit(call.Principal, call.Method.Permission); err != nil {
					return nil, err
				}
			}
			for _, guarded := range call.Method.Guarded {
				if !call.Request.ProtoReflect().Has(guarded.Field) {
					continue
				}
				if err := permitter.Permit(call.Principal, guarded.Permission); err != nil {
					return nil, err
				}
			}
			return next(ctx, call)
		}
	}
}
