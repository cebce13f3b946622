package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Error turns what gophercloud returned into an error of the contract. nil stays
// nil, and an error that already is a gRPC status stays as it is.
//
// resourceType and nativeID are the resource that the call was about: its own
// absence is NOT_FOUND, that of another is REFERENCE_NOT_FOUND. nativeID is empty
// when the call was to make it. The cloud's words go only into ProviderFault.
//
// A call that ends with 503, or for which there was no connection, has ended: what makes
// something is sent one after the other, a proxy answers 503 where it reaches no server,
// and a service where it does not begin.
//
// Two reasons need a further look that Error cannot take: see IsWrongState and
// IsForbidden.
func Error(err error, resourceType, nativeID string, opts ...sdk.ErrorOption) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	fault, ok := faultOf(err)
	if !ok {
		return transportError(err, opts)
	}
	verdict := fault.verdict(resourceType, nativeID)
	all := make([]sdk.ErrorOption, 0, len(opts)+5)
	all = append(all, sdk.Provider(fault.code, fault.status, fault.requestID, fault.text))
	if verdict.resource != "" {
		all = append(all, sdk.Resource(verdict.resource, verdict.nativeID))
	}
	if verdict.field != "" {
		all = append(all, sdk.Field(verdict.field))
	}
	if verdict.retryAfter > 0 {
		all = append(all, sdk.RetryAfter(verdict.retryAfter))
	}
	if fault.status == http.StatusServiceUnavailable {
		all = append(all, sdk.Ended())
	}
	return sdk.NewError(verdict.reason, append(all, opts...)...)
}

// IsNotFound tells whether the cloud answered 404.
func IsNotFound(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }

// IsForbidden tells whether the cloud answered 403. The compute, load balancer
// and database services use it for an exceeded quota too: after a create or a
// resize the limits must be read to know which it was.
func IsForbidden(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusForbidden) }

// IsWrongState tells whether the cloud refused because of the resource's state,
// an answer that does not tell whether waiting helps: the resource must be read
// once, and the answer is RESOURCE_BUSY if it is changing, else INVALID_STATE.
func IsWrongState(err error) bool {
	fault, ok := faultOf(err)
	if !ok {
		return false
	}
	switch fault.service {
	case serviceNetwork:
		return fault.code == "VPNStateInvalidToUpdate"
	case serviceLoadBalancer:
		return fault.status == http.StatusConflict && fault.loadBalancerConflict() == apiv1.Reason_REASON_RESOURCE_BUSY
	case serviceVolume:
		return fault.status == http.StatusBadRequest || fault.status == http.StatusConflict
	case serviceCompute, serviceImage:
		return fault.status == http.StatusConflict
	}
	return false
}

// WrongState is the answer to IsWrongState after the resource was read.
func WrongState(err error, resourceType, nativeID string, changing bool) error {
	reason := apiv1.Reason_REASON_INVALID_STATE
	if changing {
		reason = apiv1.Reason_REASON_RESOURCE_BUSY
	}
	return As(reason, err, resourceType, nativeID)
}

// As gives err, which came from the cloud, a reason that the caller found out.
func As(reason apiv1.Reason, err error, resourceType, nativeID string, opts ...sdk.ErrorOption) error {
	all := []sdk.ErrorOption{sdk.Resource(resourceType, nativeID)}
	if fault, ok := faultOf(err); ok {
		all = append(all, sdk.Provider(fault.code, fault.status, fault.requestID, fault.text))
	}
	return sdk.NewError(reason, append(all, opts...)...)
}

// authError is Error for a log-in, whose 401 and 404 are about the credentials.
func authError(err error) error {
	if fault, ok := faultOf(err); ok && (fault.status == http.StatusNotFound || fault.status == http.StatusForbidden) {
		return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED,
			sdk.Provider(fault.code, fault.status, fault.requestID, fault.text))
	}
	return Error(err, "", "")
}

// transportError is for calls that brought no answer.
func transportError(err error, opts []sdk.ErrorOption) error {
	var renewal *gophercloud.ErrUnableToReauthenticate
	if errors.As(err, &renewal) {
		return authError(renewal.ErrReauth)
	}
	opts = append([]sdk.ErrorOption{sdk.Cause(err)}, opts...)
	if dial := new(net.OpError); errors.As(err, &dial) && dial.Op == "dial" {
		opts = append(opts, sdk.Ended())
	}
	var netErr net.Error
	switch {
	case isUnsendable(err):
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, opts...)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT, opts...)
	case errors.As(err, &netErr) && netErr.Timeout():
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT, opts...)
	case isConnectionError(err):
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, opts...)
	}
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, opts...)
}

// isUnsendable tells whether gophercloud refused to send the request.
func isUnsendable(err error) bool {
	var missing gophercloud.ErrMissingInput
	var invalid gophercloud.ErrInvalidInput
	return errors.As(err, &missing) || errors.As(err, &invalid) ||
		errors.As(err, new(*gophercloud.ErrMissingInput)) || errors.As(err, new(*gophercloud.ErrInvalidInput))
}

func isConnectionError(err error) bool {
	var netErr net.Error
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &netErr) || errors.As(err, &verification) || errors.As(err, &authority)
}
