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
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// splitMember reads the composite id of a member: pool, member. Errors: NOT_FOUND.
func splitMember(id string) (poolID, memberID string, err error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 2 || !session.IsUUID(parts[0]) || !session.IsUUID(parts[1]) {
		return "", "", sdk.NotFound(typeMember, id, err)
	}
	return parts[0], parts[1], nil
}

// CreateMember adds a member to a pool.
func (s *server) CreateMember(ctx context.Context, req *networkv1.CreateMemberRequest) (*networkv1.CreateMemberResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := pools.Get(ctx, client, req.GetPoolId())
	if err != nil {
		return nil, rest.AsReference(err, "pool_id")
	}
	if !takes(p.Tags, req.GetAddress() != "") {
		return nil, mismatch(pools.Type, p.ID, "pool_id", nil)
	}
	at, err := target(ctx, account, req)
	if err != nil {
		return nil, err
	}
	members := membersOf(p.ID)
	v, err := create(ctx, client, firstID(p.LoadBalancers), func() (*member, error) {
		return createTagged(ctx, client, members, fromProtoCreateMember(req, at), nil, memberFacts(req))
	})
	if err != nil {
		if v, err = sameMember(ctx, client, members, req, at, err); err != nil {
			return nil, err
		}
	}
	return &networkv1.CreateMemberResponse{Id: nativeid.Join(p.ID, v.ID), State: toProtoState(v.status)}, nil
}

// sameMember looks, after a refusal, for the member that is in the way: one that
// is as asked for is success.
func sameMember(ctx context.Context, client *rest.Client, members rest.Collection[member], req *networkv1.CreateMemberRequest, at fixedIP, refusal error) (*member, error) {
	refused := explainMember(req, refusal)
	if sdk.ReasonOf(refused) != apiv1.Reason_REASON_ALREADY_EXISTS {
		return nil, refused
	}
	found, err := members.List(ctx, client, url.Values{"address": {at.Address}, "protocol_port": {strconv.Itoa(int(req.GetPort()))}})
	if err != nil {
		return nil, err
	}
	for i := range found {
		if isMember(&found[i], req) {
			return &found[i], nil
		}
	}
	return nil, refused
}

func explainMember(req *networkv1.CreateMemberRequest, err error) error {
	said := text(err)
	if strings.Contains(said, "subnet") && strings.Contains(said, "not found") {
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, "network.subnet", req.GetSubnetId(), sdk.Field("subnet_id"))
	}
	return session.Error(err, typeMember, "")
}

// UpdateMember changes what is present.
func (s *server) UpdateMember(ctx context.Context, req *networkv1.UpdateMemberRequest) (*networkv1.UpdateMemberResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	poolID, memberID, err := splitMember(req.GetId())
	if err != nil {
		return nil, err
	}
	members := membersOf(poolID)
	attributes := fromProtoUpdateMember(req)
	if len(attributes) == 0 || sdk.CallFrom(ctx).Undo {
		v, err := members.Get(ctx, client, memberID)
		if err != nil {
			return nil, err
		}
		return &networkv1.UpdateMemberResponse{Id: req.GetId(), State: toProtoState(v.status)}, nil
	}
	v, err := members.Update(ctx, client, memberID, attributes)
	switch {
	case locked(err):
		lbID, err2 := loadBalancerOf(ctx, client, poolID)
		if err2 == nil {
			err2 = again(ctx, client, lbID, stepAgain, err)
		}
		return &networkv1.UpdateMemberResponse{Id: req.GetId(), State: updating}, err2
	case err != nil:
		return nil, session.Error(err, typeMember, req.GetId())
	}
	return &networkv1.UpdateMemberResponse{Id: req.GetId(), State: toProtoState(v.status)}, nil
}

// DeleteMember takes a member out of its pool.
func (s *server) DeleteMember(ctx context.Context, req *networkv1.DeleteMemberRequest) (*networkv1.DeleteMemberResponse, error) {
	_, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeleteMemberResponse{Id: req.GetId(), State: deleted}
	poolID, memberID, err := splitMember(req.GetId())
	if err != nil {
		return resp, nil
	}
	resp.State, err = remove(ctx, client, membersOf(poolID), memberID, "", func() (string, error) {
		return loadBalancerOf(ctx, client, poolID)
	})
	return resp, err
}

// GetMember reads one member with its health.
func (s *server) GetMember(ctx context.Context, req *networkv1.GetMemberRequest) (*networkv1.GetMemberResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	poolID, memberID, err := splitMember(req.GetId())
	if err != nil {
		return nil, err
	}
	v, err := membersOf(poolID).Get(ctx, client, memberID)
	if err != nil {
		return nil, err
	}
	out := toProtoMember(v, poolID, account.Region)
	out.Health = toProtoMemberHealth(v.Operating)
	return &networkv1.GetMemberResponse{Member: out}, nil
}

// ListMembers reads a page of the members of a pool, or the members that the
// request names, by one call for each of their pools.
func (s *server) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	account, client, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListMembersResponse{}
	add := func(poolID string, items []member) {
		for i := range items {
			v := toProtoMember(&items[i], poolID, account.Region)
			if req.GetWithHealth() {
				v.Health = toProtoMemberHealth(items[i].Operating)
			}
			if keepsMember(req, v) {
				resp.Members = append(resp.Members, v)
			}
		}
	}
	if len(req.GetIds()) > 0 {
		resp.MissingIds, err = membersByID(ctx, client, req.GetIds(), add)
		return resp, err
	}
	if err := session.ReferenceUUID(pools.Type, req.GetPoolId(), "pool_id"); err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := membersOf(req.GetPoolId()).Find(ctx, client, req, query)
	if err != nil {
		return nil, notThePool(err, req.GetPoolId())
	}
	resp.NextPageToken = p.Next
	add(req.GetPoolId(), p.Items)
	return resp, nil
}

// notThePool names the pool in the 404 of a list of its members.
func notThePool(err error, poolID string) error {
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_REFERENCE_NOT_FOUND {
		return err
	}
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(pools.Type, poolID), sdk.Field("pool_id"), sdk.Cause(err))
}

// byIDs is a list request for members by their own ids.
type byIDs struct {
	*networkv1.ListMembersRequest
	ids []string
}

// GetIds implements rest.PageRequest.
func (r byIDs) GetIds() []string { return r.ids }

// membersByID gives the members of composite ids to add, and returns the ids that
// do not exist.
func membersByID(ctx context.Context, client *rest.Client, ids []string, add func(poolID string, items []member)) ([]string, error) {
	var missing, order []string
	inPool := map[string][]string{}
	for _, id := range ids {
		poolID, memberID, err := splitMember(id)
		if err != nil {
			missing = append(missing, id)
			continue
		}
		if inPool[poolID] == nil {
			order = append(order, poolID)
		}
		inPool[poolID] = append(inPool[poolID], memberID)
	}
	for _, poolID := range order {
		p, err := membersOf(poolID).Find(ctx, client, byIDs{ids: inPool[poolID]}, url.Values{})
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_REFERENCE_NOT_FOUND {
			p, err = rest.Page[member]{Missing: inPool[poolID]}, nil // the whole pool is gone
		}
		if err != nil {
			return nil, err
		}
		add(poolID, p.Items)
		for _, id := range p.Missing {
			missing = append(missing, nativeid.Join(poolID, id))
		}
	}
	return missing, nil
}
