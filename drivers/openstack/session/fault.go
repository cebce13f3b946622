package session

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

type service int

const (
	serviceUnknown service = iota
	serviceCompute
	serviceNetwork
	serviceVolume
	serviceImage
	serviceIdentity
	serviceLoadBalancer
)

// fault is one refusal of the cloud, read from its body.
type fault struct {
	service    service
	status     int
	code       string // the cloud's own word: "conflictingRequest", "OverQuota"
	text       string // redacted and cut; for the log only
	requestID  string
	retryAfter time.Duration
}

type verdict struct {
	reason             apiv1.Reason
	resource, nativeID string
	field              string
	retryAfter         time.Duration
}

func faultOf(err error) (fault, bool) {
	var code gophercloud.ErrUnexpectedResponseCode
	if pointer := new(gophercloud.ErrUnexpectedResponseCode); errors.As(err, &pointer) {
		code = *pointer
	} else if !errors.As(err, &code) {
		return fault{}, false
	}
	f := fault{
		status:     code.Actual,
		requestID:  code.ResponseHeader.Get("X-Openstack-Request-Id"),
		retryAfter: pace.RetryAfter(code.ResponseHeader),
	}
	if f.requestID == "" {
		f.requestID = code.ResponseHeader.Get("X-Compute-Request-Id")
	}
	f.service, f.code = readBody(code.Body)
	if f.service == serviceUnknown || f.service == serviceCompute {
		f.service = serviceOf(code, f.service)
	}
	f.text = redact(code.Method + " " + strconv.Itoa(code.Actual) + ": " + string(code.Body))
	return f, true
}

// readBody reads the four shapes of an error body. Anything else (HTML of a
// proxy or of the image service) has no code.
func readBody(body []byte) (service, string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return serviceUnknown, ""
	}
	if raw, ok := members["NeutronError"]; ok {
		var e struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal(raw, &e)
		return serviceNetwork, e.Type
	}
	if _, ok := members["faultstring"]; ok {
		var code string
		_ = json.Unmarshal(members["faultcode"], &code)
		return serviceLoadBalancer, code
	}
	if raw, ok := members["error"]; ok && len(members) == 1 {
		var e struct {
			Title string `json:"title"`
		}
		_ = json.Unmarshal(raw, &e)
		return serviceIdentity, e.Title
	}
	if len(members) == 1 {
		for name := range members {
			return serviceCompute, name
		}
	}
	return serviceUnknown, ""
}

// serviceOf tells compute from volume, whose bodies look alike, by what each
// alone puts into its answers: the microversion header names the service.
func serviceOf(code gophercloud.ErrUnexpectedResponseCode, guess service) service {
	api := strings.Join(code.ResponseHeader.Values("Openstack-Api-Version"), " ")
	switch {
	case strings.HasPrefix(api, "compute"):
		return serviceCompute
	case strings.HasPrefix(api, "volume"):
		return serviceVolume
	case strings.Contains(code.URL, "/v2/images"):
		return serviceImage
	}
	return guess
}

func (f fault) verdict(resourceType, nativeID string) verdict {
	v := verdict{resource: resourceType, nativeID: nativeID}
	switch f.status {
	case http.StatusBadRequest:
		v.reason = f.badRequest()
	case http.StatusUnauthorized:
		v.reason = apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED
	case http.StatusForbidden:
		v.reason = apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED
		if f.service == serviceLoadBalancer && f.says("quota has been met") {
			v.reason = apiv1.Reason_REASON_QUOTA_EXCEEDED
		}
	case http.StatusNotFound:
		f.notFound(&v)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		v.reason = apiv1.Reason_REASON_UNSUPPORTED_METHOD
		if f.service == serviceLoadBalancer {
			v.reason = apiv1.Reason_REASON_UNSUPPORTED_FEATURE // a provider without an option
		}
	case http.StatusNotAcceptable:
		v.reason = apiv1.Reason_REASON_UNSUPPORTED_FEATURE
	case http.StatusConflict:
		v.reason = f.conflict()
	case http.StatusPreconditionFailed:
		v.reason = apiv1.Reason_REASON_RESOURCE_BUSY
	case http.StatusRequestEntityTooLarge:
		v.reason = apiv1.Reason_REASON_QUOTA_EXCEEDED
		if f.retryAfter > 0 {
			v.reason, v.retryAfter = apiv1.Reason_REASON_THROTTLED, f.retryAfter
		}
	case http.StatusTooManyRequests, 498:
		v.reason, v.retryAfter = apiv1.Reason_REASON_THROTTLED, f.retryAfter
	case http.StatusInternalServerError:
		v.reason = apiv1.Reason_REASON_CLOUD_ERROR
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		v.reason, v.retryAfter = apiv1.Reason_REASON_CLOUD_UNAVAILABLE, f.retryAfter
		if f.service == serviceLoadBalancer {
			v.reason = apiv1.Reason_REASON_RESOURCE_BUSY
		}
	case http.StatusGatewayTimeout:
		v.reason = apiv1.Reason_REASON_CLOUD_TIMEOUT
	default:
		v.reason = apiv1.Reason_REASON_PARAMETER_REJECTED
		if f.status >= http.StatusInternalServerError || f.status < http.StatusBadRequest {
			v.reason = apiv1.Reason_REASON_CLOUD_ERROR
		}
	}
	return v
}

func (f fault) badRequest() apiv1.Reason {
	switch f.code {
	case "ExternalIpAddressExhausted":
		return apiv1.Reason_REASON_OUT_OF_STOCK
	case "EndpointGroupInUse":
		return apiv1.Reason_REASON_IN_USE
	case "VPNStateInvalidToUpdate":
		return apiv1.Reason_REASON_INVALID_STATE
	case "RouterIsNotExternal", "SubnetIsNotConnectedToRouter":
		return apiv1.Reason_REASON_REFERENCE_MISMATCH
	case "IkeValidationFailure", "IpsecValidationFailure":
		return apiv1.Reason_REASON_UNSUPPORTED_FEATURE
	}
	return apiv1.Reason_REASON_PARAMETER_REJECTED
}

func (f fault) conflict() apiv1.Reason {
	switch f.service {
	case serviceNetwork:
		return networkConflict(f.code)
	case serviceIdentity:
		return apiv1.Reason_REASON_ALREADY_EXISTS
	case serviceLoadBalancer:
		return f.loadBalancerConflict()
	}
	return apiv1.Reason_REASON_INVALID_STATE
}

// loadBalancerConflict reads the words of a 409: that service names no codes.
// Source: octavia/common/exceptions.py.
func (f fault) loadBalancerConflict() apiv1.Reason {
	switch {
	case f.says("duplicate"), f.says("already"):
		return apiv1.Reason_REASON_ALREADY_EXISTS
	case f.says("in use"):
		return apiv1.Reason_REASON_IN_USE
	}
	return apiv1.Reason_REASON_RESOURCE_BUSY
}

// says tells whether the cloud's text has these words.
func (f fault) says(words string) bool { return strings.Contains(strings.ToLower(f.text), words) }

// networkConflict reads the exception's name that the network service sends with
// 409. The suffixes are those of neutron-lib's exceptions and the plug-ins'.
func networkConflict(code string) apiv1.Reason {
	switch {
	case code == "OverQuota":
		return apiv1.Reason_REASON_QUOTA_EXCEEDED
	case code == "IpAddressGenerationFailure", code == "NoNetworkAvailable":
		return apiv1.Reason_REASON_OUT_OF_STOCK
	case code == "IpAddressInUse", code == "MacAddressInUse", strings.Contains(code, "Overlap"):
		return apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING
	case strings.Contains(code, "PendingState"), code == "StateInvalid":
		return apiv1.Reason_REASON_RESOURCE_BUSY
	case strings.Contains(code, "Exists"), strings.Contains(code, "Duplicate"), strings.HasSuffix(code, "AlreadyAssociated"):
		return apiv1.Reason_REASON_ALREADY_EXISTS
	case strings.Contains(code, "InUse"), strings.HasPrefix(code, "L3Port"):
		return apiv1.Reason_REASON_IN_USE
	}
	return apiv1.Reason_REASON_INVALID_STATE
}

// notFoundResource names what the network service says is missing, and the field
// that usually refers to it.
func notFoundResource(code string) (resource, field string) {
	switch code {
	case "NetworkNotFound":
		return "network.network", "network_id"
	case "SubnetNotFound":
		return "network.subnet", "subnet_id"
	case "PortNotFound":
		return "network.nic", "nic_id"
	case "RouterNotFound":
		return "network.router", "router_id"
	case "SecurityGroupNotFound":
		return "network.security_group", "security_group_id"
	case "FloatingIPNotFound":
		return "network.public_ip", "public_ip_id"
	case "QosPolicyNotFound":
		return "network.qos_policy", ""
	case "VPNServiceNotFound":
		return "security.vpn_service", "vpn_service_id"
	case "IKEPolicyNotFound":
		return "security.ike_policy", "ike_policy_id"
	case "IPsecPolicyNotFound":
		return "security.ipsec_policy", "ipsec_policy_id"
	}
	return "", ""
}

func (f fault) notFound(v *verdict) {
	v.reason = apiv1.Reason_REASON_NOT_FOUND
	if missing, field := notFoundResource(f.code); missing != "" && missing != v.resource {
		v.reason, v.resource, v.nativeID, v.field = apiv1.Reason_REASON_REFERENCE_NOT_FOUND, missing, "", field
		return
	}
	if v.nativeID == "" && v.resource != "" {
		v.reason = apiv1.Reason_REASON_REFERENCE_NOT_FOUND
	}
}
