package storage

import (
	"context"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/pagination"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// wholePage is asked for where all is read: what clouds allow at most.
const wholePage = 1000

// page is one page of a list, before filters that the cloud does not know.
type page[T any] struct {
	items   []T
	next    string   // token of the next page; empty: the last
	missing []string // of the request's ids
}

// onePage reads the page behind a token; list makes the query that begins behind an
// item.
func onePage[T any](ctx context.Context, list func(marker string) pagination.Pager, token, resourceType string, extract func(pagination.Page) ([]T, error), id func(*T) string) (page[T], error) {
	p, err := session.After(ctx, token, isBadMarker, func(ctx context.Context, marker string) (page[T], error) {
		var p page[T]
		err := list(marker).EachPage(ctx, func(_ context.Context, raw pagination.Page) (bool, error) {
			var err error
			if p.items, err = extract(raw); err != nil {
				return false, err
			}
			next, err := raw.NextPageURL()
			if err == nil && next != "" {
				p.next = session.PageToken(p.items, id)
			}
			return false, err
		})
		return p, err
	})
	return p, session.Error(err, resourceType, "")
}

// isBadMarker tells whether a service did not know the item that a page begins behind.
func isBadMarker(err error) bool {
	return session.IsNotFound(err) || gophercloud.ResponseCodeIs(err, http.StatusBadRequest)
}

// allPages reads all that pager finds.
func allPages[T any](ctx context.Context, pager pagination.Pager, resourceType string, extract func(pagination.Page) ([]T, error)) ([]T, error) {
	var all []T
	err := pager.EachPage(ctx, func(_ context.Context, raw pagination.Page) (bool, error) {
		items, err := extract(raw)
		all = append(all, items...)
		return true, err
	})
	return all, session.Error(err, resourceType, "")
}

// pick takes the items with the wanted ids out of all.
func pick[T any](all []T, ids []string, id func(*T) string) page[T] {
	items, missing := sdk.PickIDs(all, func(v T) string { return id(&v) }, ids)
	return page[T]{items: items, missing: missing}
}

// fromOne makes a page of what reading the only wanted id brought.
func fromOne[T any](v *T, err error, id string) (page[T], error) {
	switch {
	case err == nil:
		return page[T]{items: []T{*v}}, nil
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return page[T]{missing: []string{id}}, nil
	default:
		return page[T]{}, err
	}
}
