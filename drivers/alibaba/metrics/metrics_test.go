package metrics_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/metrics"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const found = `{"Instances":{"Instance":[{"InstanceId":"i-1","ResourceGroupId":"rg-test"},{"InstanceId":"i-2","ResourceGroupId":"rg-test"}]}}`

func at(seconds int64) *timestamppb.Timestamp { return timestamppb.New(time.Unix(seconds, 0)) }

// TestNewestSamples adds what is counted apart, and turns bits into bytes.
func TestNewestSamples(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, metrics.Register, map[string]string{
		"DescribeInstances": found,
		"DescribeMetricLast": `{"Success":true,"Code":"200","Datapoints":"[{\"timestamp\":60000,\"instanceId\":\"i-1\",\"Average\":8},` +
			`{\"timestamp\":120000,\"instanceId\":\"i-1\",\"Average\":20}]"}`,
	})
	resp, err := monitorv1.NewMetricServiceClient(cloud.Conn).ListMetrics(calltest.Context(t), &monitorv1.ListMetricsRequest{
		Metrics: []monitorv1.Metric{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, monitorv1.Metric_METRIC_NETWORK_RECEIVE_BYTES_PER_SECOND},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &monitorv1.ListMetricsResponse{Vms: []*monitorv1.VmMetrics{{Id: "i-1", Samples: []*monitorv1.Sample{
		{Metric: monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, At: at(120), Value: "20"},
		{Metric: monitorv1.Metric_METRIC_NETWORK_RECEIVE_BYTES_PER_SECOND, At: at(120), Value: "5"},
	}}}}
	if diff := cmp.Diff(want, resp, protocmp.Transform()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if calls := cloud.Calls(); len(calls) != 4 || calls[1].Params["Dimensions"] != `[{"instanceId":"i-1"},{"instanceId":"i-2"}]` {
		t.Errorf("calls: %v", calls)
	}
}

// TestCourse averages what falls into one step.
func TestCourse(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Hour)
	points := `{"Success":true,"Code":"200","Datapoints":"[`
	for i := range 10 {
		if i > 0 {
			points += ","
		}
		points += `{\"timestamp\":` + stamp(now.Add(time.Duration(i-60)*time.Minute)) + `,\"instanceId\":\"i-1\",\"Average\":` + string(rune('0'+i)) + `}`
	}
	cloud := calltest.Open(t, metrics.Register, map[string]string{"DescribeInstances": found, "DescribeMetricList": points + `]"}`})
	client := monitorv1.NewMetricServiceClient(cloud.Conn)
	resp, err := client.QueryMetrics(calltest.Context(t), &monitorv1.QueryMetricsRequest{
		Id: "i-1", Metrics: []monitorv1.Metric{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT}, StepSeconds: 200,
		Since: timestamppb.New(now.Add(-time.Hour)), Until: timestamppb.New(now),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &monitorv1.QueryMetricsResponse{Series: []*monitorv1.Series{{
		Metric: monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT,
		Points: []*monitorv1.Point{
			{At: timestamppb.New(now.Add(-55 * time.Minute)), Value: "2"}, {At: timestamppb.New(now.Add(-50 * time.Minute)), Value: "7"},
		},
	}}}
	if diff := cmp.Diff(want, resp, protocmp.Transform()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if got := cloud.Calls()[1].Params["Period"]; got != "300" {
		t.Errorf("period is %s", got)
	}
	_, err = client.QueryMetrics(calltest.Context(t), &monitorv1.QueryMetricsRequest{Id: "i-1", Since: timestamppb.New(now.AddDate(-1, 0, 0))})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_PARAMETER_REJECTED {
		t.Errorf("a year ago: %v", err)
	}
	_, err = client.QueryMetrics(calltest.Context(t), &monitorv1.QueryMetricsRequest{Id: "i-9"})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_NOT_FOUND {
		t.Errorf("of nothing: %v", err)
	}
}

func stamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
