package drivertest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
	"github.com/yunqiao/yunqiao/drivers/drivertest/broken"
)

// programs is the folder of the programs under test.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "drivertest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs = dir
	build := exec.Command("go", "build", "-o", dir, "../memory", "./conform")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// harness is the memory driver on a durable cloud of its own.
func harness(t *testing.T, knobs string) drivertest.Harness {
	t.Helper()
	return drivertest.Harness{
		Program: filepath.Join(programs, "memory"),
		Options: drivertest.Options{
			Settings: map[string]string{"data_file": filepath.Join(t.TempDir(), "cloud.db"), "knobs": knobs, "fault_listen": "127.0.0.1:0"},
			// The simulated cloud is quick: its states take a hundredth of their time.
			PollSeconds: 0.02, SettleSeconds: 20,
		},
	}
}

const (
	withTokens    = `{"state_delay_scale":0.01}`
	withoutTokens = `{"state_delay_scale":0.01,"client_tokens":false}`
)

// few are the resource types that the broken drivers are wrong about.
func few() []string {
	return []string{
		"network.network", "network.subnet", "network.security_group", "compute.key_pair", "compute.vm", "compute.flavor", "storage.disk", "account.cloud_tenant",
	}
}

func TestMemoryHolds(t *testing.T) {
	t.Parallel()
	report := drivertest.Run(t, harness(t, withTokens))
	if passed := report.Count(drivertest.Passed); passed < 400 {
		t.Errorf("only %d checks were made", passed)
	}
}

func TestMemoryWithoutTokensHolds(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, harness(t, withoutTokens))
}

// TestEachRuleFindsItsDriver shows that a rule finds the driver that breaks it,
// and that no other rule complains about it.
func TestEachRuleFindsItsDriver(t *testing.T) {
	broke := map[drivertest.Rule]bool{}
	for _, driver := range broken.Drivers() {
		broke[driver.Rule] = true
		t.Run(string(driver.Rule), func(t *testing.T) {
			t.Parallel()
			h := harness(t, withTokens)
			h.Resources = few()
			h.SettleSeconds = 1.5
			sound, err := drivertest.StartProcess(h.Program, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(sound.Close)
			report, err := drivertest.Check(t.Context(), driver.Over(sound), h.Options)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, result := range report.Of(drivertest.Failed) {
				found = found || result.Rule == driver.Rule
				if result.Rule != driver.Rule {
					t.Errorf("%s complains about a driver that %s: %s: %s", result.Rule, driver.Fault, result.Subject, result.Detail)
				}
			}
			if !found {
				t.Errorf("nothing was found of a driver that %s", driver.Fault)
			}
			if report.Holds() {
				t.Error("the report says that the driver holds")
			}
		})
	}
	for _, doc := range drivertest.Rules() {
		if !broke[doc.Rule] {
			t.Errorf("no broken driver for %s", doc.Rule)
		}
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "conform.json")
	text, err := json.Marshal(harness(t, withTokens).Options)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	conform := func(args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "conform"), args...)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		_ = cmd.Run() // the status tells
		return out.String() + errOut.String(), cmd.ProcessState.ExitCode()
	}
	memory := filepath.Join(programs, "memory")
	for name, tc := range map[string]struct {
		args   []string
		status int
		told   string
	}{
		"holds":             {[]string{"--config", config, "--resources", "network.network", memory}, 0, "0 failed"},
		"not reached":       {[]string{"--config", config, "--resources", "network.subnet", memory}, 1, "UNTESTED"},
		"allowed":           {[]string{"--config", config, "--resources", "network.subnet", "--allow-untested", memory}, 0, "UNTESTED"},
		"no program":        {[]string{"--config", config}, 2, "give a program or --address"},
		"no such program":   {[]string{memory + "-none"}, 1, "memory-none"},
		"wrong setting":     {[]string{"--setting", "colour=red", memory}, 1, "open the account"},
		"nobody listens":    {[]string{"--address", "127.0.0.1:1"}, 1, "ask the driver what it is"},
		"wrong report":      {[]string{"--config", config, "--resources", "compute.zone", "--report", "odd", memory}, 1, "none of"},
		"not a driver":      {[]string{"/bin/true"}, 1, "start /bin/true"},
		"unknown flag":      {[]string{"--colour"}, 2, "colour"},
		"explains itself":   {[]string{"--help"}, 0, "exit status is 0 only if"},
		"no such authority": {[]string{"--address", "127.0.0.1:1", "--tls-ca", dir + "/none"}, 1, "--tls-ca"},
	} {
		if out, status := conform(tc.args...); status != tc.status || !strings.Contains(out, tc.told) {
			t.Errorf("%s: exit status %d, want %d with %q: %s", name, status, tc.status, tc.told, out)
		}
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	report := drivertest.Report{Driver: "x", Version: "1.0.0", Results: []drivertest.Result{
		{Rule: drivertest.RuleInfo, Status: drivertest.Passed},
		{Rule: drivertest.RuleUnits, Subject: "storage.disk", Status: drivertest.Failed, Detail: `1 < 2 & "3"`},
		{Rule: drivertest.RuleDeclared, Subject: "a/B", Status: drivertest.Untested, Detail: "why"},
	}}
	told := map[string]string{}
	for _, format := range drivertest.Formats() {
		var b bytes.Buffer
		if err := report.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		told[format] = b.String()
	}
	var back drivertest.Report
	if err := json.Unmarshal([]byte(told["json"]), &back); err != nil || len(back.Results) != 3 {
		t.Errorf("json: %v: %s", err, told["json"])
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal([]byte(told["junit"]), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 3 || suite.Failures != 1 || suite.Skipped != 1 || suite.Cases[1].Failure.Message != `1 < 2 & "3"` {
		t.Errorf("junit: %s", told["junit"])
	}
	if !strings.Contains(told["text"], "1 passed, 1 failed, 1 untested") {
		t.Errorf("text: %s", told["text"])
	}
}
