package db

import (
	"context"
	"time"
)

// Follow looks every so often for what other replicas have written, until the context
// ends. An embedded store has no other replicas.
func (s *Store) Follow(ctx context.Context, every time.Duration, look func(context.Context)) error {
	if s.Embedded {
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			look(ctx)
		}
	}
}
