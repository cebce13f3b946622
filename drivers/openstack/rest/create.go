package rest

import (
	"context"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateMarked makes a resource once, however often the request is repeated, and
// gives it its tags. The marker travels in the creating call; the tags follow,
// and a repeat sets them again. Errors: the cloud's own.
func (c Collection[T]) CreateMarked(ctx context.Context, client *gophercloud.ServiceClient, attributes map[string]any, description string, user map[string]string) (*T, error) {
	v, err := c.FindOrCreate(ctx, client, attributes, Mark(description, sdk.CallFrom(ctx).RequestID))
	if err != nil || len(user) == 0 {
		return v, err
	}
	return v, c.SetTags(ctx, client, c.Common(v).ID, tags.FromProto(user, nil))
}

// FindOrCreate makes a resource with a marked description, or, in a repeat of the
// request, returns the one that has this description already. Errors: the cloud's
// own.
func (c Collection[T]) FindOrCreate(ctx context.Context, client *gophercloud.ServiceClient, attributes map[string]any, description string) (*T, error) {
	if session.Repeated(ctx) {
		found, err := c.List(ctx, client, url.Values{"description": {description}})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return &found[0], nil
		}
	}
	attributes["description"] = description
	return c.Create(ctx, client, attributes)
}
