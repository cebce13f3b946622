package rest

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

// Collection is one kind of resource: where it lives, how its bodies are wrapped,
// and what the contract calls it. All resources have the same calls, so these are
// written once. Where a method says "the cloud's own
// error", the caller finds out what the refusal means.
type Collection[T any] struct {
	Path   string // "security-groups"
	One    string // "security_group"
	Many   string // "security_groups"
	Type   string // "network.security_group"
	Common func(*T) *Common
	// OneID tells that a list can be filtered by one id only.
	OneID bool
	// Others tells which of the resources of other projects are shown; nil: none.
	Others Others[T]
	// OthersBy are the fields that Others reads.
	OthersBy []string
	// OthersToo tells that what is shown of other projects may be changed too.
	OthersToo bool
}

// Get reads one resource. Errors: NOT_FOUND.
func (c Collection[T]) Get(ctx context.Context, client *Client, id string) (*T, error) {
	if !session.IsUUID(id) {
		return nil, sdk.NotFound(c.Type, id, nil)
	}
	var body map[string]*T
	if _, err := client.Get(ctx, client.ServiceURL(c.Path, id), &body, nil); err != nil {
		return nil, session.Error(err, c.Type, id)
	}
	v, err := c.unwrap(body, id)
	if err != nil {
		return nil, err
	}
	shown, err := c.visible(ctx, client, []T{*v})
	if err != nil {
		return nil, err
	}
	if len(shown) == 0 {
		return nil, sdk.NotFound(c.Type, id, nil)
	}
	return v, nil
}

// Create makes one resource. Errors: the cloud's own.
func (c Collection[T]) Create(ctx context.Context, client *Client, attributes map[string]any) (*T, error) {
	var body map[string]*T
	if _, err := client.Post(ctx, client.ServiceURL(c.Path), map[string]any{c.One: attributes}, &body, nil); err != nil {
		return nil, err
	}
	return c.unwrap(body, "")
}

// Update changes the attributes given. Errors: NOT_FOUND, or the cloud's own.
func (c Collection[T]) Update(ctx context.Context, client *Client, id string, attributes map[string]any) (*T, error) {
	return c.put(ctx, client, id, attributes, nil)
}

// UpdateIf is update for as long as the resource has the revision; after that
// the cloud answers 412.
func (c Collection[T]) UpdateIf(ctx context.Context, client *Client, id string, revision int, attributes map[string]any) (*T, error) {
	return c.put(ctx, client, id, attributes, ifMatch(revision))
}

func (c Collection[T]) put(ctx context.Context, client *Client, id string, attributes map[string]any, headers map[string]string) (*T, error) {
	if !session.IsUUID(id) {
		return nil, sdk.NotFound(c.Type, id, nil)
	}
	if err := c.MayChange(ctx, client, id); err != nil {
		return nil, err
	}
	var body map[string]*T
	_, err := client.Put(ctx, client.ServiceURL(c.Path, id), map[string]any{c.One: attributes}, &body,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}, MoreHeaders: headers})
	if err != nil {
		return nil, err
	}
	return c.unwrap(body, id)
}

// Act runs one of the actions that some kinds have beside the common calls, and
// reads its answer into out.
func (c Collection[T]) Act(ctx context.Context, client *Client, id, action string, body map[string]any, out any) error {
	if !session.IsUUID(id) {
		return sdk.NotFound(c.Type, id, nil)
	}
	if err := c.MayChange(ctx, client, id); err != nil {
		return err
	}
	_, err := client.Put(ctx, client.ServiceURL(c.Path, id, action), body, out,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return err
}

// Delete removes one resource; absent is success. Errors: the cloud's own.
func (c Collection[T]) Delete(ctx context.Context, client *Client, id string) error {
	return c.remove(ctx, client, id, nil)
}

// DeleteIf is delete for as long as the resource has the revision; after that
// the cloud answers 412.
func (c Collection[T]) DeleteIf(ctx context.Context, client *Client, id string, revision int) error {
	return c.remove(ctx, client, id, ifMatch(revision))
}

func (c Collection[T]) remove(ctx context.Context, client *Client, id string, headers map[string]string) error {
	if !session.IsUUID(id) {
		return nil
	}
	err := c.MayChange(ctx, client, id)
	if err == nil {
		_, err = client.Delete(ctx, client.ServiceURL(c.Path, id), &gophercloud.RequestOpts{MoreHeaders: headers})
	}
	if session.IsNotFound(err) || sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil
	}
	return err
}

// List reads all that a query finds and a member of the account's project is shown.
func (c Collection[T]) List(ctx context.Context, client *Client, query url.Values) ([]T, error) {
	items, err := sdk.ReadAll(ctx, func(ctx context.Context, token string) ([]T, string, error) {
		if token != "" {
			query.Set("marker", token)
		}
		items, more, err := c.read(ctx, client, query)
		if err != nil || !more || len(items) == 0 {
			return items, "", session.Error(err, c.Type, "")
		}
		return items, c.Common(&items[len(items)-1]).ID, nil
	})
	if err != nil {
		return nil, err
	}
	return c.visible(ctx, client, items)
}

// read reads one answer; more tells whether the cloud cut it into pages.
func (c Collection[T]) read(ctx context.Context, client *Client, query url.Values) (items []T, more bool, err error) {
	address := client.ServiceURL(c.Path)
	if query = c.own(client, query); len(query) > 0 {
		address += "?" + query.Encode()
	}
	var body map[string]json.RawMessage
	if _, err := client.Get(ctx, address, &body, nil); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(body[c.Many], &items); err != nil {
		return nil, false, c.Unreadable(err)
	}
	var links []gophercloud.Link
	if raw, ok := body[c.Many+"_links"]; ok {
		if err := json.Unmarshal(raw, &links); err != nil {
			return nil, false, c.Unreadable(err)
		}
	}
	for _, link := range links {
		more = more || link.Rel == "next"
	}
	return items, more, nil
}

// SetTags replaces the tags of a resource.
func (c Collection[T]) SetTags(ctx context.Context, client *Client, id string, tags []string) error {
	if err := c.MayChange(ctx, client, id); err != nil {
		return err
	}
	_, err := client.Put(ctx, client.ServiceURL(c.Path, id, "tags"), map[string]any{"tags": tags}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return session.Error(err, c.Type, id)
}

// unwrap takes the resource out of its wrapping.
func (c Collection[T]) unwrap(body map[string]*T, id string) (*T, error) {
	if v := body[c.One]; v != nil {
		return v, nil
	}
	return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(c.Type, id))
}

func (c Collection[T]) Unreadable(err error) error {
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(c.Type, ""), sdk.Cause(err))
}

func ifMatch(revision int) map[string]string {
	return map[string]string{"If-Match": "revision_number=" + strconv.Itoa(revision)}
}

// FaultCode is the name that the network service gives a refusal, such as "SubnetInUse";
// empty for other errors.
func FaultCode(err error) string {
	return sdk.InfoOf(session.Error(err, "", ""))["provider_code"]
}
