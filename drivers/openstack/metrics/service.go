package metrics

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/compute"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// fresh is how old a newest sample may be.
	fresh = 15 * time.Minute
	// before is how long before a course points are read, for the first difference of a
	// counter: as long as the widest window that is usual.
	before = time.Hour
	// defaultCourse is how long a course is that nobody bounds.
	defaultCourse = time.Hour
	// maxPoints bounds a series of the contract.
	maxPoints = 1500
)

// Metrics serves cloud.monitor.v1.MetricService.
type Metrics struct {
	monitorv1.UnimplementedMetricServiceServer
	accounts *sdk.Accounts[*session.Session]
}

var _ monitorv1.MetricServiceServer = (*Metrics)(nil)

// Register adds the service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	monitorv1.RegisterMetricServiceServer(r, &Metrics{accounts: accounts})
}

// Offers tells whether the account's cloud has the service.
func Offers(s *session.Session) bool { return s.Metric != nil && s.Compute != nil }

func (m *Metrics) open(ctx context.Context) (*session.Session, error) {
	s, err := m.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.Require(s.Compute); err != nil {
		return nil, err
	}
	return s, session.Require(s.Metric)
}

// ListMetrics reads a page of servers, and their newest samples with one call for each
// of the three kinds of things that have any.
func (m *Metrics) ListMetrics(ctx context.Context, req *monitorv1.ListMetricsRequest) (*monitorv1.ListMetricsResponse, error) {
	s, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	sizes, next, missing, err := compute.ListSizes(ctx, s, req)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	during := span{now.Add(-fresh), now}
	figures, err := read(ctx, s, wanted(req.GetMetrics()), sizes, span{during.since.Add(-fresh), now})
	if err != nil {
		return nil, err
	}
	resp := &monitorv1.ListMetricsResponse{NextPageToken: next, MissingIds: missing}
	for _, size := range sizes {
		vm := &monitorv1.VmMetrics{Id: size.ID}
		for _, f := range figures[size.ID] {
			if sample := newest(f.metric, f.courses, during); sample != nil {
				vm.Samples = append(vm.Samples, sample)
			}
		}
		if len(vm.Samples) > 0 {
			resp.Vms = append(resp.Vms, vm)
		}
	}
	return resp, nil
}

// QueryMetrics reads the course of the metrics of a server, with as many calls.
func (m *Metrics) QueryMetrics(ctx context.Context, req *monitorv1.QueryMetricsRequest) (*monitorv1.QueryMetricsResponse, error) {
	s, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	during := span{until: s.Now()}
	if req.GetUntil() != nil {
		during.until = req.GetUntil().AsTime()
	}
	during.since = during.until.Add(-defaultCourse)
	if req.GetSince() != nil {
		during.since = req.GetSince().AsTime()
	}
	if !during.since.Before(during.until) || during.since.Before(time.Unix(0, 0).Add(before)) {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("since"), sdk.Violation("since", "must be before until, and not before 1970"))
	}
	size, err := compute.GetSize(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	figures, err := read(ctx, s, wanted(req.GetMetrics()), []compute.Size{size}, span{during.since.Add(-before), during.until})
	if err != nil {
		return nil, err
	}
	step := max(time.Duration(req.GetStepSeconds())*time.Second, (during.until.Sub(during.since)/maxPoints + time.Second - 1).Truncate(time.Second))
	resp := &monitorv1.QueryMetricsResponse{}
	for _, f := range figures[size.ID] {
		if series := toProtoSeries(f.metric, f.courses, step, during); series != nil {
			resp.Series = append(resp.Series, series)
		}
	}
	return resp, nil
}

// figure is a metric of one server.
type figure struct {
	metric  monitorv1.Metric
	courses map[time.Duration]course
}

// read reads the sources at servers, kind by kind, and what they are by server.
func read(ctx context.Context, s *session.Session, sources []source, sizes []compute.Size, during span) (map[string][]figure, error) {
	if len(sizes) == 0 {
		return nil, nil
	}
	var servers []string
	for _, size := range sizes {
		servers = append(servers, size.ID)
	}
	figures := map[string][]figure{}
	for len(sources) > 0 {
		kind := sources[0].kind
		end := slices.IndexFunc(sources, func(s source) bool { return s.kind != kind })
		if end < 0 {
			end = len(sources)
		}
		found, err := kind.read(ctx, s, servers, names(sources[:end]), during)
		if err != nil {
			return nil, session.Error(err, "monitor.metric", "")
		}
		parts := map[place][][]point{} // of a server and a metric
		for at, points := range found {
			whole := place{server: at.server, name: at.name}
			parts[whole] = append(parts[whole], points)
		}
		for _, src := range sources[:end] {
			for _, size := range sizes {
				points, unit := parts[place{server: size.ID, name: src.name}], src.unit(size)
				if len(points) > 0 && unit > 0 {
					figures[size.ID] = append(figures[size.ID], figure{src.metric, courses(points, src.counter, unit, s.Now())})
				}
			}
		}
		sources = sources[end:]
	}
	return figures, nil
}

// names are what the sources are called in Gnocchi, each once.
func names(sources []source) []string {
	var all []string
	for _, src := range sources {
		if !slices.Contains(all, src.name) {
			all = append(all, src.name)
		}
	}
	return all
}
