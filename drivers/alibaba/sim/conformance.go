package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// conformanceFaults is what the fault endpoint of the contract takes
// (cloud.driver.v1.AccountCapabilities.fault_endpoint), at /sim/conformance.
type conformanceFaults struct {
	Faults []struct {
		Kind  string `json:"kind"`
		Skip  int    `json:"skip"`
		Count int    `json:"count"`
	} `json:"faults"`
}

// putConformance replaces the rules; all else of Faults stays.
func (s *Sim) putConformance(w http.ResponseWriter, r *http.Request) {
	rules, err := conformanceRules(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		s.mu.Lock()
		f := s.faults
		s.mu.Unlock()
		f.Rules = rules
		err = s.SetFaults(f)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func conformanceRules(body io.Reader) ([]Rule, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var asked conformanceFaults
	if err := d.Decode(&asked); err != nil {
		return nil, err
	}
	var rules []Rule
	for _, f := range asked.Faults {
		rule := Rule{Action: "*.Create*", Skip: f.Skip, Times: f.Count, Effect: EffectError}
		switch f.Kind {
		case "throttled":
			rule.Code, rule.Status = "Throttling.User", http.StatusBadRequest
		case "unavailable":
			rule.Code, rule.Status = "ServiceUnavailable", http.StatusServiceUnavailable
		case "failed":
			rule.Code, rule.Status = "InternalError", http.StatusInternalServerError
		case "lost":
			rule.Effect = EffectLose
		default:
			return nil, fmt.Errorf("there is no fault %q", f.Kind)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}
