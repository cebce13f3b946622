package loadbalancer

import (
	"context"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/loadbalancer/zonal"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// service is what each of the products serves.
type service = networkv1.LoadBalancerServiceServer

// front passes requests to the product that they are about, which the id tells, and
// joins the lists of all products.
type front struct {
	networkv1.UnimplementedLoadBalancerServiceServer
	accounts *session.Accounts
	clb      *server
	alb, nlb *zonal.Server
}

var _ service = (*front)(nil)

func newFront(accounts *session.Accounts) *front {
	return &front{
		accounts: accounts, clb: &server{accounts: accounts},
		alb: zonal.New(zonal.ALB(), accounts), nlb: zonal.New(zonal.NLB(), accounts),
	}
}

// of is the product of an id.
func (f *front) of(id string) service {
	switch {
	case f.alb.Owns(id):
		return f.alb
	case f.nlb.Owns(id):
		return f.nlb
	}
	return f.clb
}

// byEdition is the product that an edition names; nil: the edition is empty.
func (f *front) byEdition(edition string) service {
	for _, p := range []*zonal.Server{f.alb, f.nlb} {
		if p.Names(edition) {
			return p
		}
	}
	if edition == "" {
		return nil
	}
	return f.clb
}

// CreateVip makes a VIP with the product that the request asks for.
func (f *front) CreateVip(ctx context.Context, req *networkv1.CreateVipRequest) (*networkv1.CreateVipResponse, error) {
	s, err := f.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := f.choose(s, req)
	if err != nil {
		return nil, err
	}
	return p.CreateVip(ctx, req)
}

// UpdateVip implements service.
func (f *front) UpdateVip(ctx context.Context, req *networkv1.UpdateVipRequest) (*networkv1.UpdateVipResponse, error) {
	return f.of(req.GetId()).UpdateVip(ctx, req)
}

// GetVip implements service.
func (f *front) GetVip(ctx context.Context, req *networkv1.GetVipRequest) (*networkv1.GetVipResponse, error) {
	return f.of(req.GetId()).GetVip(ctx, req)
}

// DeleteVip implements service.
func (f *front) DeleteVip(ctx context.Context, req *networkv1.DeleteVipRequest) (*networkv1.DeleteVipResponse, error) {
	return f.of(req.GetId()).DeleteVip(ctx, req)
}

// CreatePool implements service.
func (f *front) CreatePool(ctx context.Context, req *networkv1.CreatePoolRequest) (*networkv1.CreatePoolResponse, error) {
	return f.of(req.GetVipId()).CreatePool(ctx, req)
}

// GetPool implements service.
func (f *front) GetPool(ctx context.Context, req *networkv1.GetPoolRequest) (*networkv1.GetPoolResponse, error) {
	return f.of(req.GetId()).GetPool(ctx, req)
}

// UpdatePool implements service.
func (f *front) UpdatePool(ctx context.Context, req *networkv1.UpdatePoolRequest) (*networkv1.UpdatePoolResponse, error) {
	return f.of(req.GetId()).UpdatePool(ctx, req)
}

// DeletePool implements service.
func (f *front) DeletePool(ctx context.Context, req *networkv1.DeletePoolRequest) (*networkv1.DeletePoolResponse, error) {
	return f.of(req.GetId()).DeletePool(ctx, req)
}

// CreateMember implements service.
func (f *front) CreateMember(ctx context.Context, req *networkv1.CreateMemberRequest) (*networkv1.CreateMemberResponse, error) {
	return f.of(req.GetPoolId()).CreateMember(ctx, req)
}

// GetMember implements service.
func (f *front) GetMember(ctx context.Context, req *networkv1.GetMemberRequest) (*networkv1.GetMemberResponse, error) {
	return f.of(req.GetId()).GetMember(ctx, req)
}

// UpdateMember implements service.
func (f *front) UpdateMember(ctx context.Context, req *networkv1.UpdateMemberRequest) (*networkv1.UpdateMemberResponse, error) {
	return f.of(req.GetId()).UpdateMember(ctx, req)
}

// DeleteMember implements service.
func (f *front) DeleteMember(ctx context.Context, req *networkv1.DeleteMemberRequest) (*networkv1.DeleteMemberResponse, error) {
	return f.of(req.GetId()).DeleteMember(ctx, req)
}

// CreateListener implements service.
func (f *front) CreateListener(ctx context.Context, req *networkv1.CreateListenerRequest) (*networkv1.CreateListenerResponse, error) {
	return f.of(req.GetDefaultPoolId()).CreateListener(ctx, req)
}

// GetListener implements service.
func (f *front) GetListener(ctx context.Context, req *networkv1.GetListenerRequest) (*networkv1.GetListenerResponse, error) {
	return f.of(req.GetId()).GetListener(ctx, req)
}

// UpdateListener implements service.
func (f *front) UpdateListener(ctx context.Context, req *networkv1.UpdateListenerRequest) (*networkv1.UpdateListenerResponse, error) {
	return f.of(req.GetId()).UpdateListener(ctx, req)
}

// DeleteListener implements service.
func (f *front) DeleteListener(ctx context.Context, req *networkv1.DeleteListenerRequest) (*networkv1.DeleteListenerResponse, error) {
	return f.of(req.GetId()).DeleteListener(ctx, req)
}
