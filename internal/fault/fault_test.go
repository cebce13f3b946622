package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/fault"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const secret = "https://10.0.0.1:8774 token=abc"

func TestClient(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want *apiv1.Error
	}{
		"reason of the contract": {
			sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED, sdk.Provider("Forbidden", 403, "req-1", secret)),
			&apiv1.Error{Code: 40305, Reason: "QUOTA_EXCEEDED", Message: "The cloud account's quota is used up", ProviderRequestId: "req-1"},
		},
		"violations": {
			sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("a", "x"), sdk.Violation("b[0]", "y")),
			&apiv1.Error{Code: 40002, Reason: "VALIDATION_FAILED", Message: "One or more fields are invalid",
				Violations: []*apiv1.Violation{{Field: "a", Description: "x"}, {Field: "b[0]", Description: "y"}}},
		},
		"retry": {
			sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(1200*time.Millisecond)),
			&apiv1.Error{Code: 42902, Reason: "THROTTLED", Message: "The cloud is throttling", Retryable: true, RetryAfterSeconds: 2},
		},
		"feature": {
			sdk.Unsupported("compute.vm.host_name"),
			&apiv1.Error{Code: 50102, Reason: "UNSUPPORTED_FEATURE", Message: "This cloud does not support a given field or value",
				Violations: []*apiv1.Violation{{Description: "needs feature compute.vm.host_name"}}},
		},
		"blockers are public ids": {
			fault.InAccount(sdk.InUse("network.network", "n", nil, "network.subnet/s1", "network.nic/p~2F1"), "os-sh"),
			&apiv1.Error{Code: 40906, Reason: "IN_USE", Message: "Other resources depend on it", Violations: []*apiv1.Violation{
				{Field: "id", Description: "in use by network.subnet os-sh.s1"},
				{Field: "id", Description: "in use by network.nic os-sh.p~2F1"},
			}},
		},
		"bare status of a driver": {
			status.Error(codes.Internal, secret),
			&apiv1.Error{Code: 50203, Reason: "DRIVER_FAULT", Message: "The driver misbehaved"},
		},
		"error of this process": {
			fmt.Errorf("record: %w", errors.New(secret)),
			&apiv1.Error{Code: 50001, Reason: "INTERNAL", Message: "Internal error"},
		},
		"wrapped": {
			fmt.Errorf("attach: %w", sdk.NewError(apiv1.Reason_REASON_INVALID_STATE)),
			&apiv1.Error{Code: 40904, Reason: "INVALID_STATE", Message: "Not possible in the resource's present state"},
		},
		"context": {
			fmt.Errorf("wait: %w", context.DeadlineExceeded),
			&apiv1.Error{Code: 50401, Reason: "DEADLINE_EXCEEDED", Message: "Timed out, outcome unknown", Retryable: true},
		},
		"remembered in an operation": {
			fault.InOperation(fault.Remember(&apiv1.Error{Code: 50204, CauseReason: "OUT_OF_STOCK"}), "op"),
			&apiv1.Error{Code: 50204, Reason: "RESOURCE_FAILED", Message: "The resource ended in an error state", CauseReason: "OUT_OF_STOCK", OperationId: "op"},
		},
		"nested operations: the outer": {
			fault.InOperation(fault.InAccount(fault.InOperation(sdk.NewError(apiv1.Reason_REASON_NOT_FOUND), "inner"), "acc"), "outer"),
			&apiv1.Error{Code: 40402, Reason: "NOT_FOUND", Message: "The resource does not exist", OperationId: "outer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := fault.Decode(tc.err).Client(true)
			if diff := cmp.Diff(tc.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if strings.Contains(got.String(), "10.0.0.1") {
				t.Error("the client sees the provider's text")
			}
		})
	}
}

func TestProviderTextIsForTheLog(t *testing.T) {
	t.Parallel()
	f := fault.Decode(sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Provider("x", 500, "", secret)))
	if f.ProviderText != secret {
		t.Errorf("got %q", f.ProviderText)
	}
}

// What is remembered says the same as what it was made of.
func TestRemember(t *testing.T) {
	t.Parallel()
	first := fault.Decode(fault.InOperation(sdk.NewError(apiv1.Reason_REASON_THROTTLED, sdk.RetryAfter(time.Minute),
		sdk.Violation("f", "d"), sdk.Provider("c", 429, "req-9", secret)), "op"))
	remembered := fault.Remember(first.Client(false))
	if diff := cmp.Diff(first.Client(false), fault.Decode(remembered).Client(false), protocmp.Transform()); diff != "" {
		t.Errorf("-first +remembered\n%s", diff)
	}
	if got := sdk.ReasonOf(remembered); got != apiv1.Reason_REASON_THROTTLED {
		t.Errorf("reason: got %v", got)
	}
}

func TestLanguagesAndStatus(t *testing.T) {
	t.Parallel()
	for number := range apiv1.Reason_name {
		reason := apiv1.Reason(number)
		if reason == 0 {
			continue
		}
		f := fault.Fault{Reason: reason}
		zh, en := f.Client(false).GetMessage(), f.Client(true).GetMessage()
		if zh == "" || en == "" || zh == en {
			t.Errorf("%v: got %q and %q", reason, zh, en)
		}
		if s := fault.HTTPStatus(reason); s < 400 || s > 599 {
			t.Errorf("%v: HTTP status %d", reason, s)
		}
	}
	if s := fault.HTTPStatus(0); s != 500 {
		t.Errorf("unspecified: got %d, want 500", s)
	}
	if fault.InAccount(nil, "a") != nil || fault.InOperation(nil, "o") != nil {
		t.Error("nil became an error")
	}
}
