package security

import (
	"context"
	"sync"
)

// turns lets one call at a time change each list of rules: the cloud replaces a list
// as a whole, so that two changes at the same time would lose one. Changes that
// others make past this driver cannot be seen.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn ends
}

// take waits for the turn of a list, and returns what ends it. Errors: the context's.
func (t *turns) take(ctx context.Context, list string) (end func(), err error) {
	for {
		t.mu.Lock()
		other, busy := t.taken[list]
		if !busy {
			mine := make(chan struct{})
			if t.taken == nil {
				t.taken = map[string]chan struct{}{}
			}
			t.taken[list] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, list)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other:
		}
	}
}
