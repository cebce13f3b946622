package memcloud

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// faultRequest is what the fault endpoint of the contract takes
// (cloud.driver.v1.AccountCapabilities.fault_endpoint).
type faultRequest struct {
	Faults []struct {
		Kind  string `json:"kind"`
		Skip  int    `json:"skip"`
		Count int    `json:"count"`
	} `json:"faults"`
}

// creates matches the rpcs that make something.
const creates = "*/Create*"

// retryAfterFault is how long a throttled caller is asked to wait.
const retryAfterFault = 10 // ms

// FaultHandler lets the conformance suite make the cloud fail. It has no
// authentication: listen on the loopback address only.
func FaultHandler(c *Cloud) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			http.Error(w, "PUT only", http.StatusMethodNotAllowed)
			return
		}
		if err := c.setFaults(http.MaxBytesReader(w, r.Body, maxKnobsBytes)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func (c *Cloud) setFaults(body io.Reader) error {
	var asked faultRequest
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		return fmt.Errorf("read faults: %w", err)
	}
	knobs := c.Knobs()
	knobs.Errors = nil
	for _, f := range asked.Faults {
		rule := ErrorRule{Method: creates, Skip: f.Skip, Count: f.Count}
		switch f.Kind {
		case "throttled":
			rule.Reason, rule.RetryAfterMillis = reasonName(apiv1.Reason_REASON_THROTTLED), retryAfterFault
		case "unavailable":
			rule.Reason = reasonName(apiv1.Reason_REASON_CLOUD_UNAVAILABLE)
		case "failed":
			rule.Reason = reasonName(apiv1.Reason_REASON_CLOUD_ERROR)
		case "lost":
			rule.Reason, rule.AfterEffect = reasonName(apiv1.Reason_REASON_CLOUD_TIMEOUT), true
		default:
			return fmt.Errorf("there is no fault %q", f.Kind)
		}
		knobs.Errors = append(knobs.Errors, rule)
	}
	return c.SetKnobs(knobs)
}
