package sdk

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const reasonPrefix = "REASON_"

// ReasonName is the reason as it stands in ErrorInfo: "NOT_FOUND".
func ReasonName(reason apiv1.Reason) string {
	return strings.TrimPrefix(reason.String(), reasonPrefix)
}

// ReasonOf reads the reason of an error, be it made here or received. An error
// without one of ours falls back by its gRPC code; nil is unspecified.
func ReasonOf(err error) apiv1.Reason {
	if err == nil {
		return apiv1.Reason_REASON_UNSPECIFIED
	}
	st := StatusOf(err)
	if info := infoOf(st); info != nil {
		if number, ok := apiv1.Reason_value[reasonPrefix+info.GetReason()]; ok && number != 0 {
			return apiv1.Reason(number)
		}
		return apiv1.Reason_REASON_DRIVER_FAULT
	}
	return reasonOfCode(st.Code())
}

// IsOurs tells whether an error carries a reason of the contract, rather than
// only a gRPC code.
func IsOurs(err error) bool { return err != nil && infoOf(StatusOf(err)) != nil }

// InfoOf returns the metadata of an error's ErrorInfo (field, resource,
// native_id, feature, blockers, provider_code, …), or nil.
func InfoOf(err error) map[string]string { return infoOf(StatusOf(err)).GetMetadata() }

// ViolationsOf returns the invalid fields that an error names.
func ViolationsOf(err error) []*apiv1.Violation {
	bad := detail[*errdetails.BadRequest](StatusOf(err))
	violations := make([]*apiv1.Violation, 0, len(bad.GetFieldViolations()))
	for _, v := range bad.GetFieldViolations() {
		violations = append(violations, &apiv1.Violation{Field: v.GetField(), Description: v.GetDescription()})
	}
	return violations
}

// RetryAfterOf returns how long the cloud wants to be left alone; 0: not told.
func RetryAfterOf(err error) time.Duration {
	return detail[*errdetails.RetryInfo](StatusOf(err)).GetRetryDelay().AsDuration()
}

// HasEnded tells whether an error says that nothing of the call runs at the cloud any
// more, see Ended.
func HasEnded(err error) bool { return InfoOf(err)[infoEnded] == "true" }

// FaultText returns the cloud's own words in an error, for logs only.
func FaultText(err error) string {
	return detail[*driverv1.ProviderFault](StatusOf(err)).GetText()
}

// StatusOf returns the gRPC status of an error, also where it is wrapped.
func StatusOf(err error) *status.Status {
	if st, ok := status.FromError(err); ok {
		return st
	}
	return status.FromContextError(err)
}

func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == ErrorDomain {
			return info
		}
	}
	return nil
}

func detail[T any](st *status.Status) (none T) {
	for _, d := range st.Details() {
		if found, ok := d.(T); ok {
			return found
		}
	}
	return none
}

func reasonOfCode(code codes.Code) apiv1.Reason {
	switch code {
	case codes.OK:
		return apiv1.Reason_REASON_UNSPECIFIED
	case codes.InvalidArgument, codes.OutOfRange:
		return apiv1.Reason_REASON_PARAMETER_REJECTED
	case codes.NotFound:
		return apiv1.Reason_REASON_NOT_FOUND
	case codes.AlreadyExists:
		return apiv1.Reason_REASON_ALREADY_EXISTS
	case codes.PermissionDenied:
		return apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED
	case codes.Unauthenticated:
		return apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED
	case codes.ResourceExhausted:
		return apiv1.Reason_REASON_THROTTLED
	case codes.FailedPrecondition:
		return apiv1.Reason_REASON_INVALID_STATE
	case codes.Aborted:
		return apiv1.Reason_REASON_RESOURCE_BUSY
	case codes.Unimplemented:
		return apiv1.Reason_REASON_UNSUPPORTED_METHOD
	case codes.Unavailable:
		return apiv1.Reason_REASON_DRIVER_UNAVAILABLE
	case codes.DeadlineExceeded, codes.Canceled:
		return apiv1.Reason_REASON_DEADLINE_EXCEEDED
	default:
		return apiv1.Reason_REASON_DRIVER_FAULT
	}
}
