package drivertest

import (
	"bytes"
	"testing"
)

// Harness is a driver to be tested.
type Harness struct {
	// Program is the path of a driver's program, started with Args and Env.
	Program string
	Args    []string
	Env     []string
	// Target is used instead of Program where it is set.
	Target Target
	Options
}

// Run runs the suite and fails t for every rule that does not hold, and for
// every declared rpc that was not reached.
func Run(t *testing.T, h Harness) *Report {
	t.Helper()
	target := h.Target
	if target == nil {
		process, err := StartProcess(h.Program, h.Args, h.Env)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(process.Close)
		target = process
	}
	report, err := Check(t.Context(), target, h.Options)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Holds() {
		var told bytes.Buffer
		if err := report.Write(&told, "text"); err != nil {
			t.Fatal(err)
		}
		t.Errorf("the driver does not hold what it declares:\n%s", told.String())
	}
	return report
}
