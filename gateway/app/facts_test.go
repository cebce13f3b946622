package app

import (
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/certfile/certtest"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

func TestCertificateFacts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]monitorv1.Severity{
		-1: monitorv1.Severity_SEVERITY_CRITICAL, 3: monitorv1.Severity_SEVERITY_MAJOR, 20: monitorv1.Severity_SEVERITY_WARNING, 100: 0,
	} {
		certificate, _ := certtest.SelfSigned(t, "gw", now.AddDate(0, 0, -100), now.AddDate(0, 0, days))
		found, err := certificateFacts([]byte(certificate), now, "root")
		if err != nil {
			t.Fatal(err)
		}
		var got monitorv1.Severity
		if len(found) > 0 {
			got = found[0].Severity
		}
		if got != want {
			t.Errorf("%d days before its end: got %v, want %v", days, got, want)
		}
	}
	if _, err := certificateFacts([]byte("x"), now, "root"); err == nil {
		t.Error("what is no certificate was taken for one")
	}
}
