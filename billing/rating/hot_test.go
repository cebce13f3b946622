package rating

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
)

// BenchmarkHotPath prices intervals that have been cut: find the prices in force,
// read the quantity, two readings of a counter with tiers, a discount.
func BenchmarkHotPath(b *testing.B) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))
	c := pricing.NewCatalogue([]pricing.Price{{
		ID: "1", Version: 1, Book: "default", ResourceType: "compute.vm", Meter: "vcpus", Unit: pricing.Hour, Charge: pricing.Postpaid, Model: pricing.Graduated,
		Tiers: []pricing.Tier{{UpTo: 1e6, Price: 3e9}, {UpTo: 5e6, Price: 2e9}, {Price: 1e9}}, Currency: "CNY", Effective: start,
	}}, []pricing.Discount{{ID: "d", BasisPoints: 1500, From: start}})
	segment := &metering.Segment{State: "RUNNING", OrganizationID: "org"}
	text := &spec{map[string]string{"vcpus": "4", "memory_mib": "8192", "flavor_id": "m1"}, "{}"}
	var pieces []piece
	for n := range 1000 {
		r := &Resource{ID: fmt.Sprintf("c.vm-%d", n), Type: "compute.vm", AccountID: "c"}
		from := start.Add(time.Duration(n) * time.Second)
		pieces = append(pieces, piece{resource: r, segment: segment, spec: text, from: from, to: from.Add(24 * time.Hour)})
	}
	rater := NewRater(start, c)
	lines := make([]Line, 0, 1)
	b.ReportAllocs()
	before := processorTime(b)
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			clear(rater.used)
		}
		var err error
		if lines, err = rater.rate(lines[:0], &pieces[n%1000]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/(processorTime(b)-before).Seconds(), "intervals/cpu-s")
}

// processorTime is what this process has used: other work on the machine does not count.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
