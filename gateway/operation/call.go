package operation

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// call makes the operation's rpc once, with all that makes it repeatable. Attempt
// is 1 only if no call before can have reached the cloud.
func (t *task) call(ctx context.Context, acc *account.Account, attempt int32) (proto.Message, sdk.Trailer, error) {
	if acc.Conn == nil {
		return nil, sdk.Trailer{}, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE)
	}
	ctx, cancel := context.WithTimeout(ctx, t.engine.opts.CallTimeout)
	defer cancel()
	ctx = sdk.WithCall(ctx, sdk.Call{
		RequestID: t.row.RequestID, AccountID: acc.ID, Attempt: int(attempt), NextStep: t.row.NextStep, Undo: t.row.Undo,
	})
	answer := t.method.Output.New().Interface()
	var trailer metadata.MD
	begin := t.engine.now()
	err := acc.Conn.Invoke(ctx, t.method.Path, withoutChains(t.request), answer, grpc.Trailer(&trailer))
	t.remember(begin, attempt, err, sdk.TrailerFrom(trailer))
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		// The account exists here; the driver has not opened it again yet.
		err = sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Cause(fmt.Errorf("%w: %w", errNotOpen, err)))
	}
	return answer, sdk.TrailerFrom(trailer), err
}

// errNotOpen says that a driver does not know the account yet, so nothing was done.
var errNotOpen = errors.New("the account is not open at its driver")

// get reads the resource that the operation acts on.
func (t *task) get(ctx context.Context, acc *account.Account, getter *contract.Method, native string) (proto.Message, sdk.Trailer, error) {
	if acc.Conn == nil {
		return nil, sdk.Trailer{}, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE)
	}
	ctx, cancel := context.WithTimeout(ctx, t.engine.opts.CallTimeout)
	defer cancel()
	ctx = sdk.WithCall(ctx, sdk.Call{RequestID: t.row.RequestID, AccountID: acc.ID})
	request := getter.Input.New()
	setString(request, request.Descriptor().Fields().ByName("id"), native)
	answer := getter.Output.New().Interface()
	var trailer metadata.MD
	err := acc.Conn.Invoke(ctx, getter.Path, request.Interface(), answer, grpc.Trailer(&trailer))
	return answer, sdk.TrailerFrom(trailer), err
}
