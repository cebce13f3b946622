package metrics_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/metrics"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Ceilometer's own policies for what it measures every five minutes, and one of
// Gnocchi's with windows of other widths.
const (
	sizes    = "ceilometer-low"
	counters = "ceilometer-low-rate"
	others   = "medium"
)

const window = 5 * time.Minute

// ceilometer sends measures as the real one does: as a user of its own, for resources
// of the project.
type ceilometer struct {
	*testing.T
	api     *gophercloud.ServiceClient
	project string
	begin   time.Time // of the window after the last one
}

func newCeilometer(t *testing.T, project string) ceilometer {
	t.Helper()
	cloud := os.Getenv("OS_ADMIN_CLOUD")
	if cloud == "" {
		t.Skip("OS_ADMIN_CLOUD names no administrator of the cloud")
	}
	s, err := session.Open(t.Context(), map[string]string{"cloud": cloud, "clouds_file": os.Getenv("OS_CLIENT_CONFIG_FILE")}, nil, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return ceilometer{t, s.Metric, project, time.Now().Truncate(window)}
}

func (c ceilometer) post(path string, body, answer any) {
	c.Helper()
	_, err := c.api.Post(c.Context(), c.api.ServiceURL(path), body, answer,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}})
	if err != nil {
		c.Fatal(err)
	}
}

// measured is one metric: the policy, and the values of the last windows.
type measured struct {
	policy string
	values []float64
}

// send makes a resource with its metrics.
func (c ceilometer) send(kind, id string, attributes map[string]any, all map[string]measured) {
	c.Helper()
	policies, values := map[string]any{}, map[string]any{}
	for name, m := range all {
		policies[name] = map[string]any{"archive_policy_name": m.policy}
		var list []map[string]any
		for i, v := range m.values {
			at := c.begin.Add(-time.Duration(len(m.values)-i) * window).Add(time.Minute)
			list = append(list, map[string]any{"timestamp": at.UTC().Format(time.RFC3339), "value": v})
		}
		values[name] = list
	}
	resource := map[string]any{"id": id, "project_id": c.project, "user_id": "ceilometer", "metrics": policies}
	maps.Copy(resource, attributes)
	var made struct {
		ID string `json:"id"`
	}
	c.post("resource/"+kind, resource, &made)
	c.Cleanup(func() {
		_, err := c.api.Delete(context.WithoutCancel(c.Context()), c.api.ServiceURL("resource", kind, made.ID),
			&gophercloud.RequestOpts{MoreHeaders: map[string]string{"Accept": "*/*"}})
		if err != nil {
			c.Error(err)
		}
	})
	c.post("batch/resources/metrics/measures", map[string]any{made.ID: values}, nil)
}

// server makes a server without NICs, with two processors.
func server(t *testing.T, s *session.Session) (id string, memory float64) {
	t.Helper()
	var flavor flavors.Flavor
	page, err := flavors.ListDetail(s.Compute, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := flavors.ExtractFlavors(page)
	for _, f := range all {
		if f.VCPUs == 2 {
			flavor = f
		}
	}
	if err != nil || flavor.ID == "" {
		t.Skipf("no flavor has two processors: %v", err)
	}
	page, err = images.List(s.Image, images.ListOpts{Limit: 1}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	some, err := images.ExtractImages(page)
	if err != nil || len(some) == 0 {
		t.Skipf("no image: %v", err)
	}
	made, err := servers.Create(t.Context(), s.Compute, servers.CreateOpts{
		Name: "yqlive-measured", FlavorRef: flavor.ID, ImageRef: some[0].ID, Networks: "none",
	}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := servers.Delete(context.WithoutCancel(t.Context()), s.Compute, made.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	})
	return made.ID, float64(flavor.RAM)
}

func TestMetricsOfARealCloud(t *testing.T) {
	cloud := livetest.Open(t, metrics.Register)
	cloud.Needs(t, "metric")
	c := newCeilometer(t, cloud.Session.ProjectID)
	vm, memory := server(t, cloud.Session)
	unmeasured, _ := server(t, cloud.Session)
	const second = 1e9 // nanoseconds
	c.send("instance", vm, map[string]any{"display_name": "measured", "host": "host", "flavor_id": "1"}, map[string]measured{
		"cpu":          {counters, []float64{0, 60 * second, 120 * second, 270 * second}}, // 0.2, 0.2, 0.5 processors
		"memory.usage": {sizes, []float64{memory / 8, memory / 4, memory / 2, memory / 4}},
	})
	for name, pace := range map[string]float64{"vda": 10, "vdb": 20} {
		c.send("instance_disk", vm+"-"+name, map[string]any{"name": name, "instance_id": vm}, map[string]measured{
			"disk.device.read.bytes":     {counters, []float64{0, pace * 300, pace * 600}},
			"disk.device.write.bytes":    {counters, []float64{7, 7, 7}},
			"disk.device.read.requests":  {counters, []float64{0, pace * 30, pace * 60}},
			"disk.device.write.requests": {counters, []float64{0, 300, 600}},
		})
	}
	c.send("instance_network_interface", vm+"-tap0", map[string]any{"name": "tap0", "instance_id": vm}, map[string]measured{
		"network.incoming.bytes":   {counters, []float64{9000, 0, 3000}}, // begun anew
		"network.outgoing.bytes":   {counters, []float64{0, 600, 1200}},
		"network.incoming.packets": {others, []float64{0, 30, 60}},
	})
	client := monitorv1.NewMetricServiceClient(cloud.Conn)
	want := map[monitorv1.Metric]string{
		monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT: "25", monitorv1.Metric_METRIC_MEMORY_UTILIZATION_PERCENT: "25",
		monitorv1.Metric_METRIC_DISK_READ_BYTES_PER_SECOND: "30", monitorv1.Metric_METRIC_DISK_WRITE_BYTES_PER_SECOND: "0",
		monitorv1.Metric_METRIC_DISK_READS_PER_SECOND: "3", monitorv1.Metric_METRIC_DISK_WRITES_PER_SECOND: "2",
		monitorv1.Metric_METRIC_NETWORK_RECEIVE_BYTES_PER_SECOND: "10", monitorv1.Metric_METRIC_NETWORK_SEND_BYTES_PER_SECOND: "2",
		monitorv1.Metric_METRIC_NETWORK_RECEIVE_PACKETS_PER_SECOND: "0.1",
	}
	list := func(req *monitorv1.ListMetricsRequest) map[string][]*monitorv1.Sample {
		samples := map[string][]*monitorv1.Sample{}
		for {
			resp := livetest.Must(t, cloud, "list", client.ListMetrics, req)
			for _, vm := range resp.GetVms() {
				samples[vm.GetId()] = vm.GetSamples()
			}
			if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
				return samples
			}
		}
	}
	livetest.Eventually(t, "all measures are processed", func() bool { return len(list(&monitorv1.ListMetricsRequest{})[vm]) > len(want) })
	for _, s := range list(&monitorv1.ListMetricsRequest{PageSize: 1})[vm] {
		if s.GetMetric() == monitorv1.Metric_METRIC_MEMORY_USED_MIB {
			continue
		}
		if s.GetValue() != want[s.GetMetric()] || s.GetDevice() != "" {
			t.Errorf("%v, want %s", s, want[s.GetMetric()])
		}
		if at := s.GetAt().AsTime(); s.GetMetric() != monitorv1.Metric_METRIC_NETWORK_RECEIVE_PACKETS_PER_SECOND && !at.Equal(c.begin) {
			t.Errorf("%v is of %s, want %s", s.GetMetric(), at, c.begin)
		}
	}
	if samples := list(&monitorv1.ListMetricsRequest{})[unmeasured]; samples != nil {
		t.Errorf("what nobody measures has %v", samples)
	}
	const absent = "00000000-0000-4000-8000-000000000001"
	one := livetest.Must(t, cloud, "by id", client.ListMetrics, &monitorv1.ListMetricsRequest{
		Ids: []string{vm, absent}, Metrics: []monitorv1.Metric{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT},
	})
	if len(one.GetVms()) != 1 || len(one.GetVms()[0].GetSamples()) != 1 || len(one.GetMissingIds()) != 1 {
		t.Errorf("by id: %v", one)
	}
	course(t, cloud, client, vm, c.begin)
	livetest.Refused(t, cloud, apiv1.Reason_REASON_NOT_FOUND, "", client.QueryMetrics, &monitorv1.QueryMetricsRequest{Id: absent})
	livetest.Refused(t, cloud, apiv1.Reason_REASON_PARAMETER_REJECTED, "", client.QueryMetrics, &monitorv1.QueryMetricsRequest{
		Id: vm, Since: timestamppb.New(c.begin), Until: timestamppb.New(c.begin.Add(-time.Hour)),
	})
}

// course reads the course of the processors.
func course(t *testing.T, cloud *livetest.Cloud, client monitorv1.MetricServiceClient, vm string, end time.Time) {
	t.Helper()
	resp := livetest.Must(t, cloud, "course", client.QueryMetrics, &monitorv1.QueryMetricsRequest{
		Id: vm, Metrics: []monitorv1.Metric{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT}, Until: timestamppb.New(end),
	})
	var values []string
	for i, p := range resp.GetSeries()[0].GetPoints() {
		values = append(values, p.GetValue())
		if want := end.Add(time.Duration(i-2) * window); !p.GetAt().AsTime().Equal(want) {
			t.Errorf("point %d is of %s, want %s", i, p.GetAt().AsTime(), want)
		}
	}
	if want := []string{"10", "10", "25"}; !slices.Equal(values, want) {
		t.Errorf("course: %v, want %v", values, want)
	}
}
