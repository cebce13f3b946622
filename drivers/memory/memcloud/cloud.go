package memcloud

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Options tunes a Cloud. The zero value is a cloud in memory only, with the
// real clock and neutral knobs.
type Options struct {
	File   string           // bbolt file that every change is written through to; empty: nothing is kept
	Now    func() time.Time // decides when states move; default time.Now
	Random io.Reader        // source of ids; default crypto/rand
	Region string           // name of the cloud's only region; default "mem-region-1"
	Knobs  *Knobs           // how the cloud behaves from the start; default DefaultKnobs
}

// Cloud is one simulated cloud. All methods may be called concurrently.
//
// Writers hold writing for the whole of a change, with its fsync; mu is taken
// only to swap records in, so that readers never wait for the disk.
type Cloud struct {
	now     func() time.Time
	random  io.Reader
	region  string
	store   *store // nil: in memory only
	methods map[string]*method
	knobs   atomic.Pointer[knobSet]
	closed  atomic.Bool

	writing sync.Mutex
	seq     uint64             // last used; guarded by writing
	unsaved map[key]struct{}   // changed by settling only, stored with the next write; guarded by writing
	tokens  map[tokenKey]token // guarded by writing
	swept   time.Time          // when expired tokens were last looked for; guarded by writing

	mu      sync.RWMutex
	tables  map[kind]map[string]*table // changed with writing and mu held
	moves   dueQueue                   // guarded by writing
	nextDue atomic.Int64               // Unix nanoseconds of the first move; 0: none
}

// Open makes a cloud, or reads it back from the file. The file is locked until
// Close; an error is returned if another process holds it.
func Open(opts Options) (*Cloud, error) {
	c, err := newCloud(opts)
	if err != nil {
		return nil, err
	}
	if opts.File != "" {
		if c.store, err = openStore(opts.File); err != nil {
			return nil, err
		}
		if err := c.load(c.store); err != nil {
			return nil, fmt.Errorf("read %s: %w", opts.File, closeAfter(c.store, err))
		}
	}
	if err := c.seed(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func newCloud(opts Options) (*Cloud, error) {
	c := &Cloud{
		now:     opts.Now,
		random:  opts.Random,
		region:  opts.Region,
		unsaved: map[key]struct{}{},
		tokens:  map[tokenKey]token{},
		tables:  map[kind]map[string]*table{},
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.random == nil {
		c.random = rand.Reader
	}
	if c.region == "" {
		c.region = "mem-region-1"
	}
	knobs := DefaultKnobs()
	if opts.Knobs != nil {
		knobs = *opts.Knobs
	}
	c.methods = c.newMethods()
	return c, c.SetKnobs(knobs)
}

// Close waits for the change in progress and gives the file free. Calls that
// come later are refused with CLOUD_UNAVAILABLE.
func (c *Cloud) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.closed.Swap(true) || c.store == nil {
		return nil
	}
	return c.store.close()
}

// Region is the name of the cloud's only region.
func (c *Cloud) Region() string { return c.region }

// Now is the cloud's own clock, UTC.
func (c *Cloud) Now() time.Time { return c.now().UTC() }

func (c *Cloud) newView(ctx context.Context) *view {
	return &view{cloud: c, project: callerFrom(ctx).Project, now: c.Now(), knobs: c.knobs.Load()}
}

// read runs fn on what is stored now.
func read[R any](c *Cloud, ctx context.Context, fn func(*view) (R, error)) (R, error) {
	v := c.newView(ctx)
	if err := c.settleBefore(v.now); err != nil {
		var none R
		return none, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return fn(v)
}

// write runs fn and stores what it changed, all or nothing. A call with a
// client token that was answered before gets the same answer, and fn does not run.
func write[R proto.Message](c *Cloud, ctx context.Context, fn func(*view) (R, error)) (R, error) {
	var none R
	c.writing.Lock()
	defer c.writing.Unlock()
	v := c.newView(ctx)
	if c.closed.Load() {
		return none, unavailable()
	}
	c.settle(v.now)
	v.changes = newChanges()
	repeat, prior, err := c.replay(ctx, v)
	if err != nil {
		return none, err
	}
	if prior != nil {
		answer := none.ProtoReflect().New().Interface().(R)
		if err := proto.Unmarshal(prior, answer); err != nil {
			return none, fmt.Errorf("read the stored answer: %w", err)
		}
		return answer, nil
	}
	answer, err := fn(v)
	if err != nil {
		return none, err
	}
	if repeat != nil {
		if err := repeat.remember(answer); err != nil {
			return none, err
		}
	}
	if err := c.commit(v, repeat); err != nil {
		return none, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Cause(err))
	}
	return answer, nil
}

func newChanges() *changes { return &changes{records: map[key]*record{}} }

// commit writes the changes through to the file, then lets readers see them.
func (c *Cloud) commit(v *view, repeat *repeated) error {
	expired := c.expiredTokens(v.now)
	if c.store != nil {
		for k := range c.unsaved {
			if _, ok := v.changes.records[k]; !ok {
				v.changes.touched = append(v.changes.touched, k)
				v.changes.records[k] = c.stored(k)
			}
		}
		if err := c.store.save(v.changes, repeat, expired, c.seq); err != nil {
			return err
		}
		clear(c.unsaved)
	}
	for _, k := range expired {
		delete(c.tokens, k)
	}
	if repeat != nil {
		c.tokens[repeat.key] = repeat.token
	}
	c.apply(v.changes)
	return nil
}

func (c *Cloud) stored(k key) *record {
	if t := c.tables[k.kind][k.project]; t != nil {
		return t.byID[k.id]
	}
	return nil
}

func (c *Cloud) apply(ch *changes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range ch.touched {
		r := ch.records[k]
		if r == nil {
			if t := c.tables[k.kind][k.project]; t != nil {
				t.remove(k.id)
			}
			continue
		}
		c.table(k).put(r)
		c.moves.add(r)
	}
	c.nextDue.Store(c.moves.first())
}

func (c *Cloud) table(k key) *table {
	projects := c.tables[k.kind]
	if projects == nil {
		projects = map[string]*table{}
		c.tables[k.kind] = projects
	}
	t := projects[k.project]
	if t == nil {
		t = newTable()
		projects[k.project] = t
	}
	return t
}

func (c *Cloud) nextSeq() uint64 {
	c.seq++
	return c.seq
}

// newID makes a native id: the prefix and 16 hex digits.
func (c *Cloud) newID(prefix string) string {
	var b [8]byte
	if _, err := io.ReadFull(c.random, b[:]); err != nil {
		panic(fmt.Sprintf("memcloud: the source of ids ran dry: %v", err))
	}
	return prefix + hex.EncodeToString(b[:])
}

func unavailable() error { return sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE) }
