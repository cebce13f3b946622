package operation_test

import (
	"testing"
)

// BenchmarkSubmit is a create up to the answer of the cloud, with the following in
// the background: one intent, one acceptance, one observation and one end to record.
func BenchmarkSubmit(b *testing.B) {
	r := newRig(b)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := r.engine.Submit(b.Context(), r.createVm("a", "")); err != nil {
				b.Error(err)
			}
		}
	})
}
