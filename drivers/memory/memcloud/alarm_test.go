package memcloud

import (
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// TestAlarms has knobs raise alarms, and take them back.
func TestAlarms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	alarms := driverv1.NewCloudAlarmServiceClient(r.conn)
	active := func(want int) []*driverv1.CloudAlarm {
		t.Helper()
		var all []*driverv1.CloudAlarm
		for token := ""; ; {
			page := must[*driverv1.ListCloudAlarmsResponse](t)(alarms.ListCloudAlarms(ctx, &driverv1.ListCloudAlarmsRequest{PageSize: 1, PageToken: token}))
			all = append(all, page.GetAlarms()...)
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(all) != want {
			t.Fatalf("%d alarms, want %d: %v", len(all), want, all)
		}
		return all
	}
	active(0)
	_, subnet := r.newSubnet("10.0.0.0/24")
	id := must[*computev1.CreateVmResponse](t)(r.vm.CreateVm(ctx, vmRequest(subnet))).GetId()
	knobs, err := ParseKnobs([]byte(`{"alarms":[{"name":"CpuHigh","kind":"compute.vm","severity":"MAJOR"},{"name":"Other","kind":"compute.vm","object":"no*"},{"name":"Region"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cloud.SetKnobs(knobs); err != nil {
		t.Fatal(err)
	}
	found := active(2)
	if a := found[0]; a.GetObjectId() != id || a.GetSeverity() != monitorv1.Severity_SEVERITY_MAJOR || a.GetId() == found[1].GetId() {
		t.Errorf("alarms are %v", found)
	}
	refused[*driverv1.ListCloudAlarmsResponse](r, apiv1.Reason_REASON_PAGE_TOKEN_INVALID)(alarms.ListCloudAlarms(ctx, &driverv1.ListCloudAlarmsRequest{PageToken: "x"}))
	if err := r.cloud.SetKnobs(DefaultKnobs()); err != nil {
		t.Fatal(err)
	}
	active(0)
	for _, bad := range []string{`{"name":""}`, `{"name":"a","kind":"no"}`, `{"name":"a","severity":"BAD"}`, `{"name":"a","object":"["}`} {
		if _, err := ParseKnobs([]byte(`{"alarms":[` + bad + `]}`)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
