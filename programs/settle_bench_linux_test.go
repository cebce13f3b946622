package programs

import (
	"fmt"
	"testing"
	"time"

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
		id := fmt.Sprintf("p%d", i)
		body := r.body(gyt345.ProgramAdd, fmt.Sprintf("in-%d", i), 1, program(id, "online", inSeries(id, "s")))
		m, _, err := gyt345.Decode(body, gyt345.InterfaceProgram)
		if err != nil {
			b.Fatal(err)
		}
		received[i] = &gyt345.Received{
			Interface: gyt345.InterfaceProgram, Path: "/gyt345/v1/program", Query: fmt.Sprintf("groupId=20020002&nonce=%032x&ts=1767225609137&sign=MEUCIQCNGmN20rOm2%%2B8vXrsjjNNWpU7Mk%%2BP2Sp0pS09Uv7%%2B7UAIhAIucZcUGvwRNkTaSx5ChhY", i*7919),
			Body: body.JSON(), At: r.clock.now(), RemoteIP: "192.0.2.1", GroupID: r.group, Nonce: key("nonce", id),
			NonceUntil: r.clock.now().Add(10 * time.Minute), Key: "0123456789abcdef", Message: m, Digest: gyt345.SM3(body.JSON()),
		}
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
