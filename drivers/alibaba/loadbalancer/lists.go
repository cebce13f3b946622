package loadbalancer

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxPage is the most that a page of the contract holds.
const maxPage = 500

// listRequest and listResponse are what the requests and responses of lists have in
// common.
type (
	listRequest interface {
		proto.Message
		GetIds() []string
		GetPageSize() int32
		GetPageToken() string
	}
	listResponse interface {
		GetNextPageToken() string
		GetMissingIds() []string
	}
)

// joined is a page of a list that goes through several products.
type joined[Item any] struct {
	items   []Item
	next    string // the place of a product, and its own token
	missing []string
}

// through reads a page of a list through products, in their order. It goes on to the next
// one while there is room on the page, so that a whole list takes at most one call of
// each product more than the product alone. Ids are asked of their own products.
func through[Req listRequest, Resp listResponse, Item any](ctx context.Context, f *front, products []service, req Req,
	ask func(service, context.Context, Req) (Resp, error), itemsOf func(Resp) []Item,
) (page joined[Item], err error) {
	if len(req.GetIds()) > 0 {
		return throughIDs(ctx, f, req, ask, itemsOf)
	}
	at, token, err := splitPlace(req.GetPageToken(), len(products))
	if err != nil {
		return page, err
	}
	size := int(api.PageSize(req.GetPageSize(), maxPage))
	for {
		resp, err := ask(products[at], ctx, part(req, nil, size-len(page.items), token))
		if err != nil {
			return joined[Item]{}, err
		}
		page.items = append(page.items, itemsOf(resp)...)
		if token = resp.GetNextPageToken(); token == "" {
			at++
		}
		switch {
		case at == len(products):
			return page, nil
		case token != "", len(page.items) >= size:
			page.next = strconv.Itoa(at) + ":" + token
			return page, nil
		}
	}
}

func throughIDs[Req listRequest, Resp listResponse, Item any](ctx context.Context, f *front, req Req,
	ask func(service, context.Context, Req) (Resp, error), itemsOf func(Resp) []Item,
) (page joined[Item], err error) {
	var products []service
	ids := map[service][]string{}
	for _, id := range req.GetIds() {
		p := f.of(id)
		if ids[p] == nil {
			products = append(products, p)
		}
		ids[p] = append(ids[p], id)
	}
	for _, p := range products {
		resp, err := ask(p, ctx, part(req, ids[p], int(req.GetPageSize()), ""))
		if err != nil {
			return joined[Item]{}, err
		}
		page.items = append(page.items, itemsOf(resp)...)
		page.missing = append(page.missing, resp.GetMissingIds()...)
	}
	return page, nil
}

// part is what one product is asked of a list.
func part[Req listRequest](req Req, ids []string, size int, token string) Req {
	out := proto.CloneOf(req)
	m := out.ProtoReflect()
	fields := m.Descriptor().Fields()
	m.Clear(fields.ByName("ids"))
	list := m.Mutable(fields.ByName("ids")).List()
	for _, id := range ids {
		list.Append(protoreflect.ValueOfString(id))
	}
	m.Set(fields.ByName("page_size"), protoreflect.ValueOfInt32(int32(size))) //nolint:gosec // at most maxPage
	m.Set(fields.ByName("page_token"), protoreflect.ValueOfString(token))
	return out
}

// splitPlace reads a token: the place of a product among so many, and its own token.
func splitPlace(token string, products int) (at int, rest string, err error) {
	if token == "" {
		return 0, "", nil
	}
	place, rest, ok := strings.Cut(token, ":")
	at, err = strconv.Atoi(place)
	if !ok || err != nil || at < 0 || at >= products {
		return 0, "", sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
	}
	return at, rest, nil
}

// products are those that a list goes through: that of an id if it is given, else all
// that the account uses.
func (f *front) products(ctx context.Context, id string) ([]service, error) {
	s, err := f.accounts.From(ctx)
	switch {
	case err != nil:
		return nil, err
	case id != "":
		return []service{f.of(id)}, nil
	case !s.Zonal:
		return []service{f.clb}, nil
	}
	return []service{f.clb, f.alb, f.nlb}, nil
}

// ListVips reads a page of the VIPs of all products.
func (f *front) ListVips(ctx context.Context, req *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
	products, err := f.products(ctx, "")
	if err != nil {
		return nil, err
	}
	page, err := through(ctx, f, products, req, service.ListVips, (*networkv1.ListVipsResponse).GetVips)
	return &networkv1.ListVipsResponse{Vips: page.items, NextPageToken: page.next, MissingIds: page.missing}, err
}

// ListPools reads a page of the pools of a VIP, or of all products.
func (f *front) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	products, err := f.products(ctx, req.GetVipId())
	if err != nil {
		return nil, err
	}
	page, err := through(ctx, f, products, req, service.ListPools, (*networkv1.ListPoolsResponse).GetPools)
	return &networkv1.ListPoolsResponse{Pools: page.items, NextPageToken: page.next, MissingIds: page.missing}, err
}

// ListListeners reads a page of the listeners of a VIP, of a pool, or of all products.
func (f *front) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	products, err := f.products(ctx, cmp.Or(req.GetVipId(), req.GetDefaultPoolId()))
	if err != nil {
		return nil, err
	}
	page, err := through(ctx, f, products, req, service.ListListeners, (*networkv1.ListListenersResponse).GetListeners)
	return &networkv1.ListListenersResponse{Listeners: page.items, NextPageToken: page.next, MissingIds: page.missing}, err
}

// ListMembers reads a page of the members of a pool, or those that the request names.
func (f *front) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	if len(req.GetIds()) == 0 {
		return f.of(req.GetPoolId()).ListMembers(ctx, req)
	}
	page, err := throughIDs(ctx, f, req, service.ListMembers, (*networkv1.ListMembersResponse).GetMembers)
	return &networkv1.ListMembersResponse{Members: page.items, MissingIds: page.missing}, err
}
