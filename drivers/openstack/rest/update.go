package rest

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// Edit is what an update request changes. What is nil stays.
type Edit struct {
	Name, Description *string
	Tags              *apiv1.StringMap
	Attributes        map[string]any // further attributes, by Neutron's names
}

// Apply changes a resource and returns how it is then. The present resource is
// read only where the change depends on it: the marker at the end of the
// description and the tags that are not the user's are kept. Errors: NOT_FOUND,
// or the cloud's own.
func (c Collection[T]) Apply(ctx context.Context, client *Client, id string, e Edit) (*T, error) {
	var v *T
	var err error
	attributes := e.Attributes
	if attributes == nil {
		attributes = map[string]any{}
	}
	if e.Description != nil || e.Tags != nil || e.Name == nil && len(attributes) == 0 {
		if v, err = c.Get(ctx, client, id); err != nil {
			return nil, err
		}
	}
	if e.Name != nil {
		attributes["name"] = *e.Name
	}
	if e.Description != nil {
		attributes["description"] = *e.Description + Marker(c.Common(v).Description)
	}
	if len(attributes) > 0 {
		if v, err = c.Update(ctx, client, id, attributes); err != nil {
			return nil, err
		}
	}
	if e.Tags != nil {
		return v, c.SetTags(ctx, client, id, tags.FromProto(e.Tags.GetEntries(), c.Common(v).Tags))
	}
	return v, nil
}
