package zonal

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateMember adds a server to a group. One that is there at the same port, with the
// same weight, is success.
func (n *Server) CreateMember(ctx context.Context, req *networkv1.CreateMemberRequest) (*networkv1.CreateMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if at, id, err := n.resume(ctx, s, balance.TypeMember, n.takeOut(ctx, s)); at != fresh {
		return &networkv1.CreateMemberResponse{Id: id, State: creating}, err
	}
	if req.GetBackup() {
		return nil, sdk.Unsupported("network.member.backup")
	}
	wanted, err := target(ctx, s, req)
	if err != nil {
		return nil, err
	}
	groupID := n.own(req.GetPoolId())
	made := &networkv1.CreateMemberResponse{Id: n.memberID(groupID, wanted), State: creating}
	params := api.Params{}.Set("ServerGroupId", groupID).Objects("Servers", wanted.weighted()).Once(ctx, "")
	var answer struct{ JobID string }
	err = s.Call(ctx, n.API, "AddServersToServerGroup", params, &answer)
	switch {
	case err == nil:
		n.await(ctx, answer.JobID, made.GetId())
		return made, nil
	case api.HasCode(err, "Conflict.BackendServer", "DuplicatedParam.BackendServer", "DuplicatedParam.Server"):
		made.State = active
		return made, n.sameMember(ctx, s, groupID, wanted, err)
	}
	return nil, n.explainMember(err, req)
}

// target is the server that a request names. A NIC needs its address too, which is
// one call.
func target(ctx context.Context, s *session.Session, req *networkv1.CreateMemberRequest) (*backend, error) {
	v := &backend{ServerID: req.GetVmId(), ServerType: serverVM, Port: req.GetPort(), Weight: balance.DefaultWeight, Description: req.GetName()}
	if req.Weight != nil {
		v.Weight = req.GetWeight()
	}
	switch {
	case req.GetAddress() != "":
		v.ServerID, v.ServerIP, v.ServerType = req.GetAddress(), req.GetAddress(), serverAddress
	case req.GetNicId() != "":
		address, err := balance.NICAddress(ctx, s, req.GetNicId())
		if err != nil {
			return nil, err
		}
		v.ServerID, v.ServerIP, v.ServerType = req.GetNicId(), address, serverNIC
	}
	return v, nil
}

// sameMember is nil where the server that is there has the wanted weight.
func (p *Product) sameMember(ctx context.Context, s *session.Session, groupID string, wanted *backend, cause error) error {
	id := p.memberID(groupID, wanted)
	found, err := p.readMember(ctx, s, id)
	if err == nil && found.Weight != wanted.Weight {
		return api.As(apiv1.Reason_REASON_ALREADY_EXISTS, cause, balance.TypeMember, id)
	}
	return err
}

// takeOut removes a server from its group, for an undo: absent is success.
func (p *Product) takeOut(ctx context.Context, s *session.Session) func(id string) error {
	return func(id string) error {
		v, err := p.readMember(ctx, s, id)
		if err == nil {
			params := api.Params{}.Set("ServerGroupId", v.ServerGroupID).Objects("Servers", v.params()).Once(ctx, "undo")
			err = s.Call(ctx, p.API, "RemoveServersFromServerGroup", params, nil)
		}
		if err == nil || isMissing(err) || gone(err, wordServer, wordGroup) {
			return nil
		}
		return p.refusal(err, balance.TypeMember, id)
	}
}

func (p *Product) explainMember(err error, req *networkv1.CreateMemberRequest) error {
	resourceType, id, field := balance.TypeVM, req.GetVmId(), "vm_id"
	switch {
	case req.GetNicId() != "":
		resourceType, id, field = balance.TypeNIC, req.GetNicId(), "nic_id"
	case req.GetAddress() != "":
		resourceType, id, field = "", "", "address"
	}
	switch {
	case gone(err, "Ecs", "Eni", "Eci"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, resourceType, id, sdk.Field(field))
	case api.HasCode(err, "Mismatch.VpcId", "Mismatch.ServerType", "Mismatch.Type", "IllegalParam.IP", "IllegalParam.ServerIp"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, resourceType, id, sdk.Field(field))
	}
	return p.refusal(err, balance.TypeMember, "")
}

// readMember reads one server of a group. Errors: NOT_FOUND.
func (p *Product) readMember(ctx context.Context, s *session.Session, id string) (*backend, error) {
	groupID, key, ok := p.splitMember(id)
	if !ok {
		return nil, sdk.NotFound(balance.TypeMember, id, nil)
	}
	all, err := p.servers().All(ctx, s, api.Params{}.Set("ServerGroupId", groupID).List("ServerIds", key.ServerID))
	if err != nil && !isMissing(err) {
		return nil, err
	}
	for i := range all {
		if v := &all[i]; v.ServerID == key.ServerID && v.Port == key.Port {
			v.ServerGroupID = groupID
			return v, nil
		}
	}
	return nil, sdk.NotFound(balance.TypeMember, id, err)
}

// isMissing tells whether something that was asked about does not exist.
func isMissing(err error) bool {
	reason := sdk.ReasonOf(err)
	return reason == apiv1.Reason_REASON_NOT_FOUND || reason == apiv1.Reason_REASON_REFERENCE_NOT_FOUND
}

// GetMember reads one server of a group with its health.
func (n *Server) GetMember(ctx context.Context, req *networkv1.GetMemberRequest) (*networkv1.GetMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := n.readMember(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	seen, err := n.healthOf(ctx, s, n.publicID(v.ServerGroupID))
	if err != nil {
		return nil, err
	}
	out := n.toProtoMember(v, v.ServerGroupID, s.Region)
	out.Health = seen.of(v)
	return &networkv1.GetMemberResponse{Member: out}, nil
}

// UpdateMember changes weight and name.
func (n *Server) UpdateMember(ctx context.Context, req *networkv1.UpdateMemberRequest) (*networkv1.UpdateMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.UpdateMemberResponse{Id: req.GetId(), State: updating}
	if at, _, err := n.resume(ctx, s, balance.TypeMember, nil); at != fresh {
		return resp, err
	}
	if req.Backup != nil {
		return nil, sdk.Unsupported("network.member.backup")
	}
	v, err := n.readMember(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.Weight != nil {
		v.Weight = req.GetWeight()
	}
	if req.Name != nil {
		v.Description = req.GetName()
	}
	params := api.Params{}.Set("ServerGroupId", v.ServerGroupID).Objects("Servers", v.weighted())
	if _, err := n.change(ctx, s, "UpdateServerGroupServersAttribute", params, ""); err != nil {
		return nil, n.refusal(err, balance.TypeMember, req.GetId())
	}
	return resp, nil
}

// DeleteMember takes a server out of its group; absent is success.
func (n *Server) DeleteMember(ctx context.Context, req *networkv1.DeleteMemberRequest) (*networkv1.DeleteMemberResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.DeleteMemberResponse{Id: req.GetId(), State: deleting}
	if at, _, err := n.resume(ctx, s, balance.TypeMember, nil); at != fresh {
		return resp, err
	}
	v, err := n.readMember(ctx, s, req.GetId())
	if err == nil {
		params := api.Params{}.Set("ServerGroupId", v.ServerGroupID).Objects("Servers", v.params())
		_, err = n.change(ctx, s, "RemoveServersFromServerGroup", params, "")
	}
	switch {
	case err == nil:
		return resp, nil
	case isMissing(err), gone(err, wordServer, wordGroup):
		resp.State = deleted
		return resp, nil
	}
	return nil, n.refusal(err, balance.TypeMember, req.GetId())
}

// ListMembers reads a page of the servers of a pool, or those that the request names:
// one call for each pool that they are in.
func (n *Server) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetIds()) > 0 {
		return n.membersByID(ctx, s, req)
	}
	groupID := n.own(req.GetPoolId())
	page, err := n.servers().Find(ctx, s, req, api.Params{}.Set("ServerGroupId", groupID))
	if err != nil {
		return nil, poolMissing(err, req.GetPoolId())
	}
	out, err := n.showMembers(ctx, s, req, groupID, page.Items)
	return &networkv1.ListMembersResponse{NextPageToken: page.Next, Members: out}, err
}

func poolMissing(err error, poolID string) error {
	if isMissing(err) {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(balance.TypePool, poolID), sdk.Field("pool_id"), sdk.Cause(err))
	}
	return err
}

func (n *Server) membersByID(ctx context.Context, s *session.Session, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	var found []*networkv1.Member
	read := map[string]bool{}
	for _, id := range req.GetIds() {
		groupID, _, ok := n.splitMember(id)
		if !ok || read[groupID] {
			continue
		}
		read[groupID] = true
		all, err := n.servers().All(ctx, s, api.Params{}.Set("ServerGroupId", groupID))
		if err != nil && !isMissing(err) {
			return nil, err
		}
		members, err := n.showMembers(ctx, s, req, groupID, all)
		if err != nil {
			return nil, err
		}
		found = append(found, members...)
	}
	members, missing := sdk.PickIDs(found, (*networkv1.Member).GetId, req.GetIds())
	return &networkv1.ListMembersResponse{Members: members, MissingIds: missing}, nil
}

// showMembers maps the servers of a group that fit the request.
func (n *Server) showMembers(ctx context.Context, s *session.Session, req *networkv1.ListMembersRequest, groupID string, all []backend) ([]*networkv1.Member, error) {
	var seen groupHealth
	if req.GetWithHealth() && len(all) > 0 {
		var err error
		if seen, err = n.healthOf(ctx, s, n.publicID(groupID)); err != nil {
			return nil, err
		}
	}
	var out []*networkv1.Member
	for i := range all {
		m := n.toProtoMember(&all[i], groupID, s.Region)
		if req.GetWithHealth() {
			m.Health = seen.of(&all[i])
		}
		if balance.KeepsMember(req, m) {
			out = append(out, m)
		}
	}
	return out, nil
}
