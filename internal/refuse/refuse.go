// Package refuse makes the errors of the contract for modules, which may not
// import the SDK of drivers.
package refuse

import (
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// With refuses a request because of one of its fields, in words fit for the client.
func With(reason apiv1.Reason, field, description string) error {
	return sdk.NewError(reason, sdk.Violation(field, description))
}

// Invalid refuses a field's value.
func Invalid(field, description string) error {
	return With(apiv1.Reason_REASON_VALIDATION_FAILED, field, description)
}

// At makes of the refusal of a request in a document one of the document: of each field
// place names where in the document it is. Errors that are no refusals stay as they are.
func At(err error, place func(field string) string) error {
	violations := sdk.ViolationsOf(err)
	if len(violations) == 0 {
		return err
	}
	options := make([]sdk.ErrorOption, 0, len(violations))
	for _, v := range violations {
		options = append(options, sdk.Violation(place(v.GetField()), v.GetField()+": "+v.GetDescription()))
	}
	return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, options...)
}

// NotFound tells that what a field names is not there, or another's.
func NotFound(field, what string) error {
	return With(apiv1.Reason_REASON_NOT_FOUND, field, "there is no such "+what)
}

// PageToken refuses a page token.
func PageToken() error {
	return With(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "page_token", "is none of ours")
}

// Unavailable tells that the same request may succeed after a while; the cause is
// for the log.
func Unavailable(after time.Duration, cause error) error {
	return sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.RetryAfter(after), sdk.Cause(cause))
}
