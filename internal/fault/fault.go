// Package fault turns the gRPC statuses that drivers and modules return into the
// error that a client sees, and into the fuller one that the log sees.
//
// It owns reading and wording; sdk.NewError makes the statuses.
package fault

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Fault is a decoded error status.
type Fault struct {
	Reason       apiv1.Reason
	Violations   []*apiv1.Violation
	RetrySeconds int32
	Metadata     map[string]string // of ErrorInfo: field, resource, native_id, feature, provider_code, …
	ProviderText string            // the cloud's own words: for the log only
	AccountID    string            // the account that a driver's ids are of
	OperationID  string            // the operation that the error belongs to
}

// annotated is an error with what the gateway knows beside it.
type annotated struct {
	error
	accountID, operationID string
}

func (a *annotated) Unwrap() error { return a.error }

// InAccount says which account's driver an error came from, so that the native
// ids in it can be shown as public ones.
func InAccount(err error, accountID string) error {
	if err == nil {
		return nil
	}
	return &annotated{error: err, accountID: accountID}
}

// InOperation says which operation an error ended.
func InOperation(err error, operationID string) error {
	if err == nil {
		return nil
	}
	return &annotated{error: err, operationID: operationID}
}

// remembered is an error read back from the store.
type remembered struct{ client *apiv1.Error }

func (r *remembered) Error() string { return sdk.ReasonName(apiv1.Reason(r.client.GetCode())) }

// Unwrap gives the status, for those who only ask for the reason.
func (r *remembered) Unwrap() error { return sdk.NewError(apiv1.Reason(r.client.GetCode())) }

// Remember makes the error again that Client made e of.
func Remember(e *apiv1.Error) error { return &remembered{e} }

// Decode reads any error. A status that is none of ours is worded by its gRPC code;
// an error that is no status at all was made in this process and is INTERNAL. The
// text of both is for the log only.
func Decode(err error) Fault {
	var f Fault
	if r, ok := errors.AsType[*remembered](err); ok {
		f = r.fault()
	} else {
		f = Fault{
			Reason:       reasonOf(err),
			Violations:   sdk.ViolationsOf(err),
			RetrySeconds: int32((sdk.RetryAfterOf(err).Milliseconds() + 999) / 1000),
			Metadata:     sdk.InfoOf(err),
			ProviderText: sdk.FaultText(err),
		}
	}
	for current := err; current != nil; current = errors.Unwrap(current) {
		if a, ok := current.(*annotated); ok { //nolint:errorlint // every layer is looked at
			f.AccountID = cmp.Or(f.AccountID, a.accountID)
			f.OperationID = cmp.Or(f.OperationID, a.operationID)
		}
	}
	return f
}

func reasonOf(err error) apiv1.Reason {
	_, isStatus := status.FromError(err)
	if isStatus || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return sdk.ReasonOf(err)
	}
	return apiv1.Reason_REASON_INTERNAL
}

func (r *remembered) fault() Fault {
	return Fault{
		Reason:       apiv1.Reason(r.client.GetCode()),
		Violations:   r.client.GetViolations(),
		RetrySeconds: r.client.GetRetryAfterSeconds(),
		OperationID:  r.client.GetOperationId(),
		Metadata: map[string]string{
			"provider_request_id": r.client.GetProviderRequestId(),
			"cause_reason":        r.client.GetCauseReason(),
		},
	}
}

// Client words the fault for a client: nothing of the provider's text, address or
// secrets is in it.
func (f Fault) Client(english bool) *apiv1.Error {
	e := &apiv1.Error{
		Code:              int32(f.Reason),
		Reason:            sdk.ReasonName(f.Reason),
		Violations:        f.Violations,
		RetryAfterSeconds: f.RetrySeconds,
		ProviderRequestId: f.Metadata["provider_request_id"],
		CauseReason:       f.Metadata["cause_reason"],
		OperationId:       f.OperationID,
	}
	if rule := contract.ErrorRule(f.Reason); rule != nil {
		e.Retryable = rule.GetRetryable()
		e.Message = rule.GetZh()
		if english {
			e.Message = rule.GetEn()
		}
	}
	if len(e.Violations) == 0 {
		e.Violations = f.metadataViolations()
	}
	return e
}

// metadataViolations words the fields and resources that a driver named beside
// its reason.
func (f Fault) metadataViolations() []*apiv1.Violation {
	var out []*apiv1.Violation
	field, feature := f.Metadata["field"], f.Metadata["feature"]
	switch {
	case feature != "":
		out = append(out, &apiv1.Violation{Field: field, Description: "needs feature " + feature})
	case field != "":
		out = append(out, &apiv1.Violation{Field: field, Description: sdk.ReasonName(f.Reason)})
	}
	for blocker := range strings.SplitSeq(f.Metadata["blockers"], ",") {
		if kind, native, ok := strings.Cut(blocker, "/"); ok {
			out = append(out, &apiv1.Violation{Field: "id", Description: "in use by " + kind + " " + publicid.Join(f.AccountID, native)})
		}
	}
	return out
}

// HTTPStatus is the status that a reason is answered with.
func HTTPStatus(reason apiv1.Reason) int {
	if reason == apiv1.Reason_REASON_UNSPECIFIED {
		return 500
	}
	return int(reason) / 100
}

// Retryable tells whether the same request may succeed unchanged.
func Retryable(reason apiv1.Reason) bool {
	return contract.ErrorRule(reason).GetRetryable()
}
