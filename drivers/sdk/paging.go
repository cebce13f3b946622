package sdk

import (
	"context"
	"errors"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// DefaultPageSize is the size of a page when the request names none.
const DefaultPageSize = 50

// PageRequest is what all list requests have in common.
type PageRequest interface {
	GetIds() []string
	GetPageSize() int32
	GetPageToken() string
}

// PageSize is the size of page that a request asks for, DefaultPageSize if it
// names none.
func PageSize(req PageRequest) int {
	if req.GetPageSize() <= 0 {
		return DefaultPageSize
	}
	return int(req.GetPageSize())
}

// BadPageToken is the refusal of a page token that the driver did not make.
func BadPageToken(cause error) error {
	return NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, Field("page_token"), Cause(cause))
}

// CutPage cuts the page that a request asks for out of a list that is held
// whole, in the order of its keys; for clouds that do not cut lists themselves.
// The token of a page is the key of the last item of the page before, so that a
// page neither loses nor repeats an item while others come and go.
func CutPage[T any](all []T, key func(T) string, req PageRequest) (page []T, next string) {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(key(a), key(b)) })
	start := 0
	if token := req.GetPageToken(); token != "" {
		start = len(sorted)
		for i := range sorted {
			if key(sorted[i]) > token {
				start = i
				break
			}
		}
	}
	end := min(start+PageSize(req), len(sorted))
	page = sorted[start:end]
	if end < len(sorted) && len(page) > 0 {
		next = key(page[len(page)-1])
	}
	return page, next
}

// PickIDs takes the items whose keys a request names out of all, each once and
// in the order of all, and tells which keys no item has, in the order of ids.
func PickIDs[T any](all []T, key func(T) string, ids []string) (found []T, missing []string) {
	seen := make(map[string]bool, len(ids))
	for _, item := range all {
		if id := key(item); slices.Contains(ids, id) && !seen[id] {
			seen[id] = true
			found = append(found, item)
		}
	}
	for _, id := range ids {
		if !seen[id] {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// errEndlessList is the cause of the refusal of a list that does not end.
var errEndlessList = errors.New("the cloud names a page as the one after itself")

// ReadAll reads all pages of one of the cloud's lists: read gets the token of a
// page, empty for the first, and returns the token of the next one, empty after
// the last. Errors: those of read; CLOUD_ERROR for a list that does not end.
func ReadAll[T any](ctx context.Context, read func(ctx context.Context, token string) (items []T, next string, err error)) ([]T, error) {
	var all []T
	for token := ""; ; {
		items, next, err := read(ctx, token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		switch next {
		case "":
			return all, nil
		case token:
			return nil, NewError(apiv1.Reason_REASON_CLOUD_ERROR, Cause(errEndlessList))
		}
		token = next
	}
}
