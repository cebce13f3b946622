package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// farEnd is how long an active alarm lasts for Alertmanager, which wants an end: we
// tell when it is cleared.
const farEnd = 365 * 24 * time.Hour

type alertmanagerSender struct {
	poster
	target Target
	now    func() time.Time
}

// alert is an alert of Alertmanager's API v2 (postableAlert).
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Send posts to /api/v2/alerts.
func (s *alertmanagerSender) Send(ctx context.Context, records []*monitorv1.AlarmRecord) (int, error) {
	alerts := make([]alert, len(records))
	for i, r := range records {
		a := r.GetAlarm()
		labels := map[string]string{}
		for k, v := range a.GetLabels() {
			labels[labelName(k)] = v
		}
		labels["alertname"], labels["object_id"], labels["alarm_id"] = a.GetName(), a.GetObjectId(), a.GetId()
		alerts[i] = alert{
			Labels: labels, StartsAt: a.GetRaisedAt().AsTime(), EndsAt: s.now().UTC().Add(farEnd),
			Annotations: map[string]string{
				"description": a.GetDescription(), "serial": r.GetSerial(), "number": a.GetNumber(), "severity": SeverityName(a.GetSeverity()),
			},
		}
		if a.GetClearedAt() != nil {
			alerts[i].EndsAt = a.GetClearedAt().AsTime()
		}
	}
	body, err := json.Marshal(alerts)
	if err == nil {
		err = s.post(ctx, strings.TrimRight(s.target.Address, "/")+"/api/v2/alerts", http.Header{}, body)
	}
	if err != nil {
		return 0, err
	}
	return len(records), nil
}

// SeverityName is a severity as a label: "major".
func SeverityName(s monitorv1.Severity) string {
	if s == monitorv1.Severity_SEVERITY_UNSPECIFIED {
		s = monitorv1.Severity_SEVERITY_INDETERMINATE
	}
	return strings.ToLower(strings.TrimPrefix(s.String(), "SEVERITY_"))
}

// labelName makes a label name of Prometheus: [a-zA-Z_][a-zA-Z0-9_]*.
func labelName(key string) string {
	if key == "" || key[0] >= '0' && key[0] <= '9' {
		key = "l_" + key
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, key)
}
