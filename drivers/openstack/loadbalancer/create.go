package loadbalancer

import (
	"context"
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// createTagged makes an object once, however often the request is repeated: the
// creating call carries the request's marker as a tag, beside the user's tags and
// those of facts. Errors: the cloud's own.
func createTagged[T any](ctx context.Context, client *rest.Client, c rest.Collection[T], attributes map[string]any, user, facts map[string]string) (*T, error) {
	hidden := factTags(facts)
	if sdk.CallFrom(ctx).RequestID == "" {
		attributes["tags"] = tags.FromProto(user, hidden)
		return c.Create(ctx, client, attributes)
	}
	marker := session.Marker(ctx, "")
	attributes["tags"] = tags.FromProto(user, append(hidden, marker))
	return c.Once(ctx, client, attributes, url.Values{"tags": {marker}})
}
