package app

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
)

// metrics are what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yunqiao_http_request_seconds", Help: "Time of HTTP requests in seconds, by route, method and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route", "method", "status"}),
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe implements edge.Metrics.
func (m *metrics) Observe(route, method string, status int, seconds float64) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(seconds)
}

var (
	driverUp       = prometheus.NewDesc("yunqiao_driver_up", "1 while the driver takes calls.", []string{"driver"}, nil)
	driverRestarts = prometheus.NewDesc("yunqiao_driver_restarts_total", "Starts of the driver after the first.", []string{"driver"}, nil)
)

// driverCollector reads the drivers' state when it is asked for.
type driverCollector struct{ host *driverhost.Host }

func (c driverCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- driverUp
	ch <- driverRestarts
}

func (c driverCollector) Collect(ch chan<- prometheus.Metric) {
	for _, d := range c.host.Drivers() {
		up := 0.0
		if d.State == driverhost.StateReady {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(driverUp, prometheus.GaugeValue, up, d.Name)
		ch <- prometheus.MustNewConstMetric(driverRestarts, prometheus.CounterValue, float64(d.Restarts), d.Name)
	}
}
