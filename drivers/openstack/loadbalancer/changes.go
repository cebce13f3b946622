package loadbalancer

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Feeds are the types whose changes this account's Octavia tells.
func Feeds(s *session.Session) session.Feeds {
	if s.LoadBalancer == nil {
		return nil
	}
	return session.Feeds{vips.Type: feedOf(vips), listeners.Type: feedOf(listeners), pools.Type: feedOf(pools)}
}

func feedOf[T any](c rest.Collection[T]) session.Feed {
	return func(ctx context.Context, s *session.Session, since time.Time) (session.Changed, error) {
		return c.Changes(ctx, rest.For(s, s.LoadBalancer), since, nil)
	}
}
