package kind

import (
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxSlice bounds a page of Slice: the contract's own bound.
const maxSlice = 500

// Slice cuts the asked page out of what an action answers as a whole; or picks
// the ids that the request names. The token of a page is the number of items
// before it. Errors: PAGE_TOKEN_INVALID.
func Slice[T any](items []T, req PageRequest, idOf func(*T) string) (Page[T], error) {
	if len(req.GetIds()) > 0 {
		return pick(items, req.GetIds(), idOf), nil
	}
	begin := 0
	if token := req.GetPageToken(); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 1 {
			return Page[T]{}, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
		}
		begin = min(n, len(items))
	}
	end := min(begin+int(api.PageSize(req.GetPageSize(), maxSlice)), len(items))
	page := Page[T]{Items: items[begin:end]}
	if end < len(items) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}
