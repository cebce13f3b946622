package main

import (
	"testing"
	"time"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// TestAlarms has a rule of the simulated cloud alert at an instance, and not any more.
func TestAlarms(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	for _, err := range r.create(r.site(), 1, 1, time.Minute) {
		r.must(err)
	}
	vms, err := monitorv1.NewMetricServiceClient(r.process.Conn()).ListMetrics(r.as("vms", 1), &monitorv1.ListMetricsRequest{})
	r.must(err)
	vm := vms.GetVms()[0].GetId()
	owner, err := session.Open(t.Context(), r.settings, r.credentials, session.Options{})
	r.must(err)
	defer owner.Close()
	rule := func(threshold string) {
		t.Helper()
		params := api.Params{}.Set("RuleId", "r").Set("RuleName", "cpu").Set("Namespace", "acs_ecs_dashboard").Set("MetricName", "CPUUtilization").
			JSON("Resources", []map[string]string{{"instanceId": vm}, {"instanceId": "i-gone"}}).Set("ContactGroups", "ops").
			Set("Escalations.Critical.Statistics", "Average").Set("Escalations.Critical.ComparisonOperator", "GreaterThanThreshold").
			Set("Escalations.Critical.Threshold", threshold).Set("Escalations.Critical.Times", "1")
		r.must(owner.Call(t.Context(), api.CloudMonitor, "PutResourceMetricRule", params, &struct{}{}))
	}
	r.must(owner.Call(t.Context(), api.CloudMonitor, "PutContactGroup", api.Params{}.Set("ContactGroupName", "ops"), &struct{}{}))
	active := func(want int) []*driverv1.CloudAlarm {
		t.Helper()
		found, err := driverv1.NewCloudAlarmServiceClient(r.process.Conn()).ListCloudAlarms(r.as("alarms", 1), &driverv1.ListCloudAlarmsRequest{})
		r.must(err)
		if len(found.GetAlarms()) != want {
			t.Fatalf("alarms %v, want %d", found.GetAlarms(), want)
		}
		return found.GetAlarms()
	}
	active(0)
	rule("1")
	alarm := active(1)[0]
	if alarm.GetObjectId() != vm || alarm.GetResourceType() != "compute.vm" || alarm.GetName() != "cpu" || alarm.GetSeverity() != monitorv1.Severity_SEVERITY_CRITICAL ||
		alarm.GetDescription() != "acs_ecs_dashboard CPUUtilization: Average > 1" || time.Since(alarm.GetRaisedAt().AsTime()) > time.Hour {
		t.Errorf("alarm %v", alarm)
	}
	rule("101")
	active(0)
	r.cloud.CheckClean(t)
}
