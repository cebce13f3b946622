package kind

import (
	"context"

	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Refusal is what a refusal of a call about a resource means. The cloud's wrong
// state does not tell whether waiting helps, so that the resource is read once:
// RESOURCE_BUSY while it is changing, else INVALID_STATE.
func (k Kind[T]) Refusal(ctx context.Context, caller api.Caller, err error, id string, changing func(*T) bool) error {
	if _, done := status.FromError(err); done || !api.IsWrongState(err) {
		return api.Error(err, k.Type, id)
	}
	v, readErr := k.Get(ctx, caller, id)
	if readErr != nil {
		return api.Error(err, k.Type, id)
	}
	return api.WrongState(err, k.Type, id, changing(v))
}

// AsReference turns the NOT_FOUND of something that a request refers to into
// REFERENCE_NOT_FOUND of the field that names it.
func AsReference(err error, field string) error {
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		return err
	}
	info := sdk.InfoOf(err)
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND,
		sdk.Resource(info["resource"], info["native_id"]), sdk.Field(field), sdk.Cause(err))
}
