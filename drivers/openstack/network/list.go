package network

import (
	"context"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// defaultPageSize is the size of a page when the request names none.
const defaultPageSize = 50

// pageRequest is what list requests have in common.
type pageRequest interface {
	GetIds() []string
	GetPageSize() int32
	GetPageToken() string
}

// page is one page of a list, before filters that Neutron does not know.
type page[T any] struct {
	items   []T
	next    string   // token of the next page; empty: the last
	missing []string // of the request's ids
}

// find reads one page of what the query finds, or, by their ids, the resources
// that the request names; then the query does not count. The token of a page is
// the id of the last item of the page before.
func (c collection[T]) find(ctx context.Context, client *gophercloud.ServiceClient, req pageRequest, query url.Values) (page[T], error) {
	if len(req.GetIds()) > 0 {
		return c.byIDs(ctx, client, req.GetIds())
	}
	size := int(req.GetPageSize())
	if size <= 0 {
		size = defaultPageSize
	}
	query.Set("limit", strconv.Itoa(size))
	token := req.GetPageToken()
	if token != "" {
		if !session.IsUUID(token) {
			return page[T]{}, badPageToken(nil)
		}
		query.Set("marker", token)
	}
	items, more, err := c.read(ctx, client, query)
	switch {
	case token != "" && session.IsNotFound(err):
		return page[T]{}, badPageToken(err)
	case err != nil:
		return page[T]{}, session.Error(err, c.resourceType, "")
	}
	p := page[T]{items: items}
	if more && len(items) > 0 {
		p.next = c.common(&items[len(items)-1]).ID
	}
	return p, nil
}

func (c collection[T]) byIDs(ctx context.Context, client *gophercloud.ServiceClient, ids []string) (page[T], error) {
	query := url.Values{}
	for _, id := range ids {
		if session.IsUUID(id) {
			query.Add("id", id)
		}
	}
	var p page[T]
	if len(query) > 0 {
		var err error
		if p.items, err = c.list(ctx, client, query); err != nil {
			return page[T]{}, err
		}
	}
	found := make(map[string]bool, len(p.items))
	for i := range p.items {
		found[c.common(&p.items[i]).ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			p.missing = append(p.missing, id)
		}
	}
	return p, nil
}

// setIf puts a filter into a query if it has a value.
func setIf(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

func badPageToken(cause error) error {
	return sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"), sdk.Cause(cause))
}
