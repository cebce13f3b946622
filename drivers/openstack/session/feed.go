package session

import (
	"context"
	"maps"
	"time"
)

// Changed is what a feed tells of one type of resource.
type Changed struct {
	IDs     []string
	Deleted []string
	// Total is how many a listing would have; nil: deletions are told.
	Total *int32
}

// Feed reads what was made or changed since a time, by the cloud's clock. Errors:
// the contract's.
type Feed func(ctx context.Context, s *Session, since time.Time) (Changed, error)

// Feeds are feeds by resource type.
type Feeds map[string]Feed

// With adds further feeds.
func (f Feeds) With(others ...Feeds) Feeds {
	all := maps.Clone(f)
	for _, other := range others {
		maps.Copy(all, other)
	}
	return all
}
