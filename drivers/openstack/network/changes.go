package network

import (
	"context"
	"time"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Feeds are the types whose changes this account's Neutron tells.
func Feeds(s *session.Session) session.Feeds {
	if s.Network == nil || !s.Extensions["standard-attr-timestamp"] {
		return nil
	}
	feeds := session.Feeds{
		networks.Type: feedOf(networks, nil),
		subnets.Type:  feedOf(subnets, nil),
		nics.Type: feedOf(nics, func(p *port) bool {
			return keepsNIC(&networkv1.ListNicsRequest{}, toProtoNIC(p, s.Region))
		}, "device_id", "device_owner"),
	}
	if s.Extensions["router"] {
		feeds[routers.Type] = feedOf(routers, nil)
		feeds[publicIPs.Type] = feedOf(publicIPs, nil)
	}
	if s.Extensions["security-group"] {
		feeds[securityGroups.Type] = feedOf(securityGroups, nil)
	}
	return feeds
}

func feedOf[T any](c rest.Collection[T], keep func(*T) bool, fields ...string) session.Feed {
	return func(ctx context.Context, s *session.Session, since time.Time) (session.Changed, error) {
		return c.Changes(ctx, rest.For(s, s.Network), since, keep, fields...)
	}
}
