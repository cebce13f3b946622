package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestAmtool uses amtool as its manual says.
func TestAmtool(t *testing.T) {
	bin := program(t, "amtool")
	g := gateway(t)
	secret, _ := token(t, g)
	config := filepath.Join(t.TempDir(), "http.yml")
	if err := os.WriteFile(config, []byte("authorization: {credentials: "+secret+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	amtool := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, append([]string{"--alertmanager.url=" + g.URL() + api, "--http.config.file=" + config}, args...)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("amtool %v: %v\n%s%s", args, err, out, stderr.String())
		}
		return string(out)
	}
	want := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in:\n%s", part, text)
			}
		}
	}
	amtool("alert", "add", "DiskFull", "instance=db-1", "severity=critical", "--annotation=summary=nearly full")
	amtool("alert", "add", "DiskFull", "instance=db-2", "severity=warning")
	amtool("alert", "add", "Slow", "instance=db-1")
	want(amtool("alert", "query", "-o", "extended"), `alertname="DiskFull" instance="db-1" severity="critical"`, `instance="db-2"`, `alertname="Slow"`)
	if found := amtool("alert", "query", "-o", "json", "instance=~db-.*", "alertname=DiskFull"); strings.Contains(found, "Slow") || strings.Count(found, "fingerprint") != 2 {
		t.Errorf("by expression: got %s", found)
	}

	id := strings.TrimSpace(amtool("silence", "add", "--author=op", "--comment=repair", "--duration=1h", "instance=db-1"))
	want(amtool("silence", "query", "-o", "extended"), id, `instance="db-1"`, "op", "repair")
	want(amtool("alert", "query", "-o", "extended"), "db-2")
	if found := amtool("alert", "query", "-o", "extended"); strings.Contains(found, "db-1") {
		t.Errorf("a silenced alert is shown:\n%s", found)
	}
	want(amtool("alert", "query", "--silenced", "-o", "json"), "db-1", `"suppressed"`, id)
	amtool("silence", "update", "--duration=2h", "--comment=longer", id)
	renewed := strings.Fields(amtool("silence", "query", "-q", "instance=db-1"))
	if len(renewed) != 1 || renewed[0] == id {
		t.Fatalf("update: got %v", renewed)
	}
	want(amtool("silence", "query", "-o", "json", "instance=db-1"), renewed[0], "longer")
	amtool("silence", "expire", renewed[0])
	want(amtool("silence", "query", "--expired", "-o", "extended"), renewed[0])
	want(amtool("alert", "query", "-o", "extended"), "db-1", "db-2")

	amtool("alert", "add", "DiskFull", "instance=db-2", "severity=warning", "--end="+time.Now().Add(-time.Minute).Format(time.RFC3339))
	if found := amtool("alert", "query", "-o", "extended"); strings.Contains(found, "db-2") {
		t.Errorf("a resolved alert is shown:\n%s", found)
	}
	if list := g.Get(t, "monitor/alarm/list", object{"active": true}).List("alarms"); len(list) != 2 {
		t.Errorf("got %d alarms, want 2", len(list))
	}
}

// TestPrometheus has Prometheus push an alert to the gateway, and scrape it.
func TestPrometheus(t *testing.T) {
	bin := program(t, "prometheus")
	g := gateway(t)
	_, secret := token(t, g)
	dir := t.TempDir()
	address := free(t)
	host := strings.TrimPrefix(g.URL(), "http://")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules.yml", `groups:
- name: test
  interval: 1s
  rules:
  - alert: AlwaysOn
    expr: vector(97) > 90
    labels: {severity: critical, instance: db-1}
    annotations: {description: "use is {{ $value }} %"}
`)
	config := write("prometheus.yml", fmt.Sprintf(`global: {evaluation_interval: 1s, scrape_interval: 1s}
rule_files: [rules.yml]
alerting:
  alertmanagers:
  - path_prefix: %s
    authorization: {credentials_file: %s}
    static_configs: [{targets: ["%s"]}]
scrape_configs:
- job_name: yunqiao
  metrics_path: /monitor/v1/samples
  authorization: {credentials_file: %s}
  static_configs: [{targets: ["%s"]}]
`, api, secret, host, secret, host))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bin, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=error", "--rules.alert.resend-delay=1s")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	harness.Eventually(t, time.Minute, "the alert of Prometheus is an alarm", func() bool {
		list := g.Get(t, "monitor/alarm/list", object{"active": true}).List("alarms")
		return len(list) == 1 && list[0].Text("name") == "AlwaysOn" && list[0].Text("object_id") == "db-1" && list[0].Text("severity") == "SEVERITY_CRITICAL" &&
			list[0].Text("description") == "use is 97 %" && list[0].Text("expires_at") != ""
	})
	harness.Eventually(t, time.Minute, "Prometheus has the number of alarms from us", func() bool {
		response, err := http.Get("http://" + address + "/api/v1/query?" + url.Values{"query": {`yunqiao_alarms_active{severity="critical"}`}}.Encode())
		if err != nil {
			return false
		}
		defer response.Body.Close()
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		return json.NewDecoder(response.Body).Decode(&answer) == nil && len(answer.Data.Result) == 1 && answer.Data.Result[0].Value[1] == "1"
	})
}

func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestSamples reads what the simulated cloud measures.
func TestSamples(t *testing.T) {
	g := gateway(t)
	flavor := g.Get(t, "compute/flavor/list", object{"account_id": "memory"}).List("flavors")[0]
	image := g.Get(t, "storage/image/list", object{"account_id": "memory"}).List("images")[0]
	network := g.Post(t, "network/network/create?wait_seconds=20", object{"account_id": "memory", "name": "net"})
	subnet := g.Post(t, "network/subnet/create?wait_seconds=20", object{"network_id": network.Text("id"), "name": "sub", "cidr": "10.0.0.0/24"})
	vm := g.Post(t, "compute/vm/create?wait_seconds=30", object{
		"account_id": "memory", "name": "web-1", "flavor_id": flavor.Text("id"), "image_id": image.Text("id"), "nics": []object{{"subnet_id": subnet.Text("id")}},
	}).Text("id")
	measured := g.Get(t, "monitor/metric/list", object{}).List("vms")
	if len(measured) != 1 || measured[0].Text("id") != vm || len(measured[0].List("samples")) != 12 || measured[0].Text("tenant_id") == "" {
		t.Fatalf("got %v", measured)
	}
	series := g.Get(t, "monitor/metric/query", object{"id": vm, "metrics": "METRIC_CPU_UTILIZATION_PERCENT"}).List("series")
	if len(series) != 1 || series[0].Text("metric") != "METRIC_CPU_UTILIZATION_PERCENT" {
		t.Errorf("got %v", series)
	}
	secret, _ := token(t, g)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL()+"/monitor/v1/samples", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if !strings.Contains(string(text), `yunqiao_vm_cpu_utilization_percent{account_id="memory",device="",id="`+vm+`"`) {
		t.Errorf("got\n%s", text)
	}
}
