package pipeline

import (
	"context"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// storeRetry is when a client is told to come back while the store is away.
const storeRetry = 2 * time.Second

// StoreFaults answers UNAVAILABLE, which may be tried again, where a call failed
// because the store could not do its work now. Errors that are worded already pass.
func StoreFaults(away func(error) bool) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			if err == nil {
				return answer, nil
			}
			if _, worded := status.FromError(err); !worded && away(err) {
				err = sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.RetryAfter(storeRetry), sdk.Cause(err))
			}
			return nil, err
		}
	}
}
