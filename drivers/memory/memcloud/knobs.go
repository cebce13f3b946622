package memcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// Knobs say how the cloud behaves and misbehaves. Method patterns are those of
// path.Match over "cloud.compute.v1.VmService/CreateVm"; an empty pattern means
// every rpc.
type Knobs struct {
	// Seed of everything that happens with a probability.
	Seed uint64 `json:"seed"`
	// The cloud honours the metadata client-token: a repeat gets the first
	// answer. Without it tokens are ignored, searches by tag see a new resource
	// late (marker_delay_ms), and a write whose caller is gone still happens.
	ClientTokens bool `json:"client_tokens"`
	// How long a new resource stays invisible to a search by tag; only without
	// client_tokens.
	MarkerDelayMillis int `json:"marker_delay_ms"`
	// How long a request whose caller is gone may still run, as told to drivers;
	// 0: 60.
	RequestTimeoutSeconds int `json:"request_timeout_seconds"`
	// Factor on the time that states take; 0: 1.
	StateDelayScale float64 `json:"state_delay_scale"`
	// Lists answer half of the page asked for.
	HalfPages bool `json:"half_pages"`
	// Lists answer a first page without anything on it, and a token for the next.
	EmptyPages bool `json:"empty_pages"`
	// A VM is made in as many calls as it has parts: the answer names the next step.
	StepwiseVMs bool `json:"stepwise_vms"`
	// Calls must come with this password; empty: with any.
	Password string `json:"password,omitempty"`
	// Limits by name ("compute.vm.count"), replacing the default; negative: none.
	Quotas map[string]int32 `json:"quotas,omitempty"`
	// Features that accounts of this cloud lack.
	AbsentFeatures []string       `json:"absent_features,omitempty"`
	Latency        []LatencyRule  `json:"latency,omitempty"`
	Errors         []ErrorRule    `json:"errors,omitempty"`
	Throttle       []ThrottleRule `json:"throttle,omitempty"`
	Failures       []FailureRule  `json:"failures,omitempty"`
	Alarms         []AlarmRule    `json:"alarms,omitempty"`
}

// LatencyRule makes rpcs slow. The first rule that matches holds.
type LatencyRule struct {
	Method       string `json:"method"`
	BeforeMillis int    `json:"before_ms"` // before the call takes effect
	AfterMillis  int    `json:"after_ms"`  // between the effect and the answer
}

// ErrorRule makes rpcs fail.
type ErrorRule struct {
	Method           string  `json:"method"`
	Step             string  `json:"step,omitempty"`     // of a call that goes on with a step, "nic-0"; or "undo"; empty: every call
	Reason           string  `json:"reason"`             // name of the error table, without prefix
	Skip             int     `json:"skip"`               // let so many calls pass first
	Count            int     `json:"count"`              // fail so many calls, then no more; 0: no limit
	Probability      float64 `json:"probability"`        // 0..1; 0: always
	AfterEffect      bool    `json:"after_effect"`       // the call takes effect and its answer is lost
	RetryAfterMillis int     `json:"retry_after_ms"`     // told with the error; 0: nothing
	Resource         string  `json:"resource,omitempty"` // resource type told with the error
}

// ThrottleRule refuses calls beyond a rate with THROTTLED: those that come less than
// a second after so many others that passed.
type ThrottleRule struct {
	Method         string `json:"method"`
	CallsPerSecond int    `json:"calls_per_second"`
}

// FailureRule makes new resources end in their error state after the cloud has
// accepted them.
type FailureRule struct {
	Kind        string  `json:"kind"`        // "compute.vm"
	Name        string  `json:"name"`        // pattern of path.Match; empty: every name
	Reason      string  `json:"reason"`      // empty: RESOURCE_FAILED
	Count       int     `json:"count"`       // 0: no limit
	Probability float64 `json:"probability"` // 0: always
}

// AlarmRule is an alarm of the cloud's own monitoring, active as long as it is there.
type AlarmRule struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`   // of resources that it is about, each with an alarm; empty: the account
	Object      string `json:"object"` // pattern of path.Match over their names; empty: all
	Severity    string `json:"severity"`
	Description string `json:"description"`
}

// DefaultKnobs are those of a cloud that behaves: it takes client tokens.
func DefaultKnobs() Knobs { return Knobs{ClientTokens: true} }

// ParseKnobs reads knobs from JSON over the default ones. Unknown members are
// an error.
func ParseKnobs(text []byte) (Knobs, error) {
	k := DefaultKnobs()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return Knobs{}, fmt.Errorf("read knobs: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Knobs{}, errors.New("read knobs: more than one JSON value")
	}
	return k, k.validate()
}

func (k Knobs) validate() error {
	var errs []error
	pattern := func(p string) {
		if _, err := path.Match(p, ""); err != nil {
			errs = append(errs, fmt.Errorf("knobs: pattern %q: %w", p, err))
		}
	}
	reason := func(r string) {
		if _, ok := apiv1.Reason_value["REASON_"+r]; !ok {
			errs = append(errs, fmt.Errorf("knobs: no reason %q", r))
		}
	}
	for _, r := range k.Latency {
		pattern(r.Method)
	}
	for _, r := range k.Errors {
		pattern(r.Method)
		reason(r.Reason)
	}
	for _, r := range k.Throttle {
		pattern(r.Method)
		if r.CallsPerSecond < 1 {
			errs = append(errs, errors.New("knobs: calls_per_second must be at least 1"))
		}
	}
	for _, r := range k.Failures {
		pattern(r.Name)
		if newMessage(kind(r.Kind)) == nil {
			errs = append(errs, fmt.Errorf("knobs: no kind %q", r.Kind))
		}
		if r.Reason != "" {
			reason(r.Reason)
		}
	}
	for _, r := range k.Alarms {
		pattern(r.Object)
		if r.Name == "" || r.Kind != "" && newMessage(kind(r.Kind)) == nil || severityNamed(r.Severity) == monitorv1.Severity_SEVERITY_UNSPECIFIED {
			errs = append(errs, fmt.Errorf("knobs: alarm %q needs a name, and a kind and a severity that there are", r.Name))
		}
	}
	if k.StateDelayScale < 0 {
		errs = append(errs, errors.New("knobs: state_delay_scale must not be negative"))
	}
	return errors.Join(errs...)
}
