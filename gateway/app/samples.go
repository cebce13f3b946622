package app

import (
	"context"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/monitor"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// samples reads metrics of all clouds for monitor, in the name of the organization at
// the top.
type samples struct {
	app    *App
	method *contract.Method
}

var _ monitor.Metrics = samples{}

// samplesPage is how many machines are read with one call.
const samplesPage = 500

// Latest implements monitor.Metrics.
func (s samples) Latest(ctx context.Context) ([]*monitorv1.VmMetrics, error) {
	var all []*monitorv1.VmMetrics
	request := &monitorv1.ListMetricsRequest{PageSize: samplesPage}
	for {
		answer, err := s.app.runner.Handle(ctx, &pipeline.Call{
			Method: s.method, Request: request, Principal: pipeline.Principal{TenantID: s.app.identity.Root()}, RequestID: rowid.New(),
		})
		if err != nil {
			return nil, err
		}
		page, ok := answer.(*monitorv1.ListMetricsResponse)
		if !ok {
			return all, nil
		}
		all = append(all, page.GetVms()...)
		if page.GetNextPageToken() == "" {
			return all, nil
		}
		request = &monitorv1.ListMetricsRequest{PageSize: samplesPage, PageToken: page.GetNextPageToken()}
	}
}
