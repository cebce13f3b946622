package rest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Page is one page of a list, before filters that the service does not know.
type Page[T any] struct {
	Items   []T
	Next    string   // token of the next page; empty: the last
	Missing []string // of the request's ids
}

// Find reads one page of what the query finds, or, by their ids, the resources
// that the request names; then the query does not count. The token of a page is
// the id of the last item of the page before.
func (c Collection[T]) Find(ctx context.Context, client *gophercloud.ServiceClient, req sdk.PageRequest, query url.Values) (Page[T], error) {
	if len(req.GetIds()) > 0 {
		return c.byIDs(ctx, client, req.GetIds())
	}
	query.Set("limit", strconv.Itoa(sdk.PageSize(req)))
	token := req.GetPageToken()
	if token != "" {
		if !session.IsUUID(token) {
			return Page[T]{}, sdk.BadPageToken(nil)
		}
		query.Set("marker", token)
	}
	items, more, err := c.read(ctx, client, query)
	switch {
	case token != "" && isBadMarker(err):
		return Page[T]{}, sdk.BadPageToken(err)
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
	p.Items, p.Missing = sdk.PickIDs(items, func(v T) string { return c.Common(&v).ID }, ids)
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
