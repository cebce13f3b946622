package programs

import (
	"testing"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// BenchmarkSettle stores new programs of a series, 256 in a transaction: what a message
// costs after its signatures have been verified.
func BenchmarkSettle(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) { benchmarkSettle(b, newRig(b, dbtest.Open(b, dsn(b)), Options{})) })
	}
}

func benchmarkSettle(b *testing.B, r *rig) {
	b.Helper()
	batch := make([]*job, 0, 256)
	settle := func() {
		if err := r.settler.transact(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	received := make([]*gyt345.Received, b.N)
	for i := range received {
		received[i] = r.received(b, i)
	}
	b.ResetTimer()
	used := processorTime(b)
	for _, in := range received {
		if batch = append(batch, &job{received: in}); len(batch) == cap(batch) {
			settle()
		}
	}
	settle()
	b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
}
