package memcloud

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type loadBalancerService struct {
	networkv1.UnimplementedLoadBalancerServiceServer
	c *Cloud
}

var _ networkv1.LoadBalancerServiceServer = (*loadBalancerService)(nil)

// CreateVip makes a VIP with a NIC in each of its subnets.
func (s *loadBalancerService) CreateVip(ctx context.Context, req *networkv1.CreateVipRequest) (*networkv1.CreateVipResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateVipResponse, error) {
		edition, err := vipEdition(req.GetEdition())
		if err == nil {
			err = v.within(use{"network.vip.count", 1})
		}
		if err != nil {
			return nil, err
		}
		vip := &networkv1.Vip{Scheme: networkv1.VipScheme_VIP_SCHEME_INTERNAL, Enabled: true}
		fill(vip, req)
		vip.Edition = edition
		vip.Charge = chargeOrPostpaid(req.GetCharge())
		setState(vip, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING)
		r, vip := vips.add(v, vip)
		v.after(r, vipDelay)
		vip.DnsName = r.id + ".lb." + v.cloud.region + ".memcloud.invalid"
		if err := addVIPAddresses(v, r, vip, req); err != nil {
			return nil, err
		}
		return &networkv1.CreateVipResponse{Id: r.id, State: vip.GetState()}, nil
	})
}

// UpdateVip changes name, description and tags at once, and switches the VIP on or
// off in a move.
func (s *loadBalancerService) UpdateVip(ctx context.Context, req *networkv1.UpdateVipRequest) (*networkv1.UpdateVipResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateVipResponse, error) {
		r, vip, err := vips.get(v, req.GetId())
		if err == nil {
			err = changeable(r, vip.GetState())
		}
		if err != nil {
			return nil, err
		}
		was := vip.GetEnabled()
		r, vip = vips.edit(v, r)
		fill(vip, req)
		if vip.GetEnabled() != was {
			beginUpdate(v, r)
		}
		return &networkv1.UpdateVipResponse{Id: r.id, State: vip.GetState()}, nil
	})
}

// DeleteVip removes a VIP with all that was made for it.
func (s *loadBalancerService) DeleteVip(ctx context.Context, req *networkv1.DeleteVipRequest) (*networkv1.DeleteVipResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteVipResponse, error) {
		state, err := removeBalanced(v, vips, req.GetId())
		return &networkv1.DeleteVipResponse{Id: req.GetId(), State: state}, err
	})
}

// GetVip reads one VIP with its health.
func (s *loadBalancerService) GetVip(ctx context.Context, req *networkv1.GetVipRequest) (*networkv1.GetVipResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetVipResponse, error) {
		_, vip, err := vips.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		shown := proto.CloneOf(vip)
		shown.Health = vipHealth(v, vip.GetId())
		return &networkv1.GetVipResponse{Vip: shown}, nil
	})
}

// ListVips reads a page of VIPs.
func (s *loadBalancerService) ListVips(ctx context.Context, req *networkv1.ListVipsRequest) (*networkv1.ListVipsResponse, error) {
	p, err := list(s.c, ctx, vips, req, nil)
	return &networkv1.ListVipsResponse{Vips: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// CreatePool makes a pool for a VIP.
func (s *loadBalancerService) CreatePool(ctx context.Context, req *networkv1.CreatePoolRequest) (*networkv1.CreatePoolResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreatePoolResponse, error) {
		vip, err := balancedBy(v, "vip_id", req.GetVipId())
		if err == nil && !fitsKind(vip, req.GetProtocol()) {
			err = mismatch("protocol")
		}
		if err == nil {
			err = v.within(use{"network.pool.count", 1})
		}
		if err != nil {
			return nil, err
		}
		pool := &networkv1.Pool{
			Algorithm:  networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN,
			MemberKind: networkv1.MemberKind_MEMBER_KIND_VM_OR_NIC,
		}
		fill(pool, req)
		if err := completePool(pool); err != nil {
			return nil, err
		}
		setState(pool, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING)
		r, pool := pools.add(v, pool)
		v.after(r, balancerDelay)
		return &networkv1.CreatePoolResponse{Id: r.id, State: pool.GetState()}, nil
	})
}

// UpdatePool changes a pool.
func (s *loadBalancerService) UpdatePool(ctx context.Context, req *networkv1.UpdatePoolRequest) (*networkv1.UpdatePoolResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdatePoolResponse, error) {
		r, pool, err := pools.get(v, req.GetId())
		if err == nil {
			err = changeable(r, pool.GetState())
		}
		if err != nil {
			return nil, err
		}
		r, pool = pools.edit(v, r)
		fill(pool, req)
		if req.GetRemoveHealthMonitor() {
			pool.HealthMonitor = nil
		}
		if err := completePool(pool); err != nil {
			return nil, err
		}
		beginUpdate(v, r)
		return &networkv1.UpdatePoolResponse{Id: r.id, State: pool.GetState()}, nil
	})
}

// DeletePool removes a pool that no listener sends traffic to, with its members.
func (s *loadBalancerService) DeletePool(ctx context.Context, req *networkv1.DeletePoolRequest) (*networkv1.DeletePoolResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeletePoolResponse, error) {
		used := listeners.blockers(v, func(l *networkv1.Listener) bool { return l.GetDefaultPoolId() == req.GetId() })
		if len(used) > 0 {
			return nil, sdk.InUse(string(pools.kind), req.GetId(), nil, used...)
		}
		state, err := removeBalanced(v, pools, req.GetId())
		return &networkv1.DeletePoolResponse{Id: req.GetId(), State: state}, err
	})
}

// GetPool reads one pool.
func (s *loadBalancerService) GetPool(ctx context.Context, req *networkv1.GetPoolRequest) (*networkv1.GetPoolResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetPoolResponse, error) {
		_, pool, err := pools.get(v, req.GetId())
		return &networkv1.GetPoolResponse{Pool: pool}, err
	})
}

// ListPools reads a page of pools.
func (s *loadBalancerService) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	p, err := list(s.c, ctx, pools, req, nil)
	return &networkv1.ListPoolsResponse{Pools: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
