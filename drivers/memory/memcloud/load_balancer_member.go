package memcloud

import (
	"context"
	"net/netip"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// CreateMember adds a target to a pool. An equal one is success.
func (s *loadBalancerService) CreateMember(ctx context.Context, req *networkv1.CreateMemberRequest) (*networkv1.CreateMemberResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateMemberResponse, error) {
		member, err := newMember(v, req)
		if err != nil {
			return nil, err
		}
		if r, same, ok := memberAt(v, member); ok {
			if same.GetWeight() != member.GetWeight() || same.GetBackup() != member.GetBackup() {
				return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Resource(string(members.kind), r.id))
			}
			return &networkv1.CreateMemberResponse{Id: r.id, State: same.GetState()}, nil
		}
		if err := v.within(use{"network.member.count", 1}); err != nil {
			return nil, err
		}
		setState(member, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING)
		r, member := members.add(v, member)
		v.after(r, balancerDelay)
		return &networkv1.CreateMemberResponse{Id: r.id, State: member.GetState()}, nil
	})
}

// newMember works out where the target is, which must be in the VIP's network.
func newMember(v *view, req *networkv1.CreateMemberRequest) (*networkv1.Member, error) {
	pr, pool, err := pools.ref(v, "pool_id", req.GetPoolId())
	if err == nil {
		err = refInState("pool_id", pr, pool.GetState(), balancedStates()...)
	}
	if err != nil {
		return nil, err
	}
	_, vip, err := vips.ref(v, "pool_id", pool.GetVipId())
	if err != nil {
		return nil, err
	}
	member := &networkv1.Member{Weight: defaultMemberWeight}
	fill(member, req)
	takesAddresses := pool.GetMemberKind() == networkv1.MemberKind_MEMBER_KIND_ADDRESS
	if (req.GetAddress() != "") != takesAddresses {
		return nil, mismatch("pool_id")
	}
	if takesAddresses {
		return member, placeByAddress(v, member, vip)
	}
	nic, field, err := targetNIC(v, req)
	if err != nil {
		return nil, err
	}
	if nic.GetNetworkId() != vip.GetNetworkId() {
		return nil, mismatch(field)
	}
	member.Address, member.SubnetId = nic.GetIpAddresses()[0], nic.GetSubnetId()
	return member, nil
}

// targetNIC is the NIC that a request names: by its id, or as the primary of a VM.
func targetNIC(v *view, req *networkv1.CreateMemberRequest) (nic *networkv1.Nic, field string, err error) {
	if req.GetNicId() != "" {
		_, nic, err = nics.ref(v, "nic_id", req.GetNicId())
		return nic, "nic_id", err
	}
	_, vm, err := vms.ref(v, "vm_id", req.GetVmId())
	if err != nil {
		return nil, "vm_id", err
	}
	if len(vm.GetNics()) == 0 {
		return nil, "vm_id", mismatch("vm_id")
	}
	_, nic, err = nics.ref(v, "vm_id", vm.GetNics()[0].GetNicId())
	return nic, "vm_id", err
}

func placeByAddress(v *view, member *networkv1.Member, vip *networkv1.Vip) error {
	if member.GetSubnetId() == "" {
		member.SubnetId = vip.GetAddresses()[0].GetSubnetId()
	}
	_, subnet, err := subnets.ref(v, "subnet_id", member.GetSubnetId())
	if err != nil {
		return err
	}
	if subnet.GetNetworkId() != vip.GetNetworkId() {
		return mismatch("subnet_id")
	}
	cidr, err := netip.ParsePrefix(subnet.GetCidr())
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(member.GetAddress()); err != nil || !cidr.Contains(addr) {
		return rejected("address")
	}
	return nil
}

// memberAt finds the member of a pool with the same target and port.
func memberAt(v *view, like *networkv1.Member) (*record, *networkv1.Member, bool) {
	for r, m := range members.mine(v) {
		if m.GetPoolId() == like.GetPoolId() && m.GetAddress() == like.GetAddress() && m.GetPort() == like.GetPort() &&
			m.GetState() != networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING {
			return r, m, true
		}
	}
	return nil, nil, false
}

// UpdateMember changes name, weight and backup.
func (s *loadBalancerService) UpdateMember(ctx context.Context, req *networkv1.UpdateMemberRequest) (*networkv1.UpdateMemberResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateMemberResponse, error) {
		r, member, err := members.get(v, req.GetId())
		if err == nil {
			err = changeable(r, member.GetState())
		}
		if err != nil {
			return nil, err
		}
		r, member = members.edit(v, r)
		fill(member, req)
		beginUpdate(v, r)
		return &networkv1.UpdateMemberResponse{Id: r.id, State: member.GetState()}, nil
	})
}

// DeleteMember takes a target out of its pool.
func (s *loadBalancerService) DeleteMember(ctx context.Context, req *networkv1.DeleteMemberRequest) (*networkv1.DeleteMemberResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteMemberResponse, error) {
		state, err := removeBalanced(v, members, req.GetId())
		return &networkv1.DeleteMemberResponse{Id: req.GetId(), State: state}, err
	})
}

// GetMember reads one member with its health.
func (s *loadBalancerService) GetMember(ctx context.Context, req *networkv1.GetMemberRequest) (*networkv1.GetMemberResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetMemberResponse, error) {
		_, member, err := members.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		return &networkv1.GetMemberResponse{Member: withHealth(v, member)}, nil
	})
}

// ListMembers reads a page of members, on request with their health.
func (s *loadBalancerService) ListMembers(ctx context.Context, req *networkv1.ListMembersRequest) (*networkv1.ListMembersResponse, error) {
	p, err := list(s.c, ctx, members, req, nil)
	if err != nil {
		return nil, err
	}
	answer := &networkv1.ListMembersResponse{Members: p.items, NextPageToken: p.next, MissingIds: p.missing}
	if !req.GetWithHealth() {
		return answer, nil
	}
	return read(s.c, ctx, func(v *view) (*networkv1.ListMembersResponse, error) {
		for i, member := range answer.GetMembers() {
			answer.Members[i] = withHealth(v, member)
		}
		return answer, nil
	})
}

func withHealth(v *view, member *networkv1.Member) *networkv1.Member {
	shown := proto.CloneOf(member)
	shown.Health = memberHealth(v, member)
	return shown
}
