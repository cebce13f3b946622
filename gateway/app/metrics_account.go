package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/limit"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
)

var (
	accountReady = prometheus.NewDesc("yunqiao_account_ready", "1 while the account is open at its driver.", []string{"account", "driver"}, nil)
	breakerOpen  = prometheus.NewDesc("yunqiao_account_breaker_open",
		"1 while the account's cloud is not called, 0.5 while one call tries it, 0 otherwise.", []string{"account", "driver"}, nil)
)

// accountCollector reads the accounts' state when it is asked for.
type accountCollector struct{ registry *account.Registry }

// Describe implements prometheus.Collector.
func (c accountCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- accountReady
	ch <- breakerOpen
}

// Collect implements prometheus.Collector.
func (c accountCollector) Collect(ch chan<- prometheus.Metric) {
	for _, a := range c.registry.All() {
		ready, open := 0.0, 0.0
		if a.State == accountv1.AccountState_ACCOUNT_STATE_READY {
			ready = 1
		}
		if a.Guard != nil {
			open = map[limit.State]float64{limit.Open: 1, limit.HalfOpen: .5}[a.Guard.State()]
		}
		ch <- prometheus.MustNewConstMetric(accountReady, prometheus.GaugeValue, ready, a.ID, a.Driver)
		ch <- prometheus.MustNewConstMetric(breakerOpen, prometheus.GaugeValue, open, a.ID, a.Driver)
	}
}
