package loadbalancer

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// choose picks the product of a new VIP. An edition names its product. Without one
// the subnets decide: one is a CLB; two or more are an ALB for layer 7 and an NLB for
// layer 4. Errors: PARAMETER_REJECTED naming what does not fit.
func (f *front) choose(s *session.Session, req *networkv1.CreateVipRequest) (service, error) {
	p, subnets := f.byEdition(req.GetEdition()), len(req.GetSubnets())
	if p == nil {
		switch {
		case subnets <= 1:
			p = f.clb
		case req.GetKind() == f.alb.Kind:
			p = f.alb
		case req.GetKind() == f.nlb.Kind:
			p = f.nlb
		default:
			return nil, balance.Rejected("kind", "must be L4 or L7 for a VIP in several subnets on this cloud")
		}
	}
	switch {
	case p == f.alb && req.GetKind() != f.alb.Kind, p == f.nlb && req.GetKind() != f.nlb.Kind:
		return nil, balance.Rejected("kind", "does not fit the edition on this cloud: alb is for L7, nlb for L4")
	case p != f.clb && subnets < 2:
		return nil, balance.Rejected("subnets", "must be two or more, in different zones, for this edition on this cloud")
	case p != f.clb && !s.Zonal:
		return nil, balance.Rejected("subnets", "the account is set to use classic load balancers only, which have one subnet")
	}
	return p, nil
}
