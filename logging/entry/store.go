package entry

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
)

// ErrClosed is the answer to appends after the end of Run.
var ErrClosed = errors.New("the store of log entries is closed")

// Options tunes a Store. The zero value is ready for production.
type Options struct {
	MaxBatch      int // records in one transaction; default 4000
	MaxBatchBytes int // bytes in one transaction; default 16 MiB
	// Also is done in the transaction of records that are new; nil: nothing.
	Also func(ctx context.Context, tx *sql.Tx, records []*Record) error
	Now  func() time.Time
}

// Store writes entries in batches that share a commit, and finds them.
type Store struct {
	log      *slog.Logger
	store    *db.Store
	postgres bool
	opts     Options
	queue    chan *appending
	done     chan struct{}

	// Of the writing goroutine alone.
	counter    int64
	partitions map[string]bool

	mu        sync.Mutex
	listeners map[*Listener]struct{}
}

// appending is one call of Append on its way.
type appending struct {
	records  []Record
	with     func(ctx context.Context, tx *sql.Tx) error
	result   Result
	finished chan error
}

// Result tells what became of records.
type Result struct {
	Stored   int
	Repeated int // stored before, by their RecordID
}

// New makes a Store; Run must be called, too.
func New(log *slog.Logger, store *db.Store, opts Options) *Store {
	if opts.MaxBatch == 0 {
		opts.MaxBatch = 4000
	}
	if opts.MaxBatchBytes == 0 {
		opts.MaxBatchBytes = 16 << 20
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Store{
		log: log, store: store, postgres: store.Write.Name() == "postgres", opts: opts,
		queue: make(chan *appending, 64), done: make(chan struct{}), partitions: map[string]bool{},
		counter: rand.Int64N(1 << keyBits), listeners: map[*Listener]struct{}{},
	}
}

// Append stores records and returns when they are on disk; it sets their keys (0
// where a record was there before). with, if given, runs in the same transaction: a
// collector keeps its position there, so that neither is without the other.
func (s *Store) Append(ctx context.Context, records []Record, with func(ctx context.Context, tx *sql.Tx) error) (Result, error) {
	a := &appending{records: records, with: with, finished: make(chan error, 1)}
	select {
	case s.queue <- a:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-s.done:
		return Result{}, ErrClosed
	}
	select {
	case err := <-a.finished:
		return a.result, err
	case <-s.done:
	}
	select { // Run answers everything it took before it ends
	case err := <-a.finished:
		return a.result, err
	default:
		return Result{}, ErrClosed
	}
}

// Run writes until the context ends; what it has taken by then is written.
func (s *Store) Run(ctx context.Context) error {
	defer close(s.done)
	for {
		select {
		case first := <-s.queue:
			s.flush(context.WithoutCancel(ctx), first)
		case <-ctx.Done():
			for {
				select {
				case first := <-s.queue:
					s.flush(context.WithoutCancel(ctx), first)
				default:
					return nil
				}
			}
		}
	}
}

// flush commits one append together with those that wait. If that fails each is
// tried alone, so that one cannot spoil the others.
func (s *Store) flush(ctx context.Context, first *appending) {
	batch := []*appending{first}
	records, size := len(first.records), 0
	for _, r := range first.records {
		size += r.Bytes()
	}
gather:
	for records < s.opts.MaxBatch && size < s.opts.MaxBatchBytes {
		select {
		case next := <-s.queue:
			batch = append(batch, next)
			records += len(next.records)
			for i := range next.records {
				size += next.records[i].Bytes()
			}
		default:
			break gather
		}
	}
	err := s.write(ctx, batch)
	if err == nil || len(batch) == 1 {
		s.finish(batch, err)
		return
	}
	for _, a := range batch {
		s.finish([]*appending{a}, s.write(ctx, []*appending{a}))
	}
}

func (s *Store) finish(batch []*appending, err error) {
	if err == nil {
		s.publish(batch)
	}
	for _, a := range batch {
		a.finished <- err
	}
}
