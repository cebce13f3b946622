package loadbalancer

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreatePool makes a pool, and as the next step its monitor. Taking the steps back
// removes the pool.
func (s *server) CreatePool(ctx context.Context, req *networkv1.CreatePoolRequest) (*networkv1.CreatePoolResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	var state networkv1.LoadBalancerState
	call := sdk.CallFrom(ctx)
	var id string
	of, stepped := call.Step(stepMonitor)
	if len(of) > 0 {
		id = of[0]
	}
	switch {
	case stepped && call.Undo:
		state, err = removePool(ctx, client, id, call.NextStep)
	case stepped:
		state, err = addMonitor(ctx, client, id, req)
	default:
		id, state, err = makePool(ctx, client, req)
	}
	if err != nil {
		return nil, err
	}
	return &networkv1.CreatePoolResponse{Id: id, State: state}, nil
}

func makePool(ctx context.Context, client *rest.Client, req *networkv1.CreatePoolRequest) (string, networkv1.LoadBalancerState, error) {
	if err := checkMonitor(req.GetHealthMonitor()); err != nil {
		return "", 0, err
	}
	protocol, tls := fromProtoPoolProtocol(req.GetProtocol())
	if err := checkVIP(ctx, client, req.GetVipId(), req.GetProtocol()); err != nil {
		return "", 0, err
	}
	if protocol == "" {
		return "", 0, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("protocol"),
			sdk.Violation("protocol", "is none of pools"))
	}
	v, err := create(ctx, client, req.GetVipId(), func() (*pool, error) {
		return createTagged(ctx, client, pools, fromProtoCreatePool(req, protocol, tls), req.GetTags(), poolFacts(req))
	})
	if err != nil {
		return "", 0, explainPool(req.GetAlgorithm(), "", err)
	}
	if req.GetHealthMonitor() != nil {
		sdk.SetNextStep(ctx, sdk.JoinStep(stepMonitor, v.ID), pollAfter)
	}
	return v.ID, toProtoState(v.status), nil
}

// checkVIP refuses a protocol that does not fit the VIP's kind. Errors:
// REFERENCE_NOT_FOUND, REFERENCE_MISMATCH.
func checkVIP(ctx context.Context, client *rest.Client, id string, protocol networkv1.LoadBalancerProtocol) error {
	v, err := vips.Get(ctx, client, id)
	if err != nil {
		return rest.AsReference(err, "vip_id")
	}
	if !fits(toProtoKind(v.Tags), protocol) {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(vips.Type, id), sdk.Field("protocol"))
	}
	return nil
}

func explainPool(algorithm networkv1.PoolAlgorithm, id string, err error) error {
	if gophercloud.ResponseCodeIs(err, http.StatusNotImplemented) && algorithm == networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT {
		return sdk.Unsupported(featureSourceIPPort)
	}
	return session.Error(err, pools.Type, id)
}

// addMonitor is the second step of CreatePool.
func addMonitor(ctx context.Context, client *rest.Client, id string, req *networkv1.CreatePoolRequest) (networkv1.LoadBalancerState, error) {
	p, err := pools.Get(ctx, client, id)
	if err != nil {
		return 0, err
	}
	if p.MonitorID != "" {
		return toProtoState(p.status), nil
	}
	return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING,
		setMonitor(ctx, client, p, req.GetHealthMonitor(), sdk.CallFrom(ctx).NextStep)
}

// removePool takes back the first step of CreatePool.
func removePool(ctx context.Context, client *rest.Client, id, step string) (networkv1.LoadBalancerState, error) {
	p, err := pools.Get(ctx, client, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return deleted, nil
	}
	if err != nil {
		return 0, err
	}
	if err := pools.Delete(ctx, client, id); err != nil {
		return deleting, session.Error(again(ctx, client, firstID(p.LoadBalancers), step, err), pools.Type, id)
	}
	return deleting, nil
}

// UpdatePool changes the pool, and as the next step its monitor. What one step has
// changed stays when a later one is refused.
func (s *server) UpdatePool(ctx context.Context, req *networkv1.UpdatePoolRequest) (*networkv1.UpdatePoolResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkMonitor(req.GetHealthMonitor()); err != nil {
		return nil, err
	}
	p, err := pools.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	call := sdk.CallFrom(ctx)
	resp := &networkv1.UpdatePoolResponse{Id: p.ID, State: toProtoState(p.status)}
	attributes := fromProtoUpdatePool(req, p.Tags)
	monitored := req.GetHealthMonitor() != nil || req.GetRemoveHealthMonitor()
	switch {
	case call.Undo:
		return resp, nil
	case call.NextStep == stepMonitor, len(attributes) == 0 && monitored:
		resp.State = updating
		return resp, setMonitor(ctx, client, p, req.GetHealthMonitor(), stepMonitor)
	case len(attributes) == 0:
		return resp, nil
	}
	resp.State = updating
	if _, err := pools.Update(ctx, client, p.ID, attributes); err != nil {
		if err = again(ctx, client, firstID(p.LoadBalancers), stepAgain, err); err != nil {
			return nil, explainPool(req.GetAlgorithm(), p.ID, err)
		}
		return resp, nil
	}
	if monitored {
		sdk.SetNextStep(ctx, stepMonitor, pollAfter)
	}
	return resp, nil
}

// DeletePool removes a pool that no listener sends traffic to.
func (s *server) DeletePool(ctx context.Context, req *networkv1.DeletePoolRequest) (*networkv1.DeletePoolResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeletePoolResponse{Id: req.GetId(), State: deleted}
	p, err := pools.Get(ctx, client, req.GetId())
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return resp, nil
	}
	if err != nil {
		return nil, err
	}
	if len(p.Listeners) > 0 {
		return nil, sdk.InUse(pools.Type, p.ID, nil, blockedBy(p.Listeners)...)
	}
	resp.State, err = remove(ctx, client, pools, p.ID, "", func() (string, error) {
		return firstID(p.LoadBalancers), nil
	})
	return resp, err
}

func blockedBy(users []reference) []string {
	var blockers []string
	for _, l := range users[:min(len(users), rest.MaxBlockers)] {
		blockers = append(blockers, rest.Blocker(listeners.Type, l.ID))
	}
	return blockers
}

// GetPool reads one pool and its monitor.
func (s *server) GetPool(ctx context.Context, req *networkv1.GetPoolRequest) (*networkv1.GetPoolResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := pools.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	var m *monitor
	if p.MonitorID != "" {
		m, err = monitors.Get(ctx, client, p.MonitorID)
		if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
			return nil, err
		}
	}
	return &networkv1.GetPoolResponse{Pool: toProtoPool(p, m, account.Region)}, nil
}

// ListPools reads a page of pools, and the monitors of all in one call.
func (s *server) ListPools(ctx context.Context, req *networkv1.ListPoolsRequest) (*networkv1.ListPoolsResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "loadbalancer_id", req.GetVipId())
	p, err := pools.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	byID := map[string]*monitor{}
	if monitored(p.Items) {
		all, err := monitors.List(ctx, client, url.Values{})
		if err != nil {
			return nil, err
		}
		for i := range all {
			byID[all[i].ID] = &all[i]
		}
	}
	resp := &networkv1.ListPoolsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoPool(&p.Items[i], byID[p.Items[i].MonitorID], account.Region); keepsPool(req, v) {
			resp.Pools = append(resp.Pools, v)
		}
	}
	return resp, nil
}

func monitored(page []pool) bool {
	for i := range page {
		if page[i].MonitorID != "" {
			return true
		}
	}
	return false
}
