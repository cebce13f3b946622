package sdk

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// ErrorDomain is the domain of our ErrorInfo details.
const ErrorDomain = "yunqiao"

// maxFaultBytes bounds the cloud's text in an error: statuses travel in HTTP/2
// headers, which are limited as a whole.
const maxFaultBytes = 2048

// Keys of the metadata of ErrorInfo.
const (
	infoField             = "field"
	infoResource          = "resource"
	infoNativeID          = "native_id"
	infoFeature           = "feature"
	infoBlockers          = "blockers"
	infoProviderCode      = "provider_code"
	infoProviderStatus    = "provider_status"
	infoProviderRequestID = "provider_request_id"
	infoEnded             = "ended"
)

type driverError struct {
	reason     apiv1.Reason
	metadata   map[string]string
	violations []*errdetails.BadRequest_FieldViolation
	retryAfter time.Duration
	fault      string
	cause      error
}

// ErrorOption adds to an error what is known about it.
type ErrorOption func(*driverError)

// NewError makes an error of the contract: a gRPC status whose code belongs to
// the reason and whose details carry the rest. Any other error that a driver
// returns reaches the gateway as what its gRPC code suggests, see ReasonOf.
func NewError(reason apiv1.Reason, opts ...ErrorOption) error {
	e := &driverError{reason: reason, metadata: map[string]string{}}
	for _, opt := range opts {
		opt(e)
	}
	return e
}

// Field names the request field at fault by its path: "nics[0].subnet_id".
func Field(path string) ErrorOption { return withInfo(infoField, path) }

// Resource names what the error is about: "compute.vm" and its native id.
func Resource(resourceType, nativeID string) ErrorOption {
	return func(e *driverError) {
		withInfo(infoResource, resourceType)(e)
		withInfo(infoNativeID, nativeID)(e)
	}
}

// Feature names what the cloud lacks: "compute.vm.host_name".
func Feature(name string) ErrorOption { return withInfo(infoFeature, name) }

// Provider tells what the cloud said: its error code, HTTP status (0: none),
// its own request id, and its text. The text goes to logs, never to a client.
func Provider(code string, httpStatus int, requestID, text string) ErrorOption {
	return func(e *driverError) {
		withInfo(infoProviderCode, code)(e)
		withInfo(infoProviderRequestID, requestID)(e)
		if httpStatus != 0 {
			withInfo(infoProviderStatus, strconv.Itoa(httpStatus))(e)
		}
		e.fault = text
	}
}

// RetryAfter tells how long the cloud wants to be left alone.
func RetryAfter(d time.Duration) ErrorOption {
	return func(e *driverError) { e.retryAfter = d }
}

// Ended tells that the cloud has done with all requests of this call, whether they had
// an effect or not, or never got them: a creating call at a cloud without tokens may be
// repeated as soon as markers can be found. Only an answer that proves it may say so.
func Ended() ErrorOption { return withInfo(infoEnded, "true") }

// Cause wraps the error from which this one comes: errors.Is and errors.As see
// it inside the process, and its text goes to logs where Provider gave none.
func Cause(err error) ErrorOption {
	return func(e *driverError) { e.cause = err }
}

// Violation adds one invalid field and what is wrong with it, in words fit for
// the client.
func Violation(field, description string) ErrorOption {
	return func(e *driverError) {
		e.violations = append(e.violations, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
	}
}

// NotFound reports that the cloud has no such resource; nativeID is the cloud's
// own. Deleting an absent resource is success, not this.
func NotFound(resourceType, nativeID string, cause error) error {
	return NewError(apiv1.Reason_REASON_NOT_FOUND, Resource(resourceType, nativeID), Cause(cause))
}

// InvalidState reports that the resource's present state does not permit the
// call and that waiting alone would not help.
func InvalidState(resourceType, nativeID string, cause error) error {
	return NewError(apiv1.Reason_REASON_INVALID_STATE, Resource(resourceType, nativeID), Cause(cause))
}

// InUse reports that other resources depend on this one; blockers are their
// types and native ids, where known: "compute.vm/i-1".
func InUse(resourceType, nativeID string, cause error, blockers ...string) error {
	return NewError(apiv1.Reason_REASON_IN_USE, Resource(resourceType, nativeID),
		withInfo(infoBlockers, strings.Join(blockers, ",")), Cause(cause))
}

// Unsupported reports that this cloud lacks a feature that the request needs.
func Unsupported(feature string) error {
	return NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, Feature(feature))
}

func withInfo(key, value string) ErrorOption {
	return func(e *driverError) {
		if value != "" {
			e.metadata[key] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
}

// Error names the reason and what it is about, and the cause.
func (e *driverError) Error() string {
	var b strings.Builder
	b.WriteString(ReasonName(e.reason))
	for _, key := range []string{infoResource, infoNativeID, infoField, infoFeature, infoBlockers, infoProviderCode} {
		if v := e.metadata[key]; v != "" {
			fmt.Fprintf(&b, " %s=%s", key, v)
		}
	}
	for _, v := range e.violations {
		fmt.Fprintf(&b, " %s: %s", v.GetField(), v.GetDescription())
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

func (e *driverError) Unwrap() error { return e.cause }

// GRPCStatus is how the error crosses the wire.
func (e *driverError) GRPCStatus() *status.Status {
	details := []protoadapt.MessageV1{protoadapt.MessageV1Of(&errdetails.ErrorInfo{
		Reason: ReasonName(e.reason), Domain: ErrorDomain, Metadata: e.metadata,
	})}
	if e.retryAfter > 0 {
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.retryAfter)}))
	}
	if len(e.violations) > 0 {
		details = append(details, protoadapt.MessageV1Of(&errdetails.BadRequest{FieldViolations: e.violations}))
	}
	if text := e.faultText(); text != "" {
		details = append(details, protoadapt.MessageV1Of(&driverv1.ProviderFault{Text: text}))
	}
	bare := status.New(codeOf(e.reason), ReasonName(e.reason))
	full, err := bare.WithDetails(details...)
	if err != nil {
		return bare
	}
	return full
}

func (e *driverError) faultText() string {
	text := e.fault
	if text == "" && e.cause != nil {
		text = e.cause.Error()
	}
	if len(text) > maxFaultBytes {
		text = text[:maxFaultBytes]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// ruleOf reads a reason's row of the error table.
func ruleOf(reason apiv1.Reason) *apiv1.ErrorRule {
	value := reason.Descriptor().Values().ByNumber(reason.Number())
	if value == nil {
		return &apiv1.ErrorRule{}
	}
	return proto.GetExtension(value.Options(), apiv1.E_Error).(*apiv1.ErrorRule)
}

func codeOf(reason apiv1.Reason) codes.Code {
	code := codes.Code(ruleOf(reason).GetGrpcCode())
	if code == codes.OK {
		return codes.Unknown
	}
	return code
}
