package memcloud

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	metrics := monitorv1.NewMetricServiceClient(r.conn)
	_, subnet := r.newSubnet("10.0.0.0/24")
	id := must[*computev1.CreateVmResponse](t)(r.vm.CreateVm(ctx, vmRequest(subnet))).GetId()
	newest := func(want int) *monitorv1.ListMetricsResponse {
		t.Helper()
		answer := must[*monitorv1.ListMetricsResponse](t)(metrics.ListMetrics(ctx, &monitorv1.ListMetricsRequest{}))
		if len(answer.GetVms()) != want {
			t.Fatalf("%d VMs are measured, want %d", len(answer.GetVms()), want)
		}
		return answer
	}
	newest(0)
	r.settle()
	samples := newest(1).GetVms()[0].GetSamples()
	if len(samples) != 12 || samples[0].GetMetric() != monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT {
		t.Fatalf("samples are %v", samples)
	}
	r.clock.pass(2 * time.Hour)
	series := must[*monitorv1.QueryMetricsResponse](t)(metrics.QueryMetrics(ctx, &monitorv1.QueryMetricsRequest{
		Id: id, Metrics: []monitorv1.Metric{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT}, StepSeconds: 300,
	})).GetSeries()
	if len(series) != 1 || len(series[0].GetPoints()) < 12 || !series[0].GetPoints()[0].GetAt().AsTime().Before(series[0].GetPoints()[1].GetAt().AsTime()) {
		t.Errorf("the last hour is %v", series)
	}
	all := must[*monitorv1.QueryMetricsResponse](t)(metrics.QueryMetrics(ctx, &monitorv1.QueryMetricsRequest{
		Id: id, Metrics: []monitorv1.Metric{samples[0].GetMetric()}, Since: timestamppb.New(r.clock.now().Add(-24 * time.Hour)),
	})).GetSeries()[0].GetPoints()
	if len(all) < 100 || len(all) > 130 {
		t.Errorf("since it was made there are %d points", len(all))
	}
	refused[*monitorv1.QueryMetricsResponse](r, apiv1.Reason_REASON_NOT_FOUND)(metrics.QueryMetrics(ctx, &monitorv1.QueryMetricsRequest{Id: "vm-no"}))
	refused[*monitorv1.QueryMetricsResponse](r, apiv1.Reason_REASON_PARAMETER_REJECTED)(metrics.QueryMetrics(ctx, &monitorv1.QueryMetricsRequest{
		Id: id, Until: timestamppb.New(r.clock.now().Add(-30 * 24 * time.Hour)),
	}))
	must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: id}))
	r.settle()
	newest(0)
}
