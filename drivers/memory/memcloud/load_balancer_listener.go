package memcloud

import (
	"context"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// certificatePrefix begins the ids of all certificates that the cloud has.
const certificatePrefix = "cert-"

// CreateListener lets a VIP take traffic on a port that no other listener has.
func (s *loadBalancerService) CreateListener(ctx context.Context, req *networkv1.CreateListenerRequest) (*networkv1.CreateListenerResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateListenerResponse, error) {
		listener := &networkv1.Listener{}
		fill(listener, req)
		if listener.GetVipId() == "" {
			_, pool, err := pools.ref(v, "default_pool_id", req.GetDefaultPoolId())
			if err != nil {
				return nil, err
			}
			listener.VipId = pool.GetVipId()
		}
		err := checkListener(v, listener)
		if err == nil {
			err = portFree(v, listener)
		}
		if err == nil {
			err = v.within(use{"network.listener.count", 1})
		}
		if err != nil {
			return nil, err
		}
		setState(listener, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING)
		r, listener := listeners.add(v, listener)
		v.after(r, balancerDelay)
		return &networkv1.CreateListenerResponse{Id: r.id, State: listener.GetState()}, nil
	})
}

// checkListener checks what a listener refers to and how the protocols fit.
func checkListener(v *view, listener *networkv1.Listener) error {
	vip, err := balancedBy(v, "vip_id", listener.GetVipId())
	if err != nil {
		return err
	}
	if !fitsKind(vip, listener.GetProtocol()) {
		return mismatch("protocol")
	}
	pr, pool, err := pools.ref(v, "default_pool_id", listener.GetDefaultPoolId())
	if err == nil {
		err = refInState("default_pool_id", pr, pool.GetState(), balancedStates()...)
	}
	if err != nil {
		return err
	}
	if pool.GetVipId() != listener.GetVipId() || !fitsListener(pool.GetProtocol(), listener.GetProtocol()) {
		return mismatch("default_pool_id")
	}
	for _, id := range listener.GetCertificateIds() {
		if !strings.HasPrefix(id, certificatePrefix) {
			return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Field("certificate_ids"))
		}
	}
	return nil
}

// portFree refuses a second listener on a port; UDP ports are apart.
func portFree(v *view, wanted *networkv1.Listener) error {
	udp := networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	for r, l := range listeners.mine(v) {
		if l.GetVipId() == wanted.GetVipId() && l.GetPort() == wanted.GetPort() && (l.GetProtocol() == udp) == (wanted.GetProtocol() == udp) {
			return sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field("port"), sdk.Resource(string(r.kind), r.id))
		}
	}
	return nil
}

// UpdateListener changes a listener.
func (s *loadBalancerService) UpdateListener(ctx context.Context, req *networkv1.UpdateListenerRequest) (*networkv1.UpdateListenerResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateListenerResponse, error) {
		r, listener, err := listeners.get(v, req.GetId())
		if err == nil {
			err = changeable(r, listener.GetState())
		}
		if err != nil {
			return nil, err
		}
		r, listener = listeners.edit(v, r)
		fill(listener, req)
		if err := checkListener(v, listener); err != nil {
			return nil, err
		}
		if len(listener.GetCertificateIds()) > 0 && !endsTLS(listener.GetProtocol()) {
			return nil, rejected("certificate_ids")
		}
		beginUpdate(v, r)
		return &networkv1.UpdateListenerResponse{Id: r.id, State: listener.GetState()}, nil
	})
}

// DeleteListener removes a listener; its pool stays.
func (s *loadBalancerService) DeleteListener(ctx context.Context, req *networkv1.DeleteListenerRequest) (*networkv1.DeleteListenerResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteListenerResponse, error) {
		state, err := removeBalanced(v, listeners, req.GetId())
		return &networkv1.DeleteListenerResponse{Id: req.GetId(), State: state}, err
	})
}

// GetListener reads one listener.
func (s *loadBalancerService) GetListener(ctx context.Context, req *networkv1.GetListenerRequest) (*networkv1.GetListenerResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetListenerResponse, error) {
		_, listener, err := listeners.get(v, req.GetId())
		return &networkv1.GetListenerResponse{Listener: listener}, err
	})
}

// ListListeners reads a page of listeners.
func (s *loadBalancerService) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	p, err := list(s.c, ctx, listeners, req, nil)
	return &networkv1.ListListenersResponse{Listeners: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
