package rest

import (
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

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
