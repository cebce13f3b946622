package tenants

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestCounts: numbers that an organization is told do not grow with what others do.
func TestCounts(t *testing.T) {
	w := newBareWorld(t)
	alpha, beta := w.alpha.users["administrator"].as(), w.beta.users["administrator"].as()
	w.Post(t, "monitor/channel/create", object{"name": "pager", "kind": "CHANNEL_KIND_WEBHOOK", "address": "http://127.0.0.1:9/hook"}, beta)
	seen := func() string {
		alarms := w.Send(t, http.MethodGet, harness.Path("monitor/alarm/list"), nil, beta).Data
		channel := w.Send(t, http.MethodGet, harness.Path("monitor/channel/list"), nil, beta).Data.List("channels")[0]
		return fmt.Sprint(alarms.Text("serial"), " ", channel.Text("delivered_serial"), " ", channel.Int("pending_count"))
	}
	before := seen()
	for _, name := range []string{"disk full", "link down", "fan"} {
		w.Post(t, "monitor/alarm/report", object{"name": name, "object_id": "rack-1"}, alpha)
	}
	if after := seen(); after != before {
		t.Errorf("serial, delivered, pending were %s, are %s after alarms of another organization", before, after)
	}
	w.Post(t, "monitor/alarm/report", object{"name": "own", "object_id": "rack-2"}, beta)
	if after := seen(); after == before {
		t.Errorf("its own alarm does not show: %s", after)
	}
}

// TestHostsOwn: files and ports of the gateway's machine are the root's to name.
func TestHostsOwn(t *testing.T) {
	w := newBareWorld(t)
	admin := w.beta.users["administrator"].as()
	for method, address := range map[string]string{
		"SUBMISSION_METHOD_FILE": "/var/log/*.log", "SUBMISSION_METHOD_SYSLOG": "udp://127.0.0.1:0",
	} {
		submission := w.Post(t, "logging/submission/create", object{"name": method, "method": method}, admin).Text("id")
		w.Refused(t, "PERMISSION_DENIED", "logging/location/create", object{"name": "theirs", "submission_id": submission, "address": address}, admin)
	}
}
