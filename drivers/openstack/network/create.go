package network

import (
	"context"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// createMarked makes a resource once, however often the request is repeated, and
// gives it its tags. The marker travels in the creating call; the tags follow,
// and a repeat sets them again. Errors: the cloud's own.
func (c collection[T]) createMarked(ctx context.Context, client *gophercloud.ServiceClient, attributes map[string]any, description string, user map[string]string) (*T, error) {
	v, err := c.findOrCreate(ctx, client, attributes, mark(description, sdk.CallFrom(ctx).RequestID))
	if err != nil || len(user) == 0 {
		return v, err
	}
	return v, c.setTags(ctx, client, c.common(v).ID, tags.FromProto(user, nil))
}

func (c collection[T]) findOrCreate(ctx context.Context, client *gophercloud.ServiceClient, attributes map[string]any, description string) (*T, error) {
	if session.Repeated(ctx) {
		found, err := c.list(ctx, client, url.Values{"description": {description}})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return &found[0], nil
		}
	}
	attributes["description"] = description
	return c.create(ctx, client, attributes)
}
