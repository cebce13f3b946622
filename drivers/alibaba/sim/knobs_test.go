package sim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/signature"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	set := func(f sim.Faults) {
		t.Helper()
		f.DelayMS = 1
		if err := c.cloud.SetFaults(f); err != nil {
			t.Fatal(err)
		}
	}
	set(sim.Faults{Rates: map[string]int{"Ecs.*": 3}})
	throttled := 0
	for range 10 {
		if _, out := c.send(http.MethodPost, c.sign(http.MethodPost, "ecs", "DescribeRegions", nil)); out["Code"] == "Throttling.User" {
			throttled++
		}
	}
	if throttled < 5 {
		t.Errorf("%d of 10 throttled", throttled)
	}
	set(sim.Faults{Rules: []sim.Rule{{Action: "Vpc.CreateVpc", Effect: sim.EffectLose, Times: 1}, {Action: "Vpc.*", Skip: 1, Every: 2, Effect: sim.EffectDrop}}})
	p := c.sign(http.MethodPost, "vpc", "CreateVpc", values{"VpcName": "lost"})
	form := make([]string, 0, len(p))
	for k, v := range p {
		form = append(form, signature.Escape(k)+"="+signature.Escape(v))
	}
	answer, err := http.Post(c.cloud.URL, "application/x-www-form-urlencoded", strings.NewReader(strings.Join(form, "&")))
	if err == nil {
		answer.Body.Close()
		t.Error("the answer came")
	}
	set(sim.Faults{})
	if got := str(c.do("vpc", "DescribeVpcs", nil), "Vpcs.Vpc.0.VpcName"); got != "lost" {
		t.Errorf("VPC %s", got)
	}
	set(sim.Faults{Arrears: []string{c.cloud.Account.UID}})
	c.fails("InsufficientBalance", "vpc", "AllocateEipAddress", nil)
	set(sim.Faults{Quotas: map[string]int{"vpc": 1}})
	c.fails("QuotaExceeded.Vpc", "vpc", "CreateVpc", nil)
	if err := c.cloud.SetFaults(sim.Faults{Rules: []sim.Rule{{Action: "*", Effect: "explode"}}}); err == nil {
		t.Error("an unknown effect was taken")
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	c.do("vpc", "CreateVpc", nil)
	get := func(path string) string {
		answer, err := http.Get(c.cloud.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return string(body)
	}
	put := func(body string) int {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, c.cloud.URL+"/sim/faults", strings.NewReader(body))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for path, want := range map[string]string{
		"/sim/stats": `"Vpc.CreateVpc": 1`, "/sim/dump": `"kind": "vpc"`, "/sim/actions": `"Ecs.RunInstances"`, "/sim/faults": `"delay_ms": 20`, "/sim/healthz": "ok",
	} {
		if got := get(path); !strings.Contains(got, want) {
			t.Errorf("%s is %s", path, got)
		}
	}
	if code := put(`{"delay_ms":7,"rules":[{"action":"Ecs.*","effect":"error","code":"Throttling"}]}`); code != http.StatusOK {
		t.Errorf("put: %d", code)
	}
	c.fails("Throttling", "ecs", "DescribeRegions", nil)
	for _, bad := range []string{`{"delays":1}`, `{"rules":[{"action":"[","effect":"wait"}]}`, `{`} {
		if code := put(bad); code != http.StatusBadRequest {
			t.Errorf("put %s: %d", bad, code)
		}
	}
	answer, err := http.Post(c.cloud.URL+"/sim/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := get("/sim/dump"); strings.Contains(got, "vpc") {
		t.Errorf("after the reset: %s", got)
	}
}
