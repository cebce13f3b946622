package drivertest

import (
	"cmp"
	"slices"
	"time"
)

// Status is how one check ended.
type Status string

// The statuses. Untested is what is declared but was not reached.
const (
	Passed   Status = "pass"
	Failed   Status = "fail"
	Untested Status = "untested"
)

// Result is one check of one rule on one subject.
type Result struct {
	Rule    Rule   `json:"rule"`
	Subject string `json:"subject"` // full rpc name, feature, resource type, or empty
	Status  Status `json:"status"`
	Detail  string `json:"detail,omitempty"`
}

// Report is one run of the suite.
type Report struct {
	Driver   string    `json:"driver"`
	Version  string    `json:"version"`
	Provider string    `json:"provider"`
	About    string    `json:"about"` // what the cloud is, as the run's options say
	Target   string    `json:"target"`
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"`
	Results  []Result  `json:"results"`
}

// Count tells how many results have a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Of returns the results with a status.
func (r *Report) Of(status Status) []Result {
	var found []Result
	for _, result := range r.Results {
		if result.Status == status {
			found = append(found, result)
		}
	}
	return found
}

// Holds tells whether nothing failed and every declared rpc was exercised.
// Features that no request of the plan uses do not count against a driver.
func (r *Report) Holds() bool {
	return !slices.ContainsFunc(r.Results, func(result Result) bool {
		return result.Status == Failed || result.Status == Untested && result.Rule != RuleFeature && result.Rule != RuleCrash
	})
}

// tidy keeps one result for each rule and subject, the worst, in the order of Rules.
func (r *Report) tidy() {
	order := map[Rule]int{}
	for i, doc := range Rules() {
		order[doc.Rule] = i
	}
	severity := map[Status]int{Failed: 0, Passed: 1, Untested: 2}
	slices.SortStableFunc(r.Results, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(order[a.Rule], order[b.Rule]),
			cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(severity[a.Status], severity[b.Status]),
		)
	})
	r.Results = slices.CompactFunc(r.Results, func(a, b Result) bool { return a.Rule == b.Rule && a.Subject == b.Subject })
}
