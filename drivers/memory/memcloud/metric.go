package memcloud

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type metricService struct {
	monitorv1.UnimplementedMetricServiceServer
	c *Cloud
}

var _ monitorv1.MetricServiceServer = (*metricService)(nil)

const (
	measuredEvery  = time.Minute
	measuredKept   = 7 * 24 * time.Hour
	maxPoints      = 1500
	percentScale   = 100
	memoryScaleMiB = 16384
	rateScale      = 1 << 20
)

// ListMetrics reads the newest samples of the VMs that run; one that does not is not
// measured.
func (s *metricService) ListMetrics(ctx context.Context, req *monitorv1.ListMetricsRequest) (*monitorv1.ListMetricsResponse, error) {
	p, err := list(s.c, ctx, vms, req, func(_ *view, vm *computev1.Vm) bool { return vm.GetState() == computev1.VmState_VM_STATE_RUNNING })
	if err != nil {
		return nil, err
	}
	at := s.c.Now().UTC().Truncate(measuredEvery)
	answer := &monitorv1.ListMetricsResponse{NextPageToken: p.next, MissingIds: p.missing}
	for _, vm := range p.items {
		m := &monitorv1.VmMetrics{Id: vm.GetId()}
		for _, metric := range wantedMetrics(req.GetMetrics()) {
			m.Samples = append(m.Samples, &monitorv1.Sample{Metric: metric, At: timestamppb.New(at), Value: measured(vm.GetId(), metric, at)})
		}
		answer.Vms = append(answer.Vms, m)
	}
	return answer, nil
}

// QueryMetrics reads the course of a VM's metrics, from when it was made.
func (s *metricService) QueryMetrics(ctx context.Context, req *monitorv1.QueryMetricsRequest) (*monitorv1.QueryMetricsResponse, error) {
	return read(s.c, ctx, func(v *view) (*monitorv1.QueryMetricsResponse, error) {
		_, vm, err := vms.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		until := v.now.UTC()
		if req.GetUntil() != nil && req.GetUntil().AsTime().Before(until) {
			until = req.GetUntil().AsTime()
		}
		since := until.Add(-time.Hour)
		if req.GetSince() != nil {
			since = req.GetSince().AsTime()
		}
		if until.Before(v.now.Add(-measuredKept)) {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("until"), sdk.Violation("until", "the cloud keeps seven days"))
		}
		step := max(measuredEvery, time.Duration(req.GetStepSeconds())*time.Second).Round(measuredEvery)
		answer := &monitorv1.QueryMetricsResponse{}
		for _, metric := range wantedMetrics(req.GetMetrics()) {
			series := &monitorv1.Series{Metric: metric}
			for at := until.Truncate(step); !at.Before(since) && !at.Before(vm.GetCreatedAt().AsTime()) && len(series.GetPoints()) < maxPoints; at = at.Add(-step) {
				series.Points = append(series.Points, &monitorv1.Point{At: timestamppb.New(at), Value: measured(vm.GetId(), metric, at)})
			}
			slices.Reverse(series.GetPoints())
			answer.Series = append(answer.Series, series)
		}
		return answer, nil
	})
}

func wantedMetrics(wanted []monitorv1.Metric) []monitorv1.Metric {
	if len(wanted) > 0 {
		return wanted
	}
	all := monitorv1.Metric_METRIC_UNSPECIFIED.Descriptor().Values()
	out := make([]monitorv1.Metric, 0, all.Len()-1)
	for i := range all.Len() {
		if n := all.Get(i).Number(); n != 0 {
			out = append(out, monitorv1.Metric(n))
		}
	}
	return out
}

// measured is a value that looks like a measured one and is the same whenever it is
// asked for.
func measured(id string, metric monitorv1.Metric, at time.Time) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id + metric.String() + strconv.FormatInt(at.Unix(), 10)))
	scale := float64(rateScale)
	switch metric {
	case monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, monitorv1.Metric_METRIC_MEMORY_UTILIZATION_PERCENT, monitorv1.Metric_METRIC_DISK_UTILIZATION_PERCENT:
		scale = percentScale
	case monitorv1.Metric_METRIC_MEMORY_USED_MIB:
		scale = memoryScaleMiB
	default:
	}
	const parts = 10000
	return strconv.FormatFloat(scale*float64(h.Sum64()%parts)/parts, 'f', 2, 64)
}
