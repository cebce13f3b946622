package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestErrorCrossesTheWire(t *testing.T) {
	t.Parallel()
	made := sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED,
		sdk.Field("nics[0].subnet_id"), sdk.Resource("compute.vm", "i-1"), sdk.Feature("compute.vm.spot"),
		sdk.Provider("Quota.Exceed", 403, "REQ-1", "no more vCPUs in 10.0.0.1"), sdk.RetryAfter(1500*time.Millisecond),
		sdk.Violation("cpu_count", "too many"), sdk.Cause(io.ErrUnexpectedEOF))
	if !errors.Is(made, io.ErrUnexpectedEOF) {
		t.Error("the cause is not visible inside the process")
	}
	received := status.ErrorProto(status.Convert(made).Proto())
	for name, err := range map[string]error{"made": made, "received": received, "wrapped": fmt.Errorf("create: %w", received)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_QUOTA_EXCEEDED {
				t.Errorf("reason: got %v", got)
			}
			if got := sdk.StatusOf(err).Code(); got != codes.ResourceExhausted {
				t.Errorf("code: got %v", got)
			}
			info := sdk.InfoOf(err)
			for key, want := range map[string]string{
				"field": "nics[0].subnet_id", "resource": "compute.vm", "native_id": "i-1", "feature": "compute.vm.spot",
				"provider_code": "Quota.Exceed", "provider_status": "403", "provider_request_id": "REQ-1",
			} {
				if info[key] != want {
					t.Errorf("%s: got %q, want %q", key, info[key], want)
				}
			}
			if got := sdk.RetryAfterOf(err); got != 1500*time.Millisecond {
				t.Errorf("retry after: got %v", got)
			}
			if got := sdk.ViolationsOf(err); len(got) != 1 || got[0].GetField() != "cpu_count" || got[0].GetDescription() != "too many" {
				t.Errorf("violations: got %v", got)
			}
			if got := sdk.FaultText(err); got != "no more vCPUs in 10.0.0.1" {
				t.Errorf("fault: got %q", got)
			}
		})
	}
	if text := status.Convert(made).Message(); strings.Contains(text, "10.0.0.1") {
		t.Errorf("the cloud's text is in the message: %q", text)
	}
}

func TestShortcuts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want apiv1.Reason
		key  string
		text string
	}{
		"not found":     {sdk.NotFound("compute.vm", "i-1", io.EOF), apiv1.Reason_REASON_NOT_FOUND, "native_id", "i-1"},
		"invalid state": {sdk.InvalidState("compute.vm", "i-2", nil), apiv1.Reason_REASON_INVALID_STATE, "native_id", "i-2"},
		"in use":        {sdk.InUse("network.subnet", "s", nil, "compute.vm/i-1", "compute.vm/i-2"), apiv1.Reason_REASON_IN_USE, "blockers", "compute.vm/i-1,compute.vm/i-2"},
		"unsupported":   {sdk.Unsupported("compute.vm.spot"), apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "feature", "compute.vm.spot"},
		"ended":         {sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.Ended()), apiv1.Reason_REASON_CLOUD_UNAVAILABLE, "ended", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sdk.ReasonOf(tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if got := sdk.InfoOf(tc.err)[tc.key]; got != tc.text {
				t.Errorf("%s: got %q, want %q", tc.key, got, tc.text)
			}
		})
	}
}

func TestReasonFallsBackByCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]apiv1.Reason{
		codes.OK:                 apiv1.Reason_REASON_UNSPECIFIED,
		codes.Canceled:           apiv1.Reason_REASON_DEADLINE_EXCEEDED,
		codes.Unknown:            apiv1.Reason_REASON_DRIVER_FAULT,
		codes.InvalidArgument:    apiv1.Reason_REASON_PARAMETER_REJECTED,
		codes.DeadlineExceeded:   apiv1.Reason_REASON_DEADLINE_EXCEEDED,
		codes.NotFound:           apiv1.Reason_REASON_NOT_FOUND,
		codes.AlreadyExists:      apiv1.Reason_REASON_ALREADY_EXISTS,
		codes.PermissionDenied:   apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED,
		codes.ResourceExhausted:  apiv1.Reason_REASON_THROTTLED,
		codes.FailedPrecondition: apiv1.Reason_REASON_INVALID_STATE,
		codes.Aborted:            apiv1.Reason_REASON_RESOURCE_BUSY,
		codes.OutOfRange:         apiv1.Reason_REASON_PARAMETER_REJECTED,
		codes.Unimplemented:      apiv1.Reason_REASON_UNSUPPORTED_METHOD,
		codes.Internal:           apiv1.Reason_REASON_DRIVER_FAULT,
		codes.Unavailable:        apiv1.Reason_REASON_DRIVER_UNAVAILABLE,
		codes.DataLoss:           apiv1.Reason_REASON_DRIVER_FAULT,
		codes.Unauthenticated:    apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED,
	} {
		if got := sdk.ReasonOf(status.Error(code, "text")); got != want {
			t.Errorf("%v: got %v, want %v", code, got, want)
		}
	}
	for name, tc := range map[string]struct {
		err  error
		want apiv1.Reason
	}{
		"nil":      {nil, apiv1.Reason_REASON_UNSPECIFIED},
		"plain":    {io.EOF, apiv1.Reason_REASON_DRIVER_FAULT},
		"deadline": {fmt.Errorf("get: %w", context.DeadlineExceeded), apiv1.Reason_REASON_DEADLINE_EXCEEDED},
	} {
		if got := sdk.ReasonOf(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestEveryReasonKeepsItsCode(t *testing.T) {
	t.Parallel()
	values := apiv1.Reason_REASON_UNSPECIFIED.Descriptor().Values()
	for i := range values.Len() {
		reason := apiv1.Reason(values.Get(i).Number())
		if reason == apiv1.Reason_REASON_UNSPECIFIED {
			continue
		}
		rule := proto.GetExtension(values.Get(i).Options(), apiv1.E_Error).(*apiv1.ErrorRule)
		err := sdk.NewError(reason)
		if got := sdk.StatusOf(err).Code(); int32(got) != rule.GetGrpcCode() || sdk.ReasonOf(err) != reason {
			t.Errorf("%v: got code %v and reason %v", reason, got, sdk.ReasonOf(err))
		}
	}
}

func TestFaultTextIsBounded(t *testing.T) {
	t.Parallel()
	text := sdk.FaultText(sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Provider("", 500, "", strings.Repeat("云", 10000)+"\xff")))
	if len(text) == 0 || len(text) > 2100 {
		t.Errorf("got %d bytes", len(text))
	}
}
