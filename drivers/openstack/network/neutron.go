package network

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// collection is one kind of Neutron resource: where it lives, how its bodies are
// wrapped, and what the contract calls it. All resources of Neutron have the
// same calls, so these are written once. Where a method says "the cloud's own
// error", the caller finds out what the refusal means.
type collection[T any] struct {
	path         string // "security-groups"
	one          string // "security_group"
	many         string // "security_groups"
	resourceType string // "network.security_group"
	common       func(*T) *common
}

// get reads one resource. Errors: NOT_FOUND.
func (c collection[T]) get(ctx context.Context, client *gophercloud.ServiceClient, id string) (*T, error) {
	if !session.IsUUID(id) {
		return nil, sdk.NotFound(c.resourceType, id, nil)
	}
	var body map[string]*T
	if _, err := client.Get(ctx, client.ServiceURL(c.path, id), &body, nil); err != nil {
		return nil, session.Error(err, c.resourceType, id)
	}
	return c.unwrap(body, id)
}

// create makes one resource. Errors: the cloud's own.
func (c collection[T]) create(ctx context.Context, client *gophercloud.ServiceClient, attributes map[string]any) (*T, error) {
	var body map[string]*T
	if _, err := client.Post(ctx, client.ServiceURL(c.path), map[string]any{c.one: attributes}, &body, nil); err != nil {
		return nil, err
	}
	return c.unwrap(body, "")
}

// update changes the attributes given. Errors: NOT_FOUND, or the cloud's own.
func (c collection[T]) update(ctx context.Context, client *gophercloud.ServiceClient, id string, attributes map[string]any) (*T, error) {
	return c.put(ctx, client, id, attributes, nil)
}

// updateIf is update for as long as the resource has the revision; after that
// the cloud answers 412.
func (c collection[T]) updateIf(ctx context.Context, client *gophercloud.ServiceClient, id string, revision int, attributes map[string]any) (*T, error) {
	return c.put(ctx, client, id, attributes, ifMatch(revision))
}

func (c collection[T]) put(ctx context.Context, client *gophercloud.ServiceClient, id string, attributes map[string]any, headers map[string]string) (*T, error) {
	if !session.IsUUID(id) {
		return nil, sdk.NotFound(c.resourceType, id, nil)
	}
	var body map[string]*T
	_, err := client.Put(ctx, client.ServiceURL(c.path, id), map[string]any{c.one: attributes}, &body,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}, MoreHeaders: headers})
	if err != nil {
		return nil, err
	}
	return c.unwrap(body, id)
}

// act runs one of the actions that Neutron has beside the common calls, and
// reads its answer into out.
func (c collection[T]) act(ctx context.Context, client *gophercloud.ServiceClient, id, action string, body map[string]any, out any) error {
	if !session.IsUUID(id) {
		return sdk.NotFound(c.resourceType, id, nil)
	}
	_, err := client.Put(ctx, client.ServiceURL(c.path, id, action), body, out,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return err
}

// delete removes one resource; absent is success. Errors: the cloud's own.
func (c collection[T]) delete(ctx context.Context, client *gophercloud.ServiceClient, id string) error {
	return c.remove(ctx, client, id, nil)
}

// deleteIf is delete for as long as the resource has the revision; after that
// the cloud answers 412.
func (c collection[T]) deleteIf(ctx context.Context, client *gophercloud.ServiceClient, id string, revision int) error {
	return c.remove(ctx, client, id, ifMatch(revision))
}

func (c collection[T]) remove(ctx context.Context, client *gophercloud.ServiceClient, id string, headers map[string]string) error {
	if !session.IsUUID(id) {
		return nil
	}
	_, err := client.Delete(ctx, client.ServiceURL(c.path, id), &gophercloud.RequestOpts{MoreHeaders: headers})
	if session.IsNotFound(err) {
		return nil
	}
	return err
}

// list reads all that a query finds.
func (c collection[T]) list(ctx context.Context, client *gophercloud.ServiceClient, query url.Values) ([]T, error) {
	var all []T
	for {
		items, more, err := c.read(ctx, client, query)
		if err != nil {
			return nil, session.Error(err, c.resourceType, "")
		}
		all = append(all, items...)
		if !more || len(items) == 0 {
			return all, nil
		}
		query.Set("marker", c.common(&items[len(items)-1]).ID)
	}
}

// read reads one answer; more tells whether the cloud cut it into pages.
func (c collection[T]) read(ctx context.Context, client *gophercloud.ServiceClient, query url.Values) (items []T, more bool, err error) {
	address := client.ServiceURL(c.path)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var body map[string]json.RawMessage
	if _, err := client.Get(ctx, address, &body, nil); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(body[c.many], &items); err != nil {
		return nil, false, c.unreadable(err)
	}
	var links []gophercloud.Link
	if raw, ok := body[c.many+"_links"]; ok {
		if err := json.Unmarshal(raw, &links); err != nil {
			return nil, false, c.unreadable(err)
		}
	}
	for _, link := range links {
		more = more || link.Rel == "next"
	}
	return items, more, nil
}

// setTags replaces the tags of a resource.
func (c collection[T]) setTags(ctx context.Context, client *gophercloud.ServiceClient, id string, tags []string) error {
	_, err := client.Put(ctx, client.ServiceURL(c.path, id, "tags"), map[string]any{"tags": tags}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return session.Error(err, c.resourceType, id)
}

// unwrap takes the resource out of its wrapping.
func (c collection[T]) unwrap(body map[string]*T, id string) (*T, error) {
	if v := body[c.one]; v != nil {
		return v, nil
	}
	return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(c.resourceType, id))
}

func (c collection[T]) unreadable(err error) error {
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(c.resourceType, ""), sdk.Cause(err))
}

func ifMatch(revision int) map[string]string {
	return map[string]string{"If-Match": "revision_number=" + strconv.Itoa(revision)}
}

// faultCode is the name that Neutron gives a refusal, such as "SubnetInUse";
// empty for other errors.
func faultCode(err error) string {
	return sdk.InfoOf(session.Error(err, "", ""))["provider_code"]
}
