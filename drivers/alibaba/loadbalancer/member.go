package loadbalancer

import (
	"context"
	"slices"
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateMember adds a backend server to a VServer group. There is no token for it:
// the group is read first, and a server at the same port is success.
func (n *server) CreateMember(ctx context.Context, req *networkv1.CreateMemberRequest) (*networkv1.CreateMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetBackup() {
		return nil, sdk.Unsupported("network.member.backup")
	}
	wanted, err := memberServer(ctx, s, req)
	if err != nil {
		return nil, err
	}
	v, err := readGroup(ctx, s, req.GetPoolId())
	if err != nil {
		return nil, kind.AsReference(err, "pool_id")
	}
	made := &networkv1.CreateMemberResponse{
		Id:    memberID(v.VServerGroupID, &backend{ServerID: wanted.ServerID, Port: req.GetPort()}),
		State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE,
	}
	if v.find(wanted.ServerID, req.GetPort()) != nil {
		return made, nil
	}
	params := api.Params{}.Set("VServerGroupId", v.VServerGroupID).JSON("BackendServers", []backendServer{wanted})
	if err := s.Call(ctx, api.SLB, "AddVServerGroupBackendServers", params, nil); err != nil {
		return nil, explainMember(err, req)
	}
	return made, nil
}

// memberServer is the server that a request names. A NIC needs its address too,
// which is one call.
func memberServer(ctx context.Context, s *session.Session, req *networkv1.CreateMemberRequest) (backendServer, error) {
	out := backendServer{
		ServerID: req.GetVmId(), Type: serverVM, Port: strconv.Itoa(int(req.GetPort())),
		Weight: strconv.Itoa(balance.DefaultWeight), Description: req.GetName(),
	}
	if req.Weight != nil {
		out.Weight = strconv.Itoa(int(req.GetWeight()))
	}
	switch {
	case req.GetAddress() != "":
		return out, balance.Rejected("address", "a member by address "+needsZones)
	case req.GetNicId() == "":
		return out, nil
	}
	address, err := balance.NICAddress(ctx, s, req.GetNicId())
	if err != nil {
		return out, err
	}
	out.ServerID, out.Type, out.ServerIP = req.GetNicId(), serverNIC, address
	return out, nil
}

func explainMember(err error, req *networkv1.CreateMemberRequest) error {
	resourceType, id, field := balance.TypeVM, req.GetVmId(), "vm_id"
	if req.GetNicId() != "" {
		resourceType, id, field = balance.TypeNIC, req.GetNicId(), "nic_id"
	}
	switch {
	case api.HasCode(err, "InvalidServerId.NotExist", "ObtainIpFail", "InvalidBackendServers.NotFound"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, resourceType, id, sdk.Field(field))
	case api.HasCode(err, "NetworkConflict", "InvalidBackendServers.VpcNotInCen", "Mismatched.ZoneId"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, resourceType, id, sdk.Field(field))
	case noGroup(err):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, balance.TypePool, req.GetPoolId(), sdk.Field("pool_id"))
	}
	return refusal(err, balance.TypeMember, "")
}

// GetMember reads one backend server.
func (n *server) GetMember(ctx context.Context, req *networkv1.GetMemberRequest) (*networkv1.GetMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, found, err := readMember(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	seen, err := healthOf(ctx, s, v.LoadBalancerID)
	if err != nil {
		return nil, err
	}
	out := toProtoMember(found, v.VServerGroupID, s.Region)
	out.Health = memberHealth(seen, found)
	return &networkv1.GetMemberResponse{Member: out}, nil
}

// memberHealth is what the listeners see of a member; weight 0 drains it.
func memberHealth(seen []health, v *backend) networkv1.MemberHealth {
	if v.Weight == 0 {
		return networkv1.MemberHealth_MEMBER_HEALTH_DRAINING
	}
	return worst(seen, v.ServerID, v.Port)
}

// readMember reads the group of a member and the member in it. Errors: NOT_FOUND.
func readMember(ctx context.Context, s *session.Session, id string) (*group, *backend, error) {
	poolID, serverID, port, err := splitMemberID(id)
	if err != nil {
		return nil, nil, err
	}
	v, err := readGroup(ctx, s, poolID)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil, nil, sdk.NotFound(balance.TypeMember, id, err)
	}
	if err != nil {
		return nil, nil, err
	}
	found := v.find(serverID, port)
	if found == nil {
		return nil, nil, sdk.NotFound(balance.TypeMember, id, nil)
	}
	return v, found, nil
}

// UpdateMember changes weight and name.
func (n *server) UpdateMember(ctx context.Context, req *networkv1.UpdateMemberRequest) (*networkv1.UpdateMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.Backup != nil {
		return nil, sdk.Unsupported("network.member.backup")
	}
	v, found, err := readMember(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	wanted := named(found)
	wanted.Weight, wanted.Description = strconv.Itoa(int(found.Weight)), found.Description
	if req.Weight != nil {
		wanted.Weight = strconv.Itoa(int(req.GetWeight()))
	}
	if req.Name != nil {
		wanted.Description = req.GetName()
	}
	params := api.Params{}.Set("VServerGroupId", v.VServerGroupID).JSON("BackendServers", []backendServer{wanted})
	if err := s.Call(ctx, api.SLB, "SetVServerGroupAttribute", params, nil); err != nil {
		return nil, refusal(err, balance.TypeMember, req.GetId())
	}
	return &networkv1.UpdateMemberResponse{Id: req.GetId(), State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE}, nil
}

// DeleteMember takes a backend server out of its group; absent is success.
func (n *server) DeleteMember(ctx context.Context, req *networkv1.DeleteMemberRequest) (*networkv1.DeleteMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	done := &networkv1.DeleteMemberResponse{Id: req.GetId(), State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED}
	v, found, err := readMember(ctx, s, req.GetId())
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return done, nil
	case err != nil:
		return nil, err
	}
	params := api.Params{}.Set("VServerGroupId", v.VServerGroupID).JSON("BackendServers", []backendServer{named(found)})
	if err := s.Call(ctx, api.SLB, "RemoveVServerGroupBackendServers", params, nil); err != nil {
		return nil, refusal(err, balance.TypeMember, req.GetId())
	}
	return done, nil
}

// ListMembers reads the members of a pool, or those that the request names: one
// call for each pool, and one more with health.
func (n *server) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	var found []*networkv1.Member
	for _, poolID := range poolsOfMembers(req) {
		members, err := membersOf(ctx, s, poolID, req.GetWithHealth())
		switch {
		case err == nil:
			found = append(found, members...)
		case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND && len(req.GetIds()) > 0:
		default:
			return nil, kind.AsReference(err, "pool_id")
		}
	}
	p, err := kind.Slice(found, req, func(v **networkv1.Member) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListMembersResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if balance.KeepsMember(req, v) {
			resp.Members = append(resp.Members, v)
		}
	}
	return resp, nil
}

func membersOf(ctx context.Context, s *session.Session, poolID string, withHealth bool) ([]*networkv1.Member, error) {
	v, err := readGroup(ctx, s, poolID)
	if err != nil {
		return nil, err
	}
	var seen []health
	if withHealth {
		if seen, err = healthOf(ctx, s, v.LoadBalancerID); err != nil {
			return nil, err
		}
	}
	out := make([]*networkv1.Member, 0, len(v.BackendServers.BackendServer))
	for i := range v.BackendServers.BackendServer {
		b := &v.BackendServers.BackendServer[i]
		m := toProtoMember(b, poolID, s.Region)
		if withHealth {
			m.Health = memberHealth(seen, b)
		}
		out = append(out, m)
	}
	return out, nil
}

// poolsOfMembers are the pools that a list request is about, once each.
func poolsOfMembers(req *networkv1.ListMembersRequest) []string {
	if len(req.GetIds()) == 0 {
		return []string{req.GetPoolId()}
	}
	var pools []string
	for _, id := range req.GetIds() {
		if poolID, _, _, err := splitMemberID(id); err == nil && !slices.Contains(pools, poolID) {
			pools = append(pools, poolID)
		}
	}
	return pools
}
