package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// point is a mean that Gnocchi keeps.
type point struct {
	at    time.Time // the window's begin
	width time.Duration
	value float64
}

// UnmarshalJSON reads ["2026-01-02T03:00:00+00:00", 300.0, 1.5].
func (p *point) UnmarshalJSON(b []byte) error {
	var width float64
	if err := json.Unmarshal(b, &[]any{&p.at, &width, &p.value}); err != nil {
		return fmt.Errorf("point of measures: %w", err)
	}
	p.width = time.Duration(width * float64(time.Second))
	return nil
}

// place is where a metric was measured: at one of a server's disks, for instance.
type place struct{ server, part, name string }

// span is the time of which points are asked for.
type span struct{ since, until time.Time }

// aggregate is what Gnocchi answers of one resource.
type aggregate struct {
	Group    map[string]string `json:"group"`
	Measures struct {
		// Measures are by resource, metric and method.
		Measures map[string]map[string]map[string][]point `json:"measures"`
	} `json:"measures"`
}

const method = "mean"

// read asks for the means of metrics at all resources of a kind that belong to the
// servers, in one call. Metrics that the resources keep in different ways must be
// asked for one by one. The error is the cloud's own.
func (k kind) read(ctx context.Context, s *session.Session, servers, names []string, during span) (map[place][]point, error) {
	operations := []any{"metric"}
	for _, name := range names {
		operations = append(operations, []string{name, method})
	}
	body := map[string]any{
		"resource_type": k.name, "search": map[string]any{"in": map[string]any{k.server: servers}}, "operations": operations,
	}
	query := url.Values{"groupby": {"id"}, "start": {instant(during.since)}, "stop": {instant(during.until)}}
	if k.server != "id" {
		query.Add("groupby", k.server)
	}
	var answer []aggregate
	_, err := s.Metric.Post(ctx, s.Metric.ServiceURL("aggregates")+"?"+query.Encode(), body, &answer, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	switch refusal := refusalOf(err); {
	case refusal.absent(), refusal.mixed() && len(names) == 1:
		return nil, nil
	case refusal.mixed():
		return k.readEach(ctx, s, servers, names, during)
	case err != nil:
		return nil, err
	}
	found := map[place][]point{}
	for _, a := range answer {
		for part, metrics := range a.Measures.Measures {
			for name, byMethod := range metrics {
				found[place{a.Group[k.server], part, name}] = byMethod[method]
			}
		}
	}
	return found, nil
}

func (k kind) readEach(ctx context.Context, s *session.Session, servers, names []string, during span) (map[place][]point, error) {
	all := map[place][]point{}
	for _, name := range names {
		found, err := k.read(ctx, s, servers, []string{name}, during)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// refusal is why Gnocchi has no answer, in its own words; empty: it is no such answer.
type refusal string

// absent tells that nothing is measured, or that no Ceilometer has set it up.
func (r refusal) absent() bool {
	return r == "Metrics not found" || r == "Resource type does not exist"
}

// mixed tells that not all metrics have the mean, or windows of the same width.
func (r refusal) mixed() bool {
	return r == "Metrics with unknown aggregation" || r == "Metrics can't being aggregated"
}

func refusalOf(err error) refusal {
	var code gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &code) {
		return ""
	}
	var body struct {
		Description struct {
			Cause refusal `json:"cause"`
		} `json:"description"`
	}
	if json.Unmarshal(code.Body, &body) != nil {
		return ""
	}
	return body.Description.Cause
}
