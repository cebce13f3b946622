package kind

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Page tokens of actions that count pages by numbers begin with what they hold.
const (
	afterID  = "id:"     // the list fits on one page of the cloud; go on after this id
	atNumber = "number:" // it does not; the number of the cloud's page
)

// byNumber reads one page of an action that counts pages by numbers, where whatever
// is made or deleted meanwhile shifts all that comes after it. A list that fits on
// the cloud's largest page is therefore read whole and cut by ids, so that nothing
// is lost or repeated. Of a longer one a page is one of the cloud's, and its first
// page may take two calls.
func (k Kind[T]) byNumber(ctx context.Context, caller api.Caller, req PageRequest, params api.Params) (Page[T], error) {
	if number, ok := strings.CutPrefix(req.GetPageToken(), atNumber); ok {
		return k.numberedPage(ctx, caller, number, req.GetPageSize(), params)
	}
	items, total, _, err := k.read(ctx, caller, k.numbered(maps.Clone(params), api.NumberedPage{Number: 1, Size: k.MaxPage}))
	if err != nil {
		return Page[T]{}, api.Error(err, k.Type, "")
	}
	size := api.PageSize(req.GetPageSize(), k.MaxPage)
	last, resumed := strings.CutPrefix(req.GetPageToken(), afterID)
	switch {
	case int(total) <= len(items):
		return k.cut(items, last, int(size)), nil
	case resumed:
		// It has outgrown one page since the listing began.
		if items, err = k.everyNumber(ctx, caller, items, total, params); err != nil {
			return Page[T]{}, err
		}
		return k.cut(items, last, int(size)), nil
	case size < k.MaxPage:
		return k.numberedPage(ctx, caller, "", size, params)
	}
	return Page[T]{Items: items, Next: numberToken(api.NumberedPage{Number: 1, Size: size}.Next(total))}, nil
}

// numberToken makes the page token of a page of the cloud; empty stays empty.
func numberToken(number string) string {
	if number == "" {
		return ""
	}
	return atNumber + number
}

func (k Kind[T]) numberedPage(ctx context.Context, caller api.Caller, number string, wanted int32, params api.Params) (Page[T], error) {
	page, err := api.NumberedPageOf(number, wanted, k.MaxPage)
	if err != nil {
		return Page[T]{}, err
	}
	items, total, _, err := k.read(ctx, caller, k.numbered(maps.Clone(params), page))
	if err != nil {
		return Page[T]{}, api.Error(err, k.Type, "")
	}
	return Page[T]{Items: items, Next: numberToken(page.Next(total))}, nil
}

// everyNumber reads the pages after the first.
func (k Kind[T]) everyNumber(ctx context.Context, caller api.Caller, first []T, total int32, params api.Params) ([]T, error) {
	all := first
	for next := (api.NumberedPage{Number: 1, Size: k.MaxPage}).Next(total); next != ""; {
		page, err := k.numberedPage(ctx, caller, next, k.MaxPage, params)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		next = strings.TrimPrefix(page.Next, atNumber)
	}
	return all, nil
}

// cut takes the page after an id out of a whole list, in the order of ids.
func (k Kind[T]) cut(all []T, last string, size int) Page[T] {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(k.ID(&a), k.ID(&b)) })
	all = slices.CompactFunc(all, func(a, b T) bool { return k.ID(&a) == k.ID(&b) })
	start, _ := slices.BinarySearchFunc(all, last, func(v T, id string) int { return cmp.Compare(k.ID(&v), id+"\x00") })
	if last == "" {
		start = 0
	}
	end := min(start+size, len(all))
	page := Page[T]{Items: all[start:end]}
	if end < len(all) && end > start {
		page.Next = afterID + k.ID(&all[end-1])
	}
	return page
}
