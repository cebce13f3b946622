package api

import (
	"net/http"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// unread is how many of the published codes no rule may miss: those that say nothing
// but that something is wrong.
const unread = 0.05

// TestPublishedCodesHaveReasons reads every published code of the driver's products,
// and looks at those whose meaning is beyond doubt.
func TestPublishedCodesHaveReasons(t *testing.T) {
	t.Parallel()
	set, err := definitions.Load()
	if err != nil {
		t.Fatal(err)
	}
	all, missed := map[string]bool{}, 0
	for _, product := range set.Products() {
		for _, action := range product.Actions {
			for code := range action.Errors {
				if all[code] {
					continue
				}
				all[code] = true
				if _, ok := codeReason(code); !ok {
					missed++
				}
			}
		}
	}
	if len(all) < 3000 || float64(missed) > unread*float64(len(all)) {
		t.Errorf("%d of %d codes are read by their status", missed, len(all))
	}
	t.Logf("%d of %d codes are read by their status", missed, len(all))
	for code, want := range map[string]apiv1.Reason{
		"Throttling.User": apiv1.Reason_REASON_THROTTLED, "OperationDenied.NoStock": apiv1.Reason_REASON_OUT_OF_STOCK,
		"Account.Arrearage": apiv1.Reason_REASON_PAYMENT_REQUIRED, "InvalidAccountStatus.NotEnoughBalance": apiv1.Reason_REASON_PAYMENT_REQUIRED,
		"QuotaExceed.ElasticQuota": apiv1.Reason_REASON_QUOTA_EXCEEDED, "DependencyViolation.VSwitch": apiv1.Reason_REASON_IN_USE,
		"IncorrectInstanceStatus": apiv1.Reason_REASON_INVALID_STATE, "IncorrectInstanceStatus.Initializing": apiv1.Reason_REASON_RESOURCE_BUSY,
		"InvalidInstanceId.NotFound": apiv1.Reason_REASON_NOT_FOUND, "InvalidImageName.Duplicated": apiv1.Reason_REASON_ALREADY_EXISTS,
		"Forbidden.RAM": apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, "InvalidOperation.DeletionProtection": apiv1.Reason_REASON_DELETION_PROTECTED,
		"InvalidAction.NotFound": apiv1.Reason_REASON_UNSUPPORTED_METHOD, "InvalidParameter": apiv1.Reason_REASON_PARAMETER_REJECTED,
		"LastTokenProcessing": apiv1.Reason_REASON_RESOURCE_BUSY, "InternalError": apiv1.Reason_REASON_CLOUD_ERROR,
	} {
		if got := Reason(&Fault{Code: code, Status: http.StatusBadRequest}); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}
