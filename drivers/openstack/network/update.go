package network

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// edit is what an update request changes. What is nil stays.
type edit struct {
	name, description *string
	tags              *apiv1.StringMap
	attributes        map[string]any // further attributes, by Neutron's names
}

// apply changes a resource and returns how it is then. The present resource is
// read only where the change depends on it: the marker at the end of the
// description and the tags that are not the user's are kept. Errors: NOT_FOUND,
// or the cloud's own.
func (c collection[T]) apply(ctx context.Context, client *gophercloud.ServiceClient, id string, e edit) (*T, error) {
	var v *T
	var err error
	attributes := e.attributes
	if attributes == nil {
		attributes = map[string]any{}
	}
	if e.description != nil || e.tags != nil || e.name == nil && len(attributes) == 0 {
		if v, err = c.get(ctx, client, id); err != nil {
			return nil, err
		}
	}
	if e.name != nil {
		attributes["name"] = *e.name
	}
	if e.description != nil {
		attributes["description"] = *e.description + marker(c.common(v).Description)
	}
	if len(attributes) > 0 {
		if v, err = c.update(ctx, client, id, attributes); err != nil {
			return nil, err
		}
	}
	if e.tags != nil {
		return v, c.setTags(ctx, client, id, tags.FromProto(e.tags.GetEntries(), c.common(v).Tags))
	}
	return v, nil
}
