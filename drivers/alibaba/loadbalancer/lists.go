package loadbalancer

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

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

// joined reads a page of a list that goes through several products, in their order:
// the token of a page begins with the place of its product. ask sends a copy of the
// request; take keeps the answer and tells how many items it has.
type joined[Req listRequest, Resp listResponse] struct {
	ask  func(service, Req) (Resp, error)
	with func(req Req, ids []string, size int32, token string) Req
	take func(Resp) int
}

// read goes on to the next product while there is room on the page, so that a whole
// list has as many pages as the products need, and at most one call of each product
// more.
func (j joined[Req, Resp]) read(products []service, of func(id string) service, req Req) (next string, missing []string, err error) {
	if len(req.GetIds()) > 0 {
		missing, err = j.byIDs(of, req)
		return "", missing, err
	}
	at, token, err := splitPlace(req.GetPageToken(), len(products))
	if err != nil {
		return "", nil, err
	}
	room := api.PageSize(req.GetPageSize(), maxPage)
	for {
		resp, err := j.ask(products[at], j.with(req, nil, room, token))
		if err != nil {
			return "", nil, err
		}
		room -= int32(j.take(resp)) //nolint:gosec // at most a page
		token = resp.GetNextPageToken()
		if token == "" {
			at++
		}
		if at == len(products) {
			return "", nil, nil
		}
		if room <= 0 || token != "" {
			return joinPlace(at, token), nil, nil
		}
	}
}

// byIDs asks each product for its own ids.
func (j joined[Req, Resp]) byIDs(of func(id string) service, req Req) (missing []string, err error) {
	var products []service
	ids := map[service][]string{}
	for _, id := range req.GetIds() {
		p := of(id)
		if ids[p] == nil {
			products = append(products, p)
		}
		ids[p] = append(ids[p], id)
	}
	for _, p := range products {
		resp, err := j.ask(p, j.with(req, ids[p], req.GetPageSize(), ""))
		if err != nil {
			return nil, err
		}
		j.take(resp)
		missing = append(missing, resp.GetMissingIds()...)
	}
	return missing, nil
}

// joinPlace and splitPlace spell the token of a page: "1:token".
func joinPlace(at int, token string) string { return string(rune('0'+at)) + ":" + token }

func splitPlace(token string, products int) (at int, rest string, err error) {
	if token == "" {
		return 0, "", nil
	}
	place, rest, ok := strings.Cut(token, ":")
	if !ok || len(place) != 1 || place[0] < '0' || int(place[0]-'0') >= products {
		return 0, "", sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
	}
	return int(place[0] - '0'), rest, nil
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
	out := &networkv1.ListVipsResponse{}
	out.NextPageToken, out.MissingIds, err = joined[*networkv1.ListVipsRequest, *networkv1.ListVipsResponse]{
		ask: func(p service, r *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
			return p.ListVips(ctx, r)
		},
		with: func(r *networkv1.ListVipsRequest, ids []string, size int32, token string) *networkv1.ListVipsRequest {
			r = proto.CloneOf(r)
			r.Ids, r.PageSize, r.PageToken = ids, size, token
			return r
		},
		take: func(r *networkv1.ListVipsResponse) int {
			out.Vips = append(out.Vips, r.GetVips()...)
			return len(r.GetVips())
		},
	}.read(products, f.of, req)
	return out, err
}

// ListPools reads a page of the pools of a VIP, or of all products.
func (f *front) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	products, err := f.products(ctx, req.GetVipId())
	if err != nil {
		return nil, err
	}
	out := &networkv1.ListPoolsResponse{}
	out.NextPageToken, out.MissingIds, err = joined[*networkv1.ListPoolsRequest, *networkv1.ListPoolsResponse]{
		ask: func(p service, r *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
			return p.ListPools(ctx, r)
		},
		with: func(r *networkv1.ListPoolsRequest, ids []string, size int32, token string) *networkv1.ListPoolsRequest {
			r = proto.CloneOf(r)
			r.Ids, r.PageSize, r.PageToken = ids, size, token
			return r
		},
		take: func(r *networkv1.ListPoolsResponse) int {
			out.Pools = append(out.Pools, r.GetPools()...)
			return len(r.GetPools())
		},
	}.read(products, f.of, req)
	return out, err
}

// ListListeners reads a page of the listeners of a VIP, of a pool, or of all products.
func (f *front) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	about := req.GetVipId()
	if about == "" {
		about = req.GetDefaultPoolId()
	}
	products, err := f.products(ctx, about)
	if err != nil {
		return nil, err
	}
	out := &networkv1.ListListenersResponse{}
	out.NextPageToken, out.MissingIds, err = joined[*networkv1.ListListenersRequest, *networkv1.ListListenersResponse]{
		ask: func(p service, r *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
			return p.ListListeners(ctx, r)
		},
		with: func(r *networkv1.ListListenersRequest, ids []string, size int32, token string) *networkv1.ListListenersRequest {
			r = proto.CloneOf(r)
			r.Ids, r.PageSize, r.PageToken = ids, size, token
			return r
		},
		take: func(r *networkv1.ListListenersResponse) int {
			out.Listeners = append(out.Listeners, r.GetListeners()...)
			return len(r.GetListeners())
		},
	}.read(products, f.of, req)
	return out, err
}

// ListMembers reads a page of the members of a pool, or those that the request names.
func (f *front) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	if len(req.GetIds()) == 0 {
		return f.of(req.GetPoolId()).ListMembers(ctx, req)
	}
	out := &networkv1.ListMembersResponse{}
	var err error
	_, out.MissingIds, err = joined[*networkv1.ListMembersRequest, *networkv1.ListMembersResponse]{
		ask: func(p service, r *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
			return p.ListMembers(ctx, r)
		},
		with: func(r *networkv1.ListMembersRequest, ids []string, _ int32, _ string) *networkv1.ListMembersRequest {
			r = proto.CloneOf(r)
			r.Ids = ids
			return r
		},
		take: func(r *networkv1.ListMembersResponse) int {
			out.Members = append(out.Members, r.GetMembers()...)
			return len(r.GetMembers())
		},
	}.read(nil, f.of, req)
	return out, err
}
