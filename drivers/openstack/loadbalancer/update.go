package loadbalancer

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// edit is what an update request changes. What is nil stays.
type edit struct {
	name, description *string
	tags              *apiv1.StringMap
	attributes        map[string]any // further attributes, by Octavia's names
}

// fromProtoEdit are the attributes that an edit changes. present are the tags now:
// those that users do not see are kept.
func fromProtoEdit(e edit, present []string) map[string]any {
	attributes := map[string]any{}
	for key, value := range e.attributes {
		attributes[key] = value
	}
	if e.name != nil {
		attributes["name"] = *e.name
	}
	if e.description != nil {
		attributes["description"] = *e.description
	}
	if e.tags != nil {
		attributes["tags"] = tags.FromProto(e.tags.GetEntries(), present)
	}
	return attributes
}

// loadBalancerOf is the load balancer of a pool. Errors: NOT_FOUND of the pool.
func loadBalancerOf(ctx context.Context, client *rest.Client, poolID string) (string, error) {
	p, err := pools.Get(ctx, client, poolID)
	if err != nil {
		return "", err
	}
	return firstID(p.LoadBalancers), nil
}

func firstID(refs []reference) string {
	if len(refs) == 0 {
		return ""
	}
	return refs[0].ID
}
