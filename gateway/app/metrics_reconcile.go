package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yunqiao/yunqiao/gateway/reconcile"
)

// reconcileMetrics count what comparing with the clouds costs and finds.
type reconcileMetrics struct {
	cycles  *prometheus.HistogramVec
	calls   *prometheus.CounterVec
	changes *prometheus.CounterVec
}

var _ reconcile.Metrics = (*reconcileMetrics)(nil)

func newReconcileMetrics(registry *prometheus.Registry) *reconcileMetrics {
	m := &reconcileMetrics{
		cycles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "yunqiao_reconcile_cycle_seconds", Help: "Time of one comparison of an account in seconds; reason is empty for a complete one.",
			Buckets: []float64{.05, .25, 1, 5, 15, 60, 300, 1800},
		}, []string{"account", "reason"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yunqiao_reconcile_calls_total", Help: "Calls to drivers by comparisons; reason is empty for a success.",
		}, []string{"account", "reason"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yunqiao_reconcile_changes_total", Help: "Differences that comparisons found: discovered, changed, gone.",
		}, []string{"account", "change"}),
	}
	registry.MustRegister(m.cycles, m.calls, m.changes)
	return m
}

// Cycle implements reconcile.Metrics.
func (m *reconcileMetrics) Cycle(accountID string, seconds float64, reason string) {
	m.cycles.WithLabelValues(accountID, reason).Observe(seconds)
}

// Call implements reconcile.Metrics.
func (m *reconcileMetrics) Call(accountID, reason string) {
	m.calls.WithLabelValues(accountID, reason).Inc()
}

// Change implements reconcile.Metrics.
func (m *reconcileMetrics) Change(accountID, what string, n int) {
	m.changes.WithLabelValues(accountID, what).Add(float64(n))
}
