package programs

import (
	"fmt"
	"strings"
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
	r.settler.patience = time.Minute // so that the machine's load does not matter
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

// A message is stored while another's verification takes its time.
func TestLongVerificationDoesNotDelayMessages(t *testing.T) {
	r, _ := settlerRig(t)
	r.settler.patience = patience
	r.settler.Expect(1)
	defer r.settler.Expect(-1)
	if err := <-r.settle(t, 1); err != nil {
		t.Error(err)
	}
}

// together stores messages of these numbers in one batch, and gives their errors.
func (r *rig) together(t *testing.T, numbers ...int) []error {
	t.Helper()
	r.settler.Expect(len(numbers))
	var stored []chan error
	for _, i := range numbers {
		stored = append(stored, r.settle(t, i))
		for r.waiting() < len(stored) {
			time.Sleep(time.Millisecond)
		}
	}
	r.settler.Expect(-len(numbers))
	out := make([]error, len(numbers))
	for i, s := range stored {
		out[i] = <-s
	}
	return out
}

// answered are the codes of the answers.
func answered(failures []error) string {
	var out []string
	for _, err := range failures {
		code := "ok"
		if err != nil {
			code = string(gyt345.FaultOf(err).Code)
		}
		out = append(out, code)
	}
	return strings.Join(out, " ")
}

// A panic fails the message that is to blame for it, not the ones beside and behind it.
func TestPanicWhileStoring(t *testing.T) {
	r, _ := settlerRig(t)
	calls := 0
	r.settler.now = func() time.Time {
		if calls++; calls == 1 || calls == 3 { // the batch, and the second of it alone
			panic("of a test")
		}
		return r.clock.now()
	}
	if got := answered(r.together(t, 1, 2, 3)); got != "ok InternalError ok" {
		t.Errorf("got %s", got)
	}
	if got := answered(r.together(t, 4)); got != "ok" {
		t.Errorf("afterwards: got %s", got)
	}
}

// A batch whose COMMIT fails is not tried again message by message: it may be stored.
func TestFailedCommitIsNotRepeated(t *testing.T) {
	r, transactions := settlerRig(t)
	for _, statement := range []string{
		"CREATE TABLE parents (id INTEGER PRIMARY KEY)",
		"CREATE TABLE children (id INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TRIGGER late AFTER INSERT ON programs_messages BEGIN INSERT INTO children VALUES (1); END",
	} {
		if err := r.store.Write.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	if got := answered(r.together(t, 1, 2)); got != "ServiceUnAvailable ServiceUnAvailable" {
		t.Errorf("got %s", got)
	}
	if n := transactions.Load(); n != 1 {
		t.Errorf("took %d transactions", n)
	}
	if err := r.store.Write.Exec("DROP TRIGGER late").Error; err != nil {
		t.Fatal(err)
	}
	if got := answered(r.together(t, 1, 2)); got != "ok ok" {
		t.Errorf("repeated: got %s", got)
	}
}

// A message that the store refuses fails alone, each other in its own transaction; one
// that cannot be reached fails them all at once.
func TestFailureWhileStoring(t *testing.T) {
	for name, tc := range map[string]struct {
		trigger      string
		want         string
		transactions int64
	}{
		"one message": {"WHEN NEW.msg_id = 'in-2' BEGIN SELECT RAISE(ABORT, 'of a test'); END", "ok ServiceUnAvailable ok", 4},
		"store away":  {"", "ServiceUnAvailable ServiceUnAvailable ServiceUnAvailable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, transactions := settlerRig(t)
			if tc.trigger == "" {
				if sql, err := r.store.Write.DB(); err != nil || sql.Close() != nil {
					t.Fatal("the store does not close")
				}
			} else if err := r.store.Write.Exec("CREATE TRIGGER one BEFORE INSERT ON programs_messages " + tc.trigger).Error; err != nil {
				t.Fatal(err)
			}
			if got := answered(r.together(t, 1, 2, 3)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if n := transactions.Load(); n != tc.transactions {
				t.Errorf("took %d transactions, want %d", n, tc.transactions)
			}
		})
	}
}

// A flood of requests whose signatures do not hold keeps no message from the store.
func TestRefusedRequestsDoNotDelayMessages(t *testing.T) {
	r, _ := settlerRig(t)
	r.settler.patience = patience
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
