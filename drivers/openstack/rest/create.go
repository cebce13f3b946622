package rest

import (
	"context"
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateMarked makes a resource once, however often the request is repeated, and
// gives it its tags. The marker travels in the creating call; the tags follow,
// and a repeat sets them again. What was made goes again where they are refused.
// Errors: the cloud's own.
func (c Collection[T]) CreateMarked(ctx context.Context, client *Client, attributes map[string]any, description string, user map[string]string) (*T, error) {
	v, err := c.FindOrCreate(ctx, client, attributes, Mark(description, sdk.CallFrom(ctx).RequestID))
	if err != nil || len(user) == 0 {
		return v, err
	}
	id := c.Common(v).ID
	if err := c.SetTags(ctx, client, id, tags.FromProto(user, nil)); err != nil {
		return nil, sdk.TakeBack(ctx, err, func(ctx context.Context) error { return c.Delete(ctx, client, id) })
	}
	return v, nil
}

// FindOrCreate makes a resource with a marked description, or, in a repeat of the
// request, returns the one that has this description already. Errors: the cloud's
// own.
func (c Collection[T]) FindOrCreate(ctx context.Context, client *Client, attributes map[string]any, description string) (*T, error) {
	attributes["description"] = description
	return c.Once(ctx, client, attributes, url.Values{"description": {description}})
}

func pointers[T any](all []T) []*T {
	to := make([]*T, len(all))
	for i := range all {
		to[i] = &all[i]
	}
	return to
}

// Once makes a resource, or, in a repeat of the request, returns the oldest that
// the query for its marker finds, and removes the others. Errors: the cloud's own.
func (c Collection[T]) Once(ctx context.Context, client *Client, attributes map[string]any, marked url.Values) (*T, error) {
	return sdk.Marked[*T]{
		Find: func(ctx context.Context) ([]*T, error) {
			found, err := c.List(ctx, client, marked)
			return pointers(found), err
		},
		Create:  func(ctx context.Context) (*T, error) { return c.Create(ctx, client, attributes) },
		Compare: func(a, b *T) int { return c.Common(a).compareAge(c.Common(b)) },
		Remove:  func(ctx context.Context, twin *T) error { return c.Delete(ctx, client, c.Common(twin).ID) },
	}.FindOrCreate(ctx)
}
