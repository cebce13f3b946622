package kind

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// paramGroup is the parameter by which lists are asked for a resource group.
const paramGroup = "ResourceGroupId"

// IDStyle is how an action takes ids.
type IDStyle int

// The styles of ids.
const (
	// OneID is one id: several are read by going through all.
	OneID IDStyle = iota
	// CommaIDs are ids joined by commas.
	CommaIDs
	// ListedIDs are numbered parameters, NetworkInterfaceId.1.
	ListedIDs
	// JSONIDs are ids as JSON text.
	JSONIDs
)

// Paging is how an action counts pages.
type Paging int

// The ways to count pages.
const (
	// Numbers counts with PageNumber, PageSize and TotalCount.
	Numbers Paging = iota
	// Tokens counts with MaxResults and NextToken.
	Tokens
	// CurrentPage is Numbers with another name of the number.
	CurrentPage
)

// Kind is one kind of resource: how the cloud lists it and what the contract calls it.
type Kind[T any] struct {
	Type    string // of the contract: "network.subnet"
	Product api.Product
	Action  string // "DescribeVSwitches"
	Items   string // where the answer has the items: "VSwitches.VSwitch"
	IDs     string // parameter of ids: "VSwitchId"; empty: it cannot be asked by id
	Style   IDStyle
	MaxIDs  int // ids in one call
	Paging  Paging
	MaxPage int32  // most items on a page
	MinPage int32  // with Tokens: fewest items on a page, to which the cloud rounds up
	Size    string // with Tokens: parameter of the page size; empty: "MaxResults"
	Total   string // where the answer has the count; empty: "TotalCount"
	ID      func(*T) string
	With    api.Params // sent with every call
	// Group tells the resource group of an item, where the cloud lists those of the
	// default group too, whatever group it is asked for. Those are left out.
	Group func(*T) string
}

// PageRequest is what list requests have in common.
type PageRequest = sdk.PageRequest

// Page is one page of a list, before filters that the action does not know.
type Page[T any] struct {
	Items   []T
	Next    string   // token of the next page; empty: the last
	Missing []string // of the request's ids
}

// Get reads one resource. Errors: NOT_FOUND, also where the cloud answers an
// unknown id with an empty list.
func (k Kind[T]) Get(ctx context.Context, caller api.Caller, id string) (*T, error) {
	if id == "" {
		return nil, sdk.NotFound(k.Type, id, nil)
	}
	items, _, _, err := k.read(ctx, caller, k.ask(id))
	if err != nil {
		return nil, api.Error(err, k.Type, id)
	}
	items = k.forCaller(caller, items)
	for i := range items {
		if k.ID(&items[i]) == id {
			return &items[i], nil
		}
	}
	return nil, sdk.NotFound(k.Type, id, nil)
}

// Find reads one page of what the parameters find, or the resources whose ids the
// request names; then the parameters do not count.
func (k Kind[T]) Find(ctx context.Context, caller api.Caller, req PageRequest, params api.Params) (Page[T], error) {
	if len(req.GetIds()) > 0 {
		return k.byIDs(ctx, caller, req.GetIds())
	}
	page, err := k.page(ctx, caller, req, params)
	page.Items = k.ofGroup(page.Items, params)
	return page, err
}

// ofGroup leaves out what is not of the resource group that is asked for.
func (k Kind[T]) ofGroup(items []T, params api.Params) []T {
	group := params[paramGroup]
	if k.Group == nil || group == "" {
		return items
	}
	return slices.DeleteFunc(items, func(v T) bool { return k.Group(&v) != group })
}

// page reads one page as the cloud gives it.
func (k Kind[T]) page(ctx context.Context, caller api.Caller, req PageRequest, params api.Params) (Page[T], error) {
	if k.Paging == Tokens {
		return k.byToken(ctx, caller, req, params)
	}
	return k.byNumber(ctx, caller, req, params)
}

// byToken reads one page of an action that counts with tokens. A page that is
// smaller than the cloud's smallest is a part of one: its token is the number of
// items to pass over, and the cloud's token.
func (k Kind[T]) byToken(ctx context.Context, caller api.Caller, req PageRequest, params api.Params) (Page[T], error) {
	begin, skip, err := splitToken(req.GetPageToken())
	if err != nil {
		return Page[T]{}, err
	}
	size := api.PageSize(req.GetPageSize(), k.MaxPage)
	params = maps.Clone(params).Int(cmp.Or(k.Size, "MaxResults"), max(size, k.MinPage)).Set("NextToken", begin)
	items, _, next, err := k.read(ctx, caller, params)
	if err != nil {
		return Page[T]{}, api.Error(err, k.Type, "")
	}
	items = items[min(skip, len(items)):]
	if len(items) > int(size) {
		return Page[T]{Items: items[:size], Next: joinToken(begin, skip+int(size))}, nil
	}
	return Page[T]{Items: items, Next: joinToken(next, 0)}, nil
}

// joinToken makes a page token; of the last page it is empty.
func joinToken(cloud string, skip int) string {
	if cloud == "" && skip == 0 {
		return ""
	}
	return strconv.Itoa(skip) + ":" + cloud
}

func splitToken(token string) (cloud string, skip int, err error) {
	if token == "" {
		return "", 0, nil
	}
	count, cloud, ok := strings.Cut(token, ":")
	skip, err = strconv.Atoi(count)
	if !ok || err != nil || skip < 0 {
		return "", 0, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
	}
	return cloud, skip, nil
}

// All reads all that the parameters find; a resource that stands on two pages,
// because something was made in between, comes once.
func (k Kind[T]) All(ctx context.Context, caller api.Caller, params api.Params) ([]T, error) {
	var all []T
	seen := map[string]bool{}
	token := ""
	for {
		page, err := k.page(ctx, caller, wholePage(token), params)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			if id := k.ID(&page.Items[i]); !seen[id] {
				seen[id] = true
				all = append(all, page.Items[i])
			}
		}
		if page.Next == "" || len(page.Items) == 0 {
			return k.ofGroup(all, params), nil
		}
		token = page.Next
	}
}

// wholePage asks for the largest page after a token.
type wholePage string

func (wholePage) GetIds() []string       { return nil }
func (wholePage) GetPageSize() int32     { return 1 << 20 }
func (w wholePage) GetPageToken() string { return string(w) }

func (k Kind[T]) byIDs(ctx context.Context, caller api.Caller, ids []string) (Page[T], error) {
	var items []T
	switch {
	case k.IDs == "", k.Style == OneID && len(ids) > 1:
		all, err := k.All(ctx, caller, api.Params{})
		if err != nil {
			return Page[T]{}, err
		}
		items = all
	default:
		for some := range slices.Chunk(ids, max(k.MaxIDs, 1)) {
			found, err := k.All(ctx, caller, k.ask(some...))
			if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
				return Page[T]{}, err
			}
			items = append(items, found...)
		}
	}
	return pick(k.forCaller(caller, items), ids, k.ID), nil
}

// pick keeps the items whose ids are wanted, once each, and tells which are missing.
func pick[T any](items []T, ids []string, idOf func(*T) string) Page[T] {
	found, missing := sdk.PickIDs(items, func(v T) string { return idOf(&v) }, ids)
	return Page[T]{Items: found, Missing: missing}
}

// ask is the parameter that asks for ids.
func (k Kind[T]) ask(ids ...string) api.Params {
	params := api.Params{}
	switch {
	case k.IDs == "":
	case k.Style == ListedIDs:
		params.List(k.IDs, ids...)
	case k.Style == JSONIDs:
		params.IDs(k.IDs, ids...)
	default:
		params.Set(k.IDs, strings.Join(ids, ","))
	}
	return params
}

func (k Kind[T]) numbered(params api.Params, page api.NumberedPage) api.Params {
	if k.Paging == CurrentPage {
		return params.Int("CurrentPage", page.Number).Int("PageSize", page.Size)
	}
	return page.Params(params)
}

// read makes one call and takes the items out of the answer.
func (k Kind[T]) read(ctx context.Context, caller api.Caller, params api.Params) (items []T, total int32, next string, err error) {
	count := cmp.Or(k.Total, "TotalCount")
	maps.Copy(params, k.With)
	answer := reflect.New(shape([]member{
		{k.Items, reflect.TypeFor[[]T]()}, {count, reflect.TypeFor[api.Text]()}, {nextToken, reflect.TypeFor[string]()},
	}))
	if err := caller.Call(ctx, k.Product, k.Action, params, answer.Interface()); err != nil {
		return nil, 0, "", err
	}
	// Some products write the count as text.
	if n, err := strconv.ParseInt(valueAt[string](answer.Elem(), count), 10, 32); err == nil {
		total = int32(n)
	}
	return valueAt[[]T](answer.Elem(), k.Items), total, valueAt[string](answer.Elem(), nextToken), nil
}
