package programs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const (
	fullBatch          = 256                   // messages in one transaction
	fullBytes          = 512 << 10             // bytes of their bodies, unless one has more
	patience           = 20 * time.Millisecond // of a batch with messages that are being verified
	commitTimeout      = 30 * time.Second      // of one transaction
	writeLock          = "programs"            // of every transaction that changes records
	strangersPerSecond = 50                    // refused messages in the journal whose sign did not hold
	keptPrefix         = 4 << 10               // bytes of a body whose sign did not hold
)

// settler puts messages in the store. Those that wait together share one transaction:
// the first one's goroutine waits for those that are being verified, commits for all and
// hands over, so that nothing runs when nothing is to be done.
type settler struct {
	log      *slog.Logger
	store    *db.Store
	now      func() time.Time
	patience time.Duration

	mu        sync.Mutex
	queue     []*job
	busy      bool
	expected  int        // requests that are being verified
	verified  *sync.Cond // one less is expected
	strangers bucket     // of refused messages whose sign did not hold
}

func newSettler(log *slog.Logger, store *db.Store, now func() time.Time) *settler {
	s := &settler{log: log, store: store, now: now, patience: patience}
	s.verified = sync.NewCond(&s.mu)
	return s
}

// job is one message on its way into the store.
type job struct {
	received *gyt345.Received
	refused  bool // before its nonce: only for the journal
	done     chan bool
	err      error
	outcome  string
}

var (
	_ gyt345.Settler  = (*settler)(nil)
	_ gyt345.Expecter = (*settler)(nil)
)

// Expect implements gyt345.Expecter.
func (s *settler) Expect(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected += requests
	if requests < 0 {
		s.verified.Signal()
	}
}

// Settle implements gyt345.Settler.
func (s *settler) Settle(ctx context.Context, r *gyt345.Received) error {
	return s.submit(ctx, &job{received: r, done: make(chan bool, 1)})
}

// Refused implements gyt345.Settler. Anybody can send what is refused here, so only so
// many a second go to the journal; the receiver's log has them all.
func (s *settler) Refused(ctx context.Context, r *gyt345.Received) {
	s.mu.Lock()
	kept := s.strangers.take(s.now(), strangersPerSecond)
	s.mu.Unlock()
	if !kept {
		return
	}
	if err := s.submit(ctx, &job{received: r, refused: true, done: make(chan bool, 1)}); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "refused message is not in the journal", slog.String("error", err.Error()))
	}
}

// submit waits until the job's batch is committed, even if the caller has gone: its
// message may be applied by then.
func (s *settler) submit(ctx context.Context, j *job) error {
	s.mu.Lock()
	s.queue = append(s.queue, j)
	lead := !s.busy
	s.busy = true
	s.mu.Unlock()
	if !lead {
		lead = <-j.done
	}
	if lead {
		s.lead(ctx)
	}
	return j.err
}

// lead commits the batch at the head of the queue, in which the caller's own job is,
// and makes the next one in the queue the leader.
func (s *settler) lead(ctx context.Context) {
	batch := s.gather()
	defer s.release(batch)
	s.commit(ctx, batch)
}

// gather takes the next batch from the queue. It waits for messages that are being
// verified, but not for long: they may take their time, and be refused in the end.
func (s *settler) gather() []*job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expected > 0 && len(s.queue) < fullBatch {
		late := false
		timer := time.AfterFunc(s.patience, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			late = true
			s.verified.Signal()
		})
		defer timer.Stop()
		for !late && s.expected > 0 && len(s.queue) < fullBatch {
			s.verified.Wait()
		}
	}
	n, size := 0, 0
	for n < min(len(s.queue), fullBatch) {
		size += len(s.queue[n].received.Body)
		if n > 0 && size > fullBytes {
			break
		}
		n++
	}
	batch := s.queue[:n:n]
	s.queue = s.queue[n:]
	return batch
}

// release lets the callers of a batch go, and the next one in the queue lead.
func (s *settler) release(batch []*job) {
	for _, j := range batch[1:] {
		j.done <- false
	}
	clear(batch) // the queue still holds its room
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.busy = false
		return
	}
	s.queue[0].done <- true
}

var (
	// errUncertain says that a transaction did not begin or did not end as it should: its
	// messages may be stored.
	errUncertain = errors.New("the transaction was cut off")
	errPanicked  = errors.New("panicked")
)

// commit settles a batch. If one of its messages may be to blame for a failure, each is
// settled alone, so that it does not fail the others; they have the time of two, so
// that a store that hangs keeps nobody for long.
func (s *settler) commit(ctx context.Context, batch []*job) {
	ctx = context.WithoutCancel(ctx)
	err := s.transact(ctx, batch)
	if err == nil {
		return
	}
	if len(batch) == 1 || !blamesMessage(err) {
		fail(batch, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*commitTimeout)
	defer cancel()
	for i, j := range batch {
		err := s.transact(ctx, []*job{j})
		switch {
		case err == nil:
		case blamesMessage(err):
			fail(batch[i:i+1], err)
		default:
			fail(batch[i:], err)
			return
		}
	}
}

// blamesMessage tells whether a transaction may have failed for what is in it. The
// store is not asked again when it is away, nor when messages may be stored already: the
// second try would find their nonces used. The partner's repeat has another nonce.
func blamesMessage(err error) bool {
	return !errors.Is(err, errUncertain) && (errors.Is(err, context.DeadlineExceeded) || !db.IsAway(err))
}

// fail answers jobs that are not stored.
func fail(batch []*job, err error) {
	for _, j := range batch {
		if errors.Is(err, errPanicked) {
			j.err = gyt345.Internal("store", err)
			continue
		}
		j.err = gyt345.Unavailable("store", time.Second, err)
	}
}

func (s *settler) transact(ctx context.Context, batch []*job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil { // or all who wait for the batch would wait for ever
			s.log.LogAttrs(ctx, slog.LevelError, "storing messages panicked", slog.String("panic", fmt.Sprint(r)),
				slog.Int("messages", len(batch)), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("%w: %v", errPanicked, r)
		}
	}()
	for _, j := range batch {
		j.err, j.outcome = nil, ""
	}
	var failed error
	err = s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if failed = db.Exclusive(tx, writeLock); failed == nil {
			failed = settleBatch(tx, s.now(), batch)
		}
		return failed
	})
	if err != nil && failed == nil {
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	return err
}

// settleBatch runs steps 7 and 12 of the profile for each message, in order.
func settleBatch(tx *gorm.DB, now time.Time, batch []*job) error {
	fresh, err := useNonces(tx, batch)
	if err != nil {
		return err
	}
	seen, err := knownMessages(tx, fresh)
	if err != nil {
		return err
	}
	state, err := loadState(tx, now, fresh)
	if err != nil {
		return err
	}
	var ids []seenRow
	for _, j := range fresh {
		r := j.received
		name := r.GroupID + " " + r.Message.ID
		digest, known := seen[name]
		switch {
		case known && digest == r.Digest:
			j.outcome = outcomeDuplicate
		case known:
			j.refuse(gyt345.Invalid("msgId", "other content under the same msgId"))
		default:
			j.outcome = state.apply(r.GroupID, r.Message)
			seen[name] = r.Digest
			ids = append(ids, seenRow{Key: name, Digest: r.Digest, At: now.UnixMilli()})
		}
	}
	if err := db.InsertAll(tx, ids); err != nil {
		return fmt.Errorf("remember msgIds: %w", err)
	}
	if err := state.save(tx); err != nil {
		return err
	}
	if err := countNotes(tx, now, fresh); err != nil {
		return err
	}
	return journal(tx, batch)
}

func (j *job) refuse(f *gyt345.Fault) { j.err, j.outcome = f, outcomeRefused }

// useNonces tests and sets the nonces, and gives the jobs that may go on.
func useNonces(tx *gorm.DB, batch []*job) ([]*job, error) {
	var names []string
	for _, j := range batch {
		if !j.refused {
			names = append(names, j.received.GroupID+" "+j.received.Nonce)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	var known []string
	if err := tx.Model(&nonceRow{}).Where(db.AnyOf(tx, "key", names)).Pluck("key", &known).Error; err != nil {
		return nil, fmt.Errorf("look up nonces: %w", err)
	}
	used := map[string]bool{}
	for _, k := range known {
		used[k] = true
	}
	var fresh []*job
	var rows []nonceRow
	for _, j := range batch {
		if j.refused {
			continue
		}
		r := j.received
		name := r.GroupID + " " + r.Nonce
		if used[name] {
			j.refuse(gyt345.Invalid("nonce", "used before"))
			continue
		}
		used[name] = true
		rows = append(rows, nonceRow{Key: name, Until: r.NonceUntil.UnixMilli()})
		if r.Verdict != nil {
			j.refuse(r.Verdict)
			continue
		}
		fresh = append(fresh, j)
	}
	if err := db.InsertAll(tx, rows); err != nil {
		return nil, fmt.Errorf("remember nonces: %w", err)
	}
	return fresh, nil
}

func knownMessages(tx *gorm.DB, fresh []*job) (map[string]string, error) {
	names := make([]string, len(fresh))
	for i, j := range fresh {
		names[i] = j.received.GroupID + " " + j.received.Message.ID
	}
	seen := map[string]string{}
	if len(names) == 0 {
		return seen, nil
	}
	var rows []seenRow
	if err := tx.Where(db.AnyOf(tx, "key", names)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look up msgIds: %w", err)
	}
	for _, r := range rows {
		seen[r.Key] = r.Digest
	}
	return seen, nil
}

// journal keeps every message of a batch as it was received, with its answer.
func journal(tx *gorm.DB, batch []*job) error {
	rows := make([]messageRow, len(batch))
	for i, j := range batch {
		rows[i] = j.row()
	}
	if err := db.InsertAll(tx, rows); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *job) row() messageRow {
	r := j.received
	row := messageRow{
		ID: rowid.New(), At: r.At, GroupID: r.GroupID, Interface: string(r.Interface), Path: r.Path, Query: printable(r.Query), Body: r.Body,
		BodySize: len(r.Body), RemoteIP: r.RemoteIP, KeyUsed: r.Key, Digest: r.Digest, Outcome: j.outcome,
		Notes: strings.Join(r.Notes, "\n"), HTTP: 200, Code: string(gyt345.CodeOK),
	}
	if r.Message != nil {
		row.MsgID, row.MsgType = r.Message.ID, int(r.Message.Type)
	}
	failure := j.err
	if j.refused {
		failure, row.Outcome = r.Verdict, outcomeRefused
		row.Body = r.Body[:min(len(r.Body), keptPrefix)]
		row.Query = row.Query[:min(len(row.Query), keptPrefix)]
		if r.Cut != nil {
			row.BodySize, row.Digest = r.Cut.Size, r.Cut.Digest
		} else {
			row.Digest = gyt345.SM3(r.Body)
		}
	}
	if failure != nil {
		fault := gyt345.FaultOf(failure)
		row.HTTP, row.Code, row.Cause = fault.Answer().HTTP, string(fault.Code), printable(fault.Error())
	}
	return row
}

// printable makes a text of anybody's storable on both databases.
func printable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", " "), "?")
}
