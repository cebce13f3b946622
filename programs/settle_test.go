package programs

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// received is a message that adds the program of a number to a series, its signatures verified.
func (r *rig) received(t testing.TB, i int) *gyt345.Received {
	t.Helper()
	id := fmt.Sprintf("p%d", i)
	body := r.body(gyt345.ProgramAdd, fmt.Sprintf("in-%d", i), 1, program(id, "online", inSeries(id, "s")))
	m, _, err := gyt345.Decode(body, gyt345.InterfaceProgram)
	if err != nil {
		t.Fatal(err)
	}
	return &gyt345.Received{
		Interface: gyt345.InterfaceProgram, Path: "/gyt345/v1/program", Query: fmt.Sprintf("groupId=20020002&nonce=%032x&ts=1767225609137&sign=MEUCIQCNGmN20rOm2%%2B8vXrsjjNNWpU7Mk%%2BP2Sp0pS09Uv7%%2B7UAIhAIucZcUGvwRNkTaSx5ChhY", i*7919),
		Body: body.JSON(), At: r.clock.now(), RemoteIP: "192.0.2.1", GroupID: r.group, Nonce: key("nonce", id),
		NonceUntil: r.clock.now().Add(10 * time.Minute), Key: "0123456789abcdef", Message: m, Digest: gyt345.SM3(body.JSON()),
	}
}

// settlerRig counts the transactions of its settler.
func settlerRig(t *testing.T) (r *rig, transactions *atomic.Int64) {
	t.Helper()
	r = newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	transactions = new(atomic.Int64)
	r.settler.now = func() time.Time { transactions.Add(1); return r.clock.now() }
	return r, transactions
}

// settle hands a message in, and tells when it is stored.
func (r *rig) settle(t *testing.T, i int) (stored chan error) {
	t.Helper()
	stored = make(chan error, 1)
	in := r.received(t, i)
	go func() { stored <- r.settler.Settle(t.Context(), in) }()
	return stored
}

func (r *rig) waiting() int {
	r.settler.mu.Lock()
	defer r.settler.mu.Unlock()
	return len(r.settler.queue)
}

func TestMessagesBeingVerifiedJoinTheTransaction(t *testing.T) {
	r, transactions := settlerRig(t)
	r.settler.Expect(3)
	first := r.settle(t, 1)
	second := r.settle(t, 2)
	for r.waiting() < 2 {
		time.Sleep(time.Millisecond)
	}
	r.settler.Expect(-3)
	for _, stored := range []chan error{first, second} {
		if err := <-stored; err != nil {
			t.Error(err)
		}
	}
	if n := transactions.Load(); n != 1 {
		t.Errorf("two messages took %d transactions", n)
	}
}

// A flood of requests whose signatures do not hold keeps no message from the store.
func TestRefusedRequestsDoNotDelayMessages(t *testing.T) {
	r, _ := settlerRig(t)
	r.settler.Expect(1)
	defer r.settler.Expect(-1)
	stored := r.settle(t, 1)
	for {
		select {
		case err := <-stored:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			r.settler.Expect(1)
			r.settler.Expect(-1)
		}
	}
}
