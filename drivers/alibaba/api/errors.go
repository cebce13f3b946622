package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// throttledFor is when a call that stayed throttled may come again.
const throttledFor = 5 * time.Second

// Error turns what Caller returned into an error of the contract. nil stays nil,
// and an error that already is a gRPC status stays as it is.
//
// resourceType and nativeID are the resource that the call was about: its own
// absence is NOT_FOUND, that of another is REFERENCE_NOT_FOUND with the field that
// usually names it. nativeID is empty when the call was to make it. The cloud's
// words go only into ProviderFault. A wrong state needs a further look that Error
// cannot take: see IsWrongState.
func Error(err error, resourceType, nativeID string, opts ...sdk.ErrorOption) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		return noAnswer(err, opts)
	}
	reason, field := f.reason(), ""
	if reason == apiv1.Reason_REASON_NOT_FOUND {
		missing, of := missingThing(f.Code)
		if missing != "" && missing != resourceType || nativeID == "" {
			reason, resourceType, nativeID, field = apiv1.Reason_REASON_REFERENCE_NOT_FOUND, missing, "", of
		}
	}
	if field != "" {
		opts = append([]sdk.ErrorOption{sdk.Field(field)}, opts...)
	}
	if reason == apiv1.Reason_REASON_THROTTLED {
		opts = append([]sdk.ErrorOption{sdk.RetryAfter(throttledFor)}, opts...)
	}
	return As(reason, err, resourceType, nativeID, opts...)
}

// As gives err, which came from the cloud, a reason that the caller found out.
func As(reason apiv1.Reason, err error, resourceType, nativeID string, opts ...sdk.ErrorOption) error {
	var all []sdk.ErrorOption
	if resourceType != "" {
		all = append(all, sdk.Resource(resourceType, nativeID))
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		all = append(all, sdk.Provider(f.Code, f.Status, f.RequestID, f.Message))
	}
	return sdk.NewError(reason, append(all, opts...)...)
}

// Reason is what err, which came from Caller, means before any further look.
func Reason(err error) apiv1.Reason {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.reason()
	}
	return apiv1.Reason_REASON_UNSPECIFIED
}

// HasCode tells whether the cloud refused with one of these codes. A code that
// ends in "*" stands for all that begin so.
func HasCode(err error, codes ...string) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && slices.ContainsFunc(codes, func(code string) bool {
		if begin, prefix := strings.CutSuffix(code, "*"); prefix {
			return strings.HasPrefix(f.Code, begin)
		}
		return f.Code == code
	})
}

// IsNotFound tells whether the cloud says that something does not exist; what,
// the code may tell.
func IsNotFound(err error) bool { return Reason(err) == apiv1.Reason_REASON_NOT_FOUND }

// IsGone tells whether the cloud says that the thing of this type, which the call
// was about, does not exist, and not one that the call refers to.
func IsGone(err error, resourceType string) bool {
	f, ok := errors.AsType[*Fault](err)
	if !ok || f.reason() != apiv1.Reason_REASON_NOT_FOUND {
		return false
	}
	missing, _ := missingThing(f.Code)
	return missing == "" || missing == resourceType
}

// IsWrongState tells whether the cloud refused because of the resource's state, an
// answer that does not tell whether waiting helps: the resource must be read once,
// and WrongState is the answer.
func IsWrongState(err error) bool { return Reason(err) == apiv1.Reason_REASON_INVALID_STATE }

// WrongState is the answer to IsWrongState after the resource was read.
func WrongState(err error, resourceType, nativeID string, changing bool) error {
	reason := apiv1.Reason_REASON_INVALID_STATE
	if changing {
		reason = apiv1.Reason_REASON_RESOURCE_BUSY
	}
	return As(reason, err, resourceType, nativeID)
}

func noAnswer(err error, opts []sdk.ErrorOption) error {
	opts = append([]sdk.ErrorOption{sdk.Cause(err)}, opts...)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), isNet && netErr.Timeout():
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT, opts...)
	case errors.Is(err, errUnreadable):
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, opts...)
	case isNet, isCertificateError(err):
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, opts...)
	}
	if _, ok := errors.AsType[*NoAnswer](err); ok {
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, opts...)
	}
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, opts...)
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &verification) || errors.As(err, &authority)
}

// missingThing reads out of a not-found code what is missing, and the field that
// usually refers to it: "InvalidVSwitchId.NotFound".
func missingThing(code string) (resourceType, field string) {
	code = strings.ToLower(code)
	for _, noun := range nouns {
		if strings.Contains(code, noun.word) {
			return noun.resourceType, noun.field
		}
	}
	return "", ""
}

type noun struct{ word, resourceType, field string }

// nouns are the words of the codes, longer ones before those that they hold.
var nouns = []noun{
	{"vswitch", "network.subnet", "subnet_id"},
	{"vpnconnection", "security.ipsec_connection", "ipsec_connection_id"},
	{"vpngateway", "security.vpn_service", "vpn_service_id"},
	{"customergateway", "", ""},
	{"vpc", "network.network", "network_id"},
	{"securitygroup", "network.security_group", "security_group_ids"},
	{"networkinterface", "network.nic", "nic_id"},
	{"eniid", "network.nic", "nic_id"},
	{"allocationid", "network.public_ip", "public_ip_id"},
	{"eip", "network.public_ip", "public_ip_id"},
	{"routetable", "network.router", "router_id"},
	{"routeentry", "network.router", ""},
	{"loadbalancer", "network.vip", "vip_id"},
	{"listener", "network.listener", "listener_id"},
	{"containergroup", "compute.container", "container_id"},
	{"dbinstance", "database.instance", "instance_id"},
	{"instancetype", "compute.flavor", "flavor_id"},
	{"keypair", "compute.key_pair", "key_pair_id"},
	{"snapshot", "storage.snapshot", "snapshot_id"},
	{"image", "storage.image", "image_id"},
	{"diskcategory", "storage.disk_type", "disk_type_id"},
	{"disk", "storage.disk", "disk_id"},
	{"zone", "compute.zone", "zone_id"},
	{"resourcegroup", "", "resource_group_id"},
	{"instance", "compute.vm", "vm_id"},
}
