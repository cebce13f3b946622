package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// place is where a value was measured.
type place struct {
	instance, device string
	millis           int64
}

// datapoint is a member of Datapoints, which is JSON inside of JSON.
type datapoint struct {
	Timestamp  int64 `json:"timestamp"`
	InstanceID string
	Device     string `json:"device"`
	DiskName   string `json:"diskname"`
	Average    float64
}

// read asks for all that a source is made of and adds it up.
func (s source) read(ctx context.Context, caller api.Caller, action string, params api.Params) (map[place]float64, error) {
	sum := map[place]float64{}
	for _, name := range s.names {
		points, err := datapoints(ctx, caller, action, name, maps.Clone(params))
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			sum[place{p.InstanceID, cmp.Or(p.DiskName, p.Device), p.Timestamp}] += p.Average / s.divisor
		}
	}
	return sum, nil
}

func datapoints(ctx context.Context, caller api.Caller, action, name string, params api.Params) ([]datapoint, error) {
	params.Set("Namespace", namespace).Set("MetricName", name)
	return sdk.ReadAll(ctx, func(ctx context.Context, token string) ([]datapoint, string, error) {
		var out struct{ Datapoints, NextToken string }
		if err := caller.Call(ctx, api.CloudMonitor, action, params.Set("NextToken", token), &out); err != nil {
			return nil, "", api.Error(err, "compute.vm", "")
		}
		var points []datapoint
		if out.Datapoints == "" {
			return nil, out.NextToken, nil
		}
		if err := json.Unmarshal([]byte(out.Datapoints), &points); err != nil {
			return nil, "", sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Cause(fmt.Errorf("read %s: %w", name, err)))
		}
		return points, out.NextToken, nil
	})
}

// format writes a value as the contract has it, decimal.
func format(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// newest are the last values of each instance and device.
func newest(metric monitorv1.Metric, values map[place]float64) map[string][]*monitorv1.Sample {
	last := map[place]place{}
	for p := range values {
		key := place{p.instance, p.device, 0}
		if now, ok := last[key]; !ok || p.millis > now.millis {
			last[key] = p
		}
	}
	samples := map[string][]*monitorv1.Sample{}
	for _, p := range slices.SortedFunc(maps.Values(last), func(a, b place) int { return cmp.Compare(a.device, b.device) }) {
		samples[p.instance] = append(samples[p.instance], &monitorv1.Sample{
			Metric: metric, Device: p.device, At: timestamppb.New(time.UnixMilli(p.millis)), Value: format(values[p]),
		})
	}
	return samples
}

// course are the values of one instance over time, a series for each device. Values
// within a step are averaged; a point's time is the end of its step.
func course(metric monitorv1.Metric, values map[place]float64, step time.Duration) []*monitorv1.Series {
	type bucket struct {
		sum   float64
		count int
	}
	byDevice := map[string]map[int64]bucket{}
	for p, v := range values {
		if byDevice[p.device] == nil {
			byDevice[p.device] = map[int64]bucket{}
		}
		at := time.UnixMilli(p.millis).Truncate(step).UnixMilli()
		b := byDevice[p.device][at]
		byDevice[p.device][at] = bucket{b.sum + v, b.count + 1}
	}
	var all []*monitorv1.Series
	for _, device := range slices.Sorted(maps.Keys(byDevice)) {
		series := &monitorv1.Series{Metric: metric, Device: device}
		for _, at := range slices.Sorted(maps.Keys(byDevice[device])) {
			b := byDevice[device][at]
			series.Points = append(series.Points, &monitorv1.Point{
				At: timestamppb.New(time.UnixMilli(at).Add(step)), Value: format(b.sum / float64(b.count)),
			})
		}
		all = append(all, series)
	}
	return all
}
