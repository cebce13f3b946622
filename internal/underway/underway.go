// Package underway bounds how much of each kind is under way at once.
//
// It owns the counts; what a key stands for, and what is done where no more may begin,
// is its callers'.
package underway

import "sync"

// Counter counts what is under way, by key. It is safe for concurrent use.
type Counter struct {
	most int

	mu    sync.Mutex
	count map[string]int
}

// New makes a counter that lets so many of each key be under way.
func New(most int) *Counter { return &Counter{most: most, count: map[string]int{}} }

// Begin counts one more, unless there are as many as may be. Each that has begun must End.
func (c *Counter) Begin(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[key] >= c.most {
		return false
	}
	c.count[key]++
	return true
}

// End counts one less.
func (c *Counter) End(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[key]--; c.count[key] == 0 {
		delete(c.count, key)
	}
}
