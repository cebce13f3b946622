package api

import (
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const defaultPageSize = 50

// PageSize is how many items a page asked for with wanted may have, where the
// action gives at most most. A page may be shorter than asked for.
func PageSize(wanted, most int32) int32 {
	if wanted <= 0 {
		wanted = defaultPageSize
	}
	return min(wanted, most)
}

// NumberedPage is one page of an action that counts pages. Its token is the
// number; the size must stay the same throughout a listing, which the gateway
// sees to by binding tokens to the request.
type NumberedPage struct {
	Number, Size int32
}

// NumberedPageOf reads a page token; empty is the first page. Errors:
// PAGE_TOKEN_INVALID.
func NumberedPageOf(token string, wanted, most int32) (NumberedPage, error) {
	page := NumberedPage{Number: 1, Size: PageSize(wanted, most)}
	if token == "" {
		return page, nil
	}
	n, err := strconv.ParseInt(token, 10, 32)
	if err != nil || n < 2 {
		return NumberedPage{}, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
	}
	page.Number = int32(n)
	return page, nil
}

// Params adds PageNumber and PageSize.
func (n NumberedPage) Params(p Params) Params {
	return p.Int("PageNumber", n.Number).Int("PageSize", n.Size)
}

// Next is the token of the page after this one, where the listing has total
// items in all; empty: there is none.
func (n NumberedPage) Next(total int32) string {
	if int64(n.Number)*int64(n.Size) >= int64(total) {
		return ""
	}
	return strconv.Itoa(int(n.Number) + 1)
}
