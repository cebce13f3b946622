package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func answer(statusCode int, body string, header ...string) error {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return gophercloud.ErrUnexpectedResponseCode{Method: "POST", URL: "https://cloud.example/v2/x", Actual: statusCode, Body: []byte(body), ResponseHeader: h}
}

func neutron(kind string) string {
	return fmt.Sprintf(`{"NeutronError":{"type":%q,"message":"m","detail":""}}`, kind)
}

func TestError(t *testing.T) {
	t.Parallel()
	volume := []string{"Openstack-Api-Version", "volume 3.66"}
	for name, tc := range map[string]struct {
		err  error
		id   string
		want apiv1.Reason
	}{
		"nova bad request":             {answer(400, `{"badRequest":{"code":400,"message":"m"}}`), "x", apiv1.Reason_REASON_PARAMETER_REJECTED},
		"no addresses outside":         {answer(400, neutron("ExternalIpAddressExhausted")), "x", apiv1.Reason_REASON_OUT_OF_STOCK},
		"endpoint group in use":        {answer(400, neutron("EndpointGroupInUse")), "x", apiv1.Reason_REASON_IN_USE},
		"router not external":          {answer(400, neutron("RouterIsNotExternal")), "x", apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"ike value":                    {answer(400, neutron("IkeValidationFailure")), "x", apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
		"token refused":                {answer(401, `{"error":{"code":401,"title":"Unauthorized","message":"m"}}`), "x", apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"forbidden":                    {answer(403, `{"forbidden":{"code":403,"message":"m"}}`), "x", apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED},
		"not found":                    {answer(404, `{"itemNotFound":{"code":404,"message":"m"}}`), "x", apiv1.Reason_REASON_NOT_FOUND},
		"not found at create":          {answer(404, `{"itemNotFound":{"code":404,"message":"m"}}`), "", apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"another is not found":         {answer(404, neutron("SubnetNotFound")), "x", apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"itself is not found":          {answer(404, neutron("PortNotFound")), "x", apiv1.Reason_REASON_NOT_FOUND},
		"html of a proxy":              {answer(404, `<html>`), "x", apiv1.Reason_REASON_NOT_FOUND},
		"method":                       {answer(405, ``), "x", apiv1.Reason_REASON_UNSUPPORTED_METHOD},
		"microversion":                 {answer(406, `{"computeFault":{}}`), "x", apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
		"network quota":                {answer(409, neutron("OverQuota")), "x", apiv1.Reason_REASON_QUOTA_EXCEEDED},
		"no addresses":                 {answer(409, neutron("IpAddressGenerationFailure")), "x", apiv1.Reason_REASON_OUT_OF_STOCK},
		"port in use":                  {answer(409, neutron("PortInUse")), "x", apiv1.Reason_REASON_IN_USE},
		"subnet in use":                {answer(409, neutron("SubnetInUse")), "x", apiv1.Reason_REASON_IN_USE},
		"address taken":                {answer(409, neutron("IpAddressInUse")), "x", apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING},
		"overlap":                      {answer(409, neutron("OverlappingAllocationPools")), "x", apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING},
		"rule exists":                  {answer(409, neutron("SecurityGroupRuleExists")), "x", apiv1.Reason_REASON_ALREADY_EXISTS},
		"firewall pending":             {answer(409, neutron("FirewallGroupInPendingState")), "x", apiv1.Reason_REASON_RESOURCE_BUSY},
		"nova state":                   {answer(409, `{"conflictingRequest":{"code":409,"message":"m"}}`), "x", apiv1.Reason_REASON_INVALID_STATE},
		"octavia immutable":            {answer(409, `{"faultcode":"Client","faultstring":"is immutable"}`), "x", apiv1.Reason_REASON_RESOURCE_BUSY},
		"octavia duplicate":            {answer(409, `{"faultcode":"Client","faultstring":"Duplicate listener"}`), "x", apiv1.Reason_REASON_ALREADY_EXISTS},
		"octavia port taken":           {answer(409, `{"faultcode":"Client","faultstring":"Another Listener on this Load Balancer is already using protocol_port 80"}`), "x", apiv1.Reason_REASON_ALREADY_EXISTS},
		"octavia layer 7 policy":       {answer(409, `{"faultcode":"Client","faultstring":"Pool x is in use by L7 policy y"}`), "x", apiv1.Reason_REASON_IN_USE},
		"octavia quota":                {answer(403, `{"faultcode":"Client","faultstring":"Quota has been met for resources: Pool"}`), "x", apiv1.Reason_REASON_QUOTA_EXCEEDED},
		"octavia policy":               {answer(403, `{"faultcode":"Client","faultstring":"Policy does not allow this request"}`), "x", apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED},
		"octavia option":               {answer(501, `{"faultcode":"Client","faultstring":"Provider does not support"}`), "x", apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
		"keystone conflict":            {answer(409, `{"error":{"code":409,"title":"Conflict","message":"m"}}`), "x", apiv1.Reason_REASON_ALREADY_EXISTS},
		"revision":                     {answer(412, neutron("RevisionNumberConstraintFailed")), "x", apiv1.Reason_REASON_RESOURCE_BUSY},
		"volume quota":                 {answer(413, `{"overLimit":{}}`, append(volume, "Retry-After", "0")...), "x", apiv1.Reason_REASON_QUOTA_EXCEEDED},
		"volume rate":                  {answer(413, `{"overLimit":{}}`, append(volume, "Retry-After", "3")...), "x", apiv1.Reason_REASON_THROTTLED},
		"rate":                         {answer(429, ``, "Retry-After", "3"), "x", apiv1.Reason_REASON_THROTTLED},
		"swift rate":                   {answer(498, ``), "x", apiv1.Reason_REASON_THROTTLED},
		"internal":                     {answer(500, `{"computeFault":{"code":500,"message":"m"}}`), "x", apiv1.Reason_REASON_CLOUD_ERROR},
		"bad gateway":                  {answer(502, `<html>`), "x", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"octavia project busy":         {answer(503, `{"faultcode":"Server","faultstring":"Project busy"}`), "x", apiv1.Reason_REASON_RESOURCE_BUSY},
		"gateway timeout":              {answer(504, ``), "x", apiv1.Reason_REASON_CLOUD_TIMEOUT},
		"redirect":                     {answer(302, ``), "x", apiv1.Reason_REASON_CLOUD_ERROR},
		"unknown 4xx":                  {answer(418, ``), "x", apiv1.Reason_REASON_PARAMETER_REJECTED},
		"no connection":                {&url.Error{Op: "Get", URL: "x", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, "x", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"no such host":                 {&url.Error{Op: "Get", URL: "x", Err: &net.DNSError{Err: "no such host"}}, "x", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"deadline":                     {&url.Error{Op: "Get", URL: "x", Err: context.DeadlineExceeded}, "x", apiv1.Reason_REASON_CLOUD_TIMEOUT},
		"after a new token":            {&gophercloud.ErrErrorAfterReauthentication{ErrOriginal: answer(404, `{"itemNotFound":{}}`)}, "x", apiv1.Reason_REASON_NOT_FOUND},
		"no new token":                 {&gophercloud.ErrUnableToReauthenticate{ErrOriginal: answer(401, ``), ErrReauth: answer(401, ``)}, "x", apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"no new token, cloud is away":  {&gophercloud.ErrUnableToReauthenticate{ErrOriginal: answer(401, ``), ErrReauth: answer(503, ``)}, "x", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"one of the contract's errors": {sdk.Unsupported("f"), "x", apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
		"a request that was not sent":  {gophercloud.ErrMissingInput{Argument: "name"}, "x", apiv1.Reason_REASON_PARAMETER_REJECTED},
		"an unreadable answer":         {errors.New("unexpected end of JSON"), "x", apiv1.Reason_REASON_CLOUD_ERROR},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sdk.ReasonOf(Error(tc.err, "network.nic", tc.id)); got != tc.want {
				t.Errorf("got %v, want %v for %v", got, tc.want, tc.err)
			}
		})
	}
	if err := Error(nil, "network.nic", "x"); err != nil {
		t.Errorf("nil: %v", err)
	}
}

// TestEnded: a repeat need not wait for what surely does not run any more.
func TestEnded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a proxy without servers": {answer(503, `<html>`), true},
		"a service that is busy":  {answer(503, `{"message":"m"}`), true},
		"a proxy that lost it":    {answer(502, `<html>`), false},
		"a proxy that gave up":    {answer(504, ``), false},
		"an error within":         {answer(500, `{"computeFault":{}}`), false},
		"no connection":           {&url.Error{Op: "Post", URL: "x", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, true},
		"a broken connection":     {&url.Error{Op: "Post", URL: "x", Err: &net.OpError{Op: "read", Err: errors.New("reset")}}, false},
		"no time left":            {&url.Error{Op: "Post", URL: "x", Err: context.DeadlineExceeded}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sdk.HasEnded(Error(tc.err, "compute.vm", "")); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestIsWrongState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"nova":              {answer(409, `{"conflictingRequest":{}}`), true},
		"cinder":            {answer(400, `{"badRequest":{}}`, "Openstack-Api-Version", "volume 3.66"), true},
		"nova bad request":  {answer(400, `{"badRequest":{}}`, "Openstack-Api-Version", "compute 2.90"), false},
		"neutron in use":    {answer(409, neutron("PortInUse")), false},
		"octavia duplicate": {answer(409, `{"faultstring":"Duplicate"}`), false},
		"octavia immutable": {answer(409, `{"faultstring":"immutable"}`), true},
		"vpn":               {answer(400, neutron("VPNStateInvalidToUpdate")), true},
		"no answer":         {errors.New("x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := IsWrongState(tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestProviderTextHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"schema fault":   `{"badRequest":{"code":400,"message":"Invalid input for field/attribute adminPass. Value: Secret-1234. too short"}}`,
		"echoed request": `{"adminPass": "Secret-1234", "name": "n"}`,
		"psk":            `{"NeutronError":{"type":"X","message":"bad psk=Secret-1234, sorry","detail":""}}`,
		"long":           strings.Repeat("é", 4000) + `"password":"Secret-1234"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := status.FromError(Error(answer(400, body), "compute.vm", ""))
			text := ""
			for _, d := range s.Details() {
				if fault, ok := d.(*driverv1.ProviderFault); ok {
					text = fault.GetText()
				}
			}
			if text == "" || strings.Contains(text, "Secret-1234") || len(text) > maxText+100 {
				t.Errorf("text: %.200q", text)
			}
			if strings.Contains(s.Message(), "Secret") {
				t.Errorf("message: %q", s.Message())
			}
		})
	}
}
