package rest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// DefaultPageSize is the size of a page when the request names none.
const DefaultPageSize = 50

// PageRequest is what list requests have in common.
type PageRequest interface {
	GetIds() []string
	GetPageSize() int32
	GetPageToken() string
}

// Page is one page of a list, before filters that the service does not know.
type Page[T any] struct {
	Items   []T
	Next    string   // token of the next page; empty: the last
	Missing []string // of the request's ids
}

// Find reads one page of what the query finds, or, by their ids, the resources
// that the request names; then the query does not count. The token of a page is
// the id of the last item of the page before.
func (c Collection[T]) Find(ctx context.Context, client *gophercloud.ServiceClient, req PageRequest, query url.Values) (Page[T], error) {
	if len(req.GetIds()) > 0 {
		return c.byIDs(ctx, client, req.GetIds())
	}
	size := int(req.GetPageSize())
	if size <= 0 {
		size = DefaultPageSize
	}
	query.Set("limit", strconv.Itoa(size))
	token := req.GetPageToken()
	if token != "" {
		if !session.IsUUID(token) {
			return Page[T]{}, BadPageToken(nil)
		}
		query.Set("marker", token)
	}
	items, more, err := c.read(ctx, client, query)
	switch {
	case token != "" && isBadMarker(err):
		return Page[T]{}, BadPageToken(err)
	case err != nil:
		return Page[T]{}, session.Error(err, c.Type, "")
	}
	p := Page[T]{Items: items}
	if more && len(items) > 0 {
		p.Next = c.Common(&items[len(items)-1]).ID
	}
	return p, nil
}

func (c Collection[T]) byIDs(ctx context.Context, client *gophercloud.ServiceClient, ids []string) (Page[T], error) {
	query := url.Values{}
	for _, id := range ids {
		if session.IsUUID(id) {
			query.Add("id", id)
		}
	}
	var p Page[T]
	if len(query) == 0 {
		return Page[T]{Missing: ids}, nil
	}
	if c.OneID && len(query["id"]) > 1 {
		query = url.Values{}
	}
	items, err := c.List(ctx, client, query)
	if err != nil {
		return Page[T]{}, err
	}
	found := make(map[string]bool, len(ids))
	for i := range items {
		if id := c.Common(&items[i]).ID; slices.Contains(ids, id) {
			found[id] = true
			p.Items = append(p.Items, items[i])
		}
	}
	for _, id := range ids {
		if !found[id] {
			p.Missing = append(p.Missing, id)
		}
	}
	return p, nil
}

// isBadMarker tells whether a service did not know the id that a page begins
// after: the network service answers 404, the load balancer service 400.
func isBadMarker(err error) bool {
	return session.IsNotFound(err) || gophercloud.ResponseCodeIs(err, http.StatusBadRequest)
}

// SetIf puts a filter into a query if it has a value.
func SetIf(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

// BadPageToken is the refusal of a page token that the driver did not make.
func BadPageToken(cause error) error {
	return sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"), sdk.Cause(cause))
}
