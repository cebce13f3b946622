package loadbalancer

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateListener makes a listener on the load balancer of its pool.
func (s *server) CreateListener(ctx context.Context, req *networkv1.CreateListenerRequest) (*networkv1.CreateListenerResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	lbID, err := loadBalancerOf(ctx, client, req.GetDefaultPoolId())
	if err != nil {
		return nil, rest.AsReference(err, "default_pool_id")
	}
	if req.GetVipId() != "" && req.GetVipId() != lbID {
		return nil, mismatch(pools.Type, req.GetDefaultPoolId(), "default_pool_id", nil)
	}
	if err := checkVIP(ctx, client, lbID, req.GetProtocol()); err != nil {
		return nil, err
	}
	v, err := create(ctx, client, lbID, func() (*listener, error) {
		return createTagged(ctx, client, listeners, fromProtoCreateListener(req, lbID), req.GetTags(), listenerFacts(req))
	})
	if err != nil {
		return nil, explainCreateListener(ctx, client, req, lbID, err)
	}
	return &networkv1.CreateListenerResponse{Id: v.ID, State: toProtoState(v.status)}, nil
}

// explainCreateListener names the listener that has the port, if that is why.
func explainCreateListener(ctx context.Context, client *rest.Client, req *networkv1.CreateListenerRequest, lbID string, refusal error) error {
	refused := explainListener(req.GetDefaultPoolId(), "", refusal)
	if sdk.ReasonOf(refused) != apiv1.Reason_REASON_ALREADY_EXISTS {
		return refused
	}
	holder := ""
	found, err := listeners.List(ctx, client, url.Values{"loadbalancer_id": {lbID}, "protocol_port": {strconv.Itoa(int(req.GetPort()))}})
	if err == nil && len(found) > 0 {
		holder = found[0].ID
	}
	return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, refusal, listeners.Type, holder, sdk.Field("port"))
}

// explainListener tells what a refusal of a listener's attributes is about.
func explainListener(poolID, id string, err error) error {
	said := text(err)
	switch {
	case strings.Contains(said, "pool protocol"), strings.Contains(said, "same load balancer"):
		return mismatch(pools.Type, poolID, "default_pool_id", err)
	case strings.Contains(said, "certificate"), strings.Contains(said, "tls_container"), strings.Contains(said, "secret"):
		return session.Error(err, listeners.Type, id, sdk.Field("certificate_ids"))
	case strings.Contains(said, "pool") && session.IsNotFound(err) && !strings.Contains(said, "listener"):
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, pools.Type, poolID, sdk.Field("default_pool_id"))
	}
	return session.Error(err, listeners.Type, id)
}

// UpdateListener changes what is present.
func (s *server) UpdateListener(ctx context.Context, req *networkv1.UpdateListenerRequest) (*networkv1.UpdateListenerResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := listeners.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	resp := &networkv1.UpdateListenerResponse{Id: v.ID, State: toProtoState(v.status)}
	attributes := fromProtoUpdateListener(req, v.Tags)
	if len(attributes) == 0 || sdk.CallFrom(ctx).Undo {
		return resp, nil
	}
	if req.DefaultPoolId != nil {
		if err := session.ReferenceUUID(pools.Type, req.GetDefaultPoolId(), "default_pool_id"); err != nil {
			return nil, err
		}
	}
	changed, err := listeners.Update(ctx, client, v.ID, attributes)
	if err != nil {
		if err = again(ctx, client, firstID(v.LoadBalancers), stepAgain, err); err != nil {
			return nil, explainListener(req.GetDefaultPoolId(), v.ID, err)
		}
		resp.State = updating
		return resp, nil
	}
	resp.State = toProtoState(changed.status)
	return resp, nil
}

// DeleteListener removes a listener; its pool stays.
func (s *server) DeleteListener(ctx context.Context, req *networkv1.DeleteListenerRequest) (*networkv1.DeleteListenerResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := remove(ctx, client, listeners, req.GetId(), "", func() (string, error) {
		v, err := listeners.Get(ctx, client, req.GetId())
		if err != nil {
			return "", err
		}
		return firstID(v.LoadBalancers), nil
	})
	if err != nil {
		return nil, err
	}
	return &networkv1.DeleteListenerResponse{Id: req.GetId(), State: state}, nil
}

// GetListener reads one listener.
func (s *server) GetListener(ctx context.Context, req *networkv1.GetListenerRequest) (*networkv1.GetListenerResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := listeners.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetListenerResponse{Listener: toProtoListener(v, account.Region)}, nil
}

// ListListeners reads a page of listeners.
func (s *server) ListListeners(ctx context.Context, req *networkv1.ListListenersRequest) (*networkv1.ListListenersResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "loadbalancer_id", req.GetVipId())
	rest.SetIf(query, "default_pool_id", req.GetDefaultPoolId())
	p, err := listeners.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListListenersResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoListener(&p.Items[i], account.Region); keepsListener(req, v) {
			resp.Listeners = append(resp.Listeners, v)
		}
	}
	return resp, nil
}
