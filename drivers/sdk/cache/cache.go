package cache

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Cache keeps values that change rarely at the cloud. Concurrent callers that
// miss the same key share one load. Errors are not kept. The zero value is not
// usable; make one with New.
type Cache[T any] struct {
	ttl time.Duration
	now func() time.Time

	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	ready  chan struct{} // closed when value and err are set
	done   bool          // the same, under the cache's lock
	value  T
	err    error
	loaded time.Time
}

var errUnfinished = errors.New("loading did not end")

// maxCached bounds the number of keys; beyond it the cache starts anew.
const maxCached = 4096

// New makes a cache whose values are good for ttl by the clock now.
func New[T any](ttl time.Duration, now func() time.Time) *Cache[T] {
	return &Cache[T]{ttl: ttl, now: now, entries: make(map[string]*entry[T])}
}

// Get returns the value of key, loading it when it is absent or too old. A
// caller that waits for another's load gives up when its ctx ends.
func (c *Cache[T]) Get(ctx context.Context, key string, load func(context.Context) (T, error)) (T, error) {
	return c.GetFresh(ctx, key, c.ttl, load)
}

// GetFresh is Get for a caller that wants a value no older than maxAge, which
// is not more than the cache's own limit.
func (c *Cache[T]) GetFresh(ctx context.Context, key string, maxAge time.Duration, load func(context.Context) (T, error)) (T, error) {
	for {
		e, mine := c.claim(key, maxAge)
		if mine {
			return c.load(ctx, key, e, load)
		}
		select {
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		case <-e.ready:
		}
		if e.err == nil {
			return e.value, nil
		}
	}
}

// Peek returns the value of key if it is held and good.
func (c *Cache[T]) Peek(key string) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || !e.done || c.stale(e, c.ttl) {
		return value, false
	}
	return e.value, true
}

// Put holds a value that the caller has read by other means.
func (c *Cache[T]) Put(key string, value T) {
	e := &entry[T]{ready: make(chan struct{})}
	c.fill(key, e, value, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bound()
	c.entries[key] = e
}

// Forget drops key, so that the next Get loads it.
func (c *Cache[T]) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// claim returns the entry of key and whether the caller must fill it.
func (c *Cache[T]) claim(key string, maxAge time.Duration) (e *entry[T], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok && !c.stale(e, maxAge) {
		return e, false
	}
	c.bound()
	e = &entry[T]{ready: make(chan struct{})}
	c.entries[key] = e
	return e, true
}

// load fills e; waiters are released even when load panics.
func (c *Cache[T]) load(ctx context.Context, key string, e *entry[T], load func(context.Context) (T, error)) (value T, err error) {
	err = errUnfinished
	defer func() { c.fill(key, e, value, err) }()
	return load(ctx)
}

// stale tells whether a filled entry is too old; one being loaded never is.
func (c *Cache[T]) stale(e *entry[T], maxAge time.Duration) bool {
	return e.done && c.now().Sub(e.loaded) >= maxAge
}

func (c *Cache[T]) bound() {
	if len(c.entries) >= maxCached {
		clear(c.entries)
	}
}

func (c *Cache[T]) fill(key string, e *entry[T], value T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.value, e.err, e.loaded, e.done = value, err, c.now(), true
	if err != nil && c.entries[key] == e {
		delete(c.entries, key)
	}
	close(e.ready)
}
