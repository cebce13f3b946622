package alarms_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/alarms"
	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const found = `{"Success":true,"Code":200,"Total":51,"Resources":{"Resource":[
	{"RuleId":"r1","RuleName":"cpu","Namespace":"acs_ecs_dashboard","MetricName":"CPUUtilization","Resource":"userId=1,instanceId=i-1","Statistics":"Average","Threshold":"90","Level":2,
		"StartTime":"1765539559000","Escalation":{"Resource":[{"Level":3,"ComparisonOperator":">=","Threshold":"80"},{"Level":2,"ComparisonOperator":">=","Threshold":"90"}]}},
	{"RuleId":"r1","RuleName":"cpu","Namespace":"acs_ecs_dashboard","MetricName":"CPUUtilization","Resource":"userId=1,instanceId=i-far","Statistics":"Average","Threshold":"80","Level":3},
	{"RuleId":"r2","RuleName":"queue","Namespace":"acs_mns_new","MetricName":"ActiveMessages","Resource":"userId=1,region=cn-huhehaote,queue=q","Statistics":"Sum","Threshold":"9","Level":4}]}}`

// TestAlarms reads a page, and tells the account's instances from others.
func TestAlarms(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, alarms.Register, map[string]string{
		"DescribeAlertingMetricRuleResources": found, "DescribeInstances": `{"Instances":{"Instance":[{"InstanceId":"i-1"}]}}`,
	})
	client := driverv1.NewCloudAlarmServiceClient(cloud.Conn)
	resp, err := client.ListCloudAlarms(calltest.Context(t), &driverv1.ListCloudAlarmsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	metric := monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC
	want := &driverv1.ListCloudAlarmsResponse{NextPageToken: "2", Alarms: []*driverv1.CloudAlarm{
		{
			Id: "r1/userId=1,instanceId=i-1", Name: "cpu", ResourceType: "compute.vm", ObjectId: "i-1", Severity: monitorv1.Severity_SEVERITY_CRITICAL, DataType: metric,
			Description: "acs_ecs_dashboard CPUUtilization: Average >= 90", RaisedAt: timestamppb.New(time.UnixMilli(1765539559000)),
		},
		{
			Id: "r1/userId=1,instanceId=i-far", Name: "cpu", ObjectId: "i-far", Severity: monitorv1.Severity_SEVERITY_WARNING, DataType: metric,
			Description: "acs_ecs_dashboard CPUUtilization: Average, threshold 80",
		},
		{
			Id: "r2/userId=1,region=cn-huhehaote,queue=q", Name: "queue", ObjectId: "region=cn-huhehaote,queue=q", Severity: monitorv1.Severity_SEVERITY_INDETERMINATE,
			DataType: metric, Description: "acs_mns_new ActiveMessages: Sum, threshold 9",
		},
	}}
	if diff := cmp.Diff(want, resp, protocmp.Transform()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	_, err = client.ListCloudAlarms(calltest.Context(t), &driverv1.ListCloudAlarmsRequest{PageToken: "x"})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
		t.Errorf("reason %v", got)
	}
}

// TestNoAlarms costs one call.
func TestNoAlarms(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, alarms.Register, nil)
	resp, err := driverv1.NewCloudAlarmServiceClient(cloud.Conn).ListCloudAlarms(calltest.Context(t), &driverv1.ListCloudAlarmsRequest{PageSize: 500})
	if err != nil || len(resp.GetAlarms()) != 0 || resp.GetNextPageToken() != "" {
		t.Errorf("answer %v, %v", resp, err)
	}
	if calls := cloud.Calls(); len(calls) != 1 || calls[0].Params["PageSize"] != "100" {
		t.Errorf("calls: %v", calls)
	}
}
