package session

import (
	"context"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// markersKept is how many of a page's last items a page token names. The services only
// know how to go on behind an item that is still there: where the last one was deleted
// meanwhile, the one before it serves.
const markersKept = 4

const markerSeparator = ","

// PageToken names the last items of a page, by their ids in the order of the page.
func PageToken[T any](items []T, id func(*T) string) string {
	var ids []string
	for i := max(0, len(items)-markersKept); i < len(items); i++ {
		ids = append(ids, id(&items[i]))
	}
	return strings.Join(ids, markerSeparator)
}

// After reads the page behind a page token, or the first page for an empty one. read
// gets the id of the item to go on behind; isGone tells of its error that there is no
// such item. Errors: PAGE_TOKEN_INVALID where no item of the token is left, those of
// read.
func After[P any](ctx context.Context, token string, isGone func(error) bool, read func(ctx context.Context, marker string) (P, error)) (P, error) {
	if token == "" {
		return read(ctx, "")
	}
	var none P
	markers := strings.Split(token, markerSeparator)
	if len(markers) > markersKept || slices.ContainsFunc(markers, func(id string) bool { return !IsUUID(id) }) {
		return none, sdk.BadPageToken(nil)
	}
	var gone error
	for _, marker := range slices.Backward(markers) {
		p, err := read(ctx, marker)
		if err == nil || !isGone(err) {
			return p, err
		}
		gone = err
	}
	return none, sdk.BadPageToken(gone)
}
