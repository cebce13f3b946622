package metrics

import (
	"context"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// maxMeasured is how many instances one call may ask about.
	maxMeasured = 50
	// parallel is how many metrics are asked for at the same time.
	parallel = 4
	// kept is how long CMS keeps figures.
	kept = 91 * 24 * time.Hour
	// maxPoints bounds a series of the contract.
	maxPoints = 1500
	// pageLength is how many points one page of CMS has at most.
	pageLength = 1440

	defaultCourse = time.Hour
	shortest      = time.Minute
)

// Metrics serves cloud.monitor.v1.MetricService.
type Metrics struct {
	monitorv1.UnimplementedMetricServiceServer
	accounts *session.Accounts
}

var _ monitorv1.MetricServiceServer = (*Metrics)(nil)

// Register adds the service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	monitorv1.RegisterMetricServiceServer(r, &Metrics{accounts: accounts})
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature { return nil }

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc { return nil }

type instance struct {
	InstanceID      string `json:"InstanceId"`
	ResourceGroupID string `json:"ResourceGroupId"`
}

func instances() kind.Kind[instance] {
	return kind.Kind[instance]{
		Type: "compute.vm", Product: api.ECS, Action: "DescribeInstances", Items: "Instances.Instance", IDs: "InstanceIds",
		Style: kind.JSONIDs, MaxIDs: 100, Paging: kind.Tokens, MaxPage: maxMeasured, ID: func(v *instance) string { return v.InstanceID },
		Group: func(v *instance) string { return v.ResourceGroupID },
	}
}

// ListMetrics reads a page of at most 50 instances and their newest samples: a call
// for the page, and for every 50 instances one for each figure of CMS, eleven in all.
func (m *Metrics) ListMetrics(ctx context.Context, req *monitorv1.ListMetricsRequest) (*monitorv1.ListMetricsResponse, error) {
	s, err := m.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	page, err := instances().Find(ctx, s, req, api.Params{}.Set("ResourceGroupId", s.ResourceGroup))
	if err != nil {
		return nil, err
	}
	samples := make(map[string][]*monitorv1.Sample, len(page.Items))
	for some := range slices.Chunk(page.Items, maxMeasured) {
		params := about(some...).Set("Period", period(shortest)).Set("Length", strconv.Itoa(pageLength))
		found, err := eachSource(ctx, s, "DescribeMetricLast", params, req.GetMetrics())
		if err != nil {
			return nil, err
		}
		for i, src := range wanted(req.GetMetrics()) {
			for id, values := range newest(src.metric, found[i]) {
				samples[id] = append(samples[id], values...)
			}
		}
	}
	resp := &monitorv1.ListMetricsResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for _, v := range page.Items {
		if len(samples[v.InstanceID]) > 0 {
			resp.Vms = append(resp.Vms, &monitorv1.VmMetrics{Id: v.InstanceID, Samples: samples[v.InstanceID]})
		}
	}
	return resp, nil
}

// QueryMetrics reads the course of the metrics of an instance: a call to see that it
// exists, and one for each figure of CMS and 1,440 points.
func (m *Metrics) QueryMetrics(ctx context.Context, req *monitorv1.QueryMetricsRequest) (*monitorv1.QueryMetricsResponse, error) {
	s, err := m.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	until := s.Now()
	if req.GetUntil() != nil {
		until = req.GetUntil().AsTime()
	}
	since := until.Add(-defaultCourse)
	if req.GetSince() != nil {
		since = req.GetSince().AsTime()
	}
	if since.Before(s.Now().Add(-kept)) || !since.Before(until) {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("since"),
			sdk.Violation("since", "must be before until and within the last 91 days"))
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	step := stepOf(time.Duration(req.GetStepSeconds())*time.Second, until.Sub(since))
	params := about(*found).Set("Period", period(step)).Set("Length", strconv.Itoa(pageLength)).
		Set("StartTime", strconv.FormatInt(since.UnixMilli(), 10)).Set("EndTime", strconv.FormatInt(until.UnixMilli(), 10))
	values, err := eachSource(ctx, s, "DescribeMetricList", params, req.GetMetrics())
	if err != nil {
		return nil, err
	}
	resp := &monitorv1.QueryMetricsResponse{}
	for i, src := range wanted(req.GetMetrics()) {
		resp.Series = append(resp.Series, course(src.metric, values[i], step)...)
	}
	return resp, nil
}

// eachSource reads the sources of the metrics asked for, in the order of wanted.
func eachSource(ctx context.Context, s *session.Session, action string, params api.Params, metrics []monitorv1.Metric) ([]map[place]float64, error) {
	sources := wanted(metrics)
	all := make([]map[place]float64, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, src := range sources {
		group.Go(func() (err error) {
			all[i], err = src.read(ctx, s, action, params)
			return err
		})
	}
	return all, group.Wait()
}

// about is the parameter that names instances.
func about(some ...instance) api.Params {
	dimensions := make([]map[string]string, 0, len(some))
	for _, v := range some {
		dimensions = append(dimensions, map[string]string{"instanceId": v.InstanceID})
	}
	return api.Params{}.JSON("Dimensions", dimensions)
}

// stepOf is the time between points: at least as long as asked for and as CMS has
// it, and so long that a series does not get too many points.
func stepOf(asked, whole time.Duration) time.Duration {
	step := max(asked, shortest, (whole / maxPoints).Round(time.Second))
	for _, has := range []time.Duration{shortest, 5 * time.Minute, 15 * time.Minute} {
		if step <= has {
			return has
		}
	}
	return (step + 15*time.Minute - 1).Truncate(15 * time.Minute)
}

// period is the longest of CMS's own that fits into a step, in seconds.
func period(step time.Duration) string {
	return strconv.Itoa(int(min(step, 15*time.Minute) / time.Second))
}
