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

// Find reads one page of what the query finds, without what a member of the account's
// project is not shown, or, by their ids, the resources
// that the request names; then the query does not count.
func (c Collection[T]) Find(ctx context.Context, client *Client, req sdk.PageRequest, query url.Values) (Page[T], error) {
	if len(req.GetIds()) > 0 {
		return c.byIDs(ctx, client, req.GetIds())
	}
	query.Set("limit", strconv.Itoa(sdk.PageSize(req)))
	p, err := session.After(ctx, req.GetPageToken(), isBadMarker, func(ctx context.Context, marker string) (Page[T], error) {
		SetIf(query, "marker", marker)
		items, more, err := c.read(ctx, client, query)
		if err != nil || !more {
			return Page[T]{Items: items}, err
		}
		return Page[T]{Items: items, Next: session.PageToken(items, func(v *T) string { return c.Common(v).ID })}, nil
	})
	if err != nil {
		return p, session.Error(err, c.Type, "")
	}
	p.Items, err = c.visible(ctx, client, p.Items)
	return p, err
}

func (c Collection[T]) byIDs(ctx context.Context, client *Client, ids []string) (Page[T], error) {
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
