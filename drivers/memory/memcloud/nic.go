package memcloud

import (
	"context"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// nicDelay is how long a NIC's moves take at scale 1.
const nicDelay = time.Second / 2

type nicService struct {
	networkv1.UnimplementedNicServiceServer
	c *Cloud
}

var _ networkv1.NicServiceServer = (*nicService)(nil)

// CreateNic makes a NIC that belongs to no VM.
func (s *nicService) CreateNic(ctx context.Context, req *networkv1.CreateNicRequest) (*networkv1.CreateNicResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreateNicResponse, error) {
		if err := groupRefs(v, "security_group_ids", req.GetSecurityGroupIds()); err != nil {
			return nil, err
		}
		r, nic, err := makeNIC(v, nicSpec{
			subnetField: "subnet_id",
			subnetID:    req.GetSubnetId(),
			ipField:     "ip_address",
			ip:          req.GetIpAddress(),
			mac:         req.GetMacAddress(),
			groups:      req.GetSecurityGroupIds(),
		})
		if err != nil {
			return nil, err
		}
		mac := nic.GetMacAddress()
		fill(nic, req)
		nic.MacAddress = mac
		setState(nic, networkv1.NicState_NIC_STATE_CREATING)
		v.after(r, nicDelay)
		return &networkv1.CreateNicResponse{Id: r.id, State: nic.GetState()}, nil
	})
}

// UpdateNic changes name, description, tags, security groups and port security.
func (s *nicService) UpdateNic(ctx context.Context, req *networkv1.UpdateNicRequest) (*networkv1.UpdateNicResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdateNicResponse, error) {
		r, nic, err := nics.get(v, req.GetId())
		if err == nil {
			err = inState(r, nic.GetState(), networkv1.NicState_NIC_STATE_AVAILABLE, networkv1.NicState_NIC_STATE_IN_USE)
		}
		if err == nil {
			err = groupRefs(v, "security_group_ids", req.GetSecurityGroupIds().GetValues())
		}
		if err != nil {
			return nil, err
		}
		_, nic = nics.edit(v, r)
		fill(nic, req)
		refreshVM(v, nic.GetVmId())
		return &networkv1.UpdateNicResponse{Id: r.id, State: nic.GetState()}, nil
	})
}

// DeleteNic removes a NIC that no device has; its public IP is unbound.
func (s *nicService) DeleteNic(ctx context.Context, req *networkv1.DeleteNicRequest) (*networkv1.DeleteNicResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeleteNicResponse, error) {
		r, nic, ok := nics.find(v, req.GetId())
		if !ok {
			return &networkv1.DeleteNicResponse{Id: req.GetId(), State: networkv1.NicState_NIC_STATE_DELETED}, nil
		}
		if nic.GetState() != networkv1.NicState_NIC_STATE_DELETING {
			if nic.GetDeviceId() != "" {
				return nil, sdk.InUse(string(r.kind), r.id, nil, deviceBlocker(nic))
			}
			if used := routesOver(v, r.id); len(used) > 0 {
				return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
			}
			err := inState(r, nic.GetState(), networkv1.NicState_NIC_STATE_AVAILABLE, networkv1.NicState_NIC_STATE_ERROR)
			if err != nil {
				return nil, err
			}
			r, nic = nics.edit(v, r)
			setState(nic, networkv1.NicState_NIC_STATE_DELETING)
			v.after(r, nicDelay)
		}
		return &networkv1.DeleteNicResponse{Id: r.id, State: nic.GetState()}, nil
	})
}

// AttachNic joins a NIC to a VM. Joined to that VM already is success.
func (s *nicService) AttachNic(ctx context.Context, req *networkv1.AttachNicRequest) (*networkv1.AttachNicResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.AttachNicResponse, error) {
		r, nic, err := nics.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if nic.GetVmId() == req.GetVmId() && nic.GetState() != networkv1.NicState_NIC_STATE_DETACHING {
			return &networkv1.AttachNicResponse{Id: r.id, State: nic.GetState()}, nil
		}
		vr, vm, err := vms.ref(v, "vm_id", req.GetVmId())
		if err == nil {
			err = refInState("vm_id", vr, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED)
		}
		if err == nil {
			r, nic, err = takeNIC(v, "id", req.GetId())
		}
		if err != nil {
			return nil, err
		}
		joinNIC(nic, req.GetVmId(), len(vm.GetNics()) == 0)
		setState(nic, networkv1.NicState_NIC_STATE_ATTACHING)
		v.after(r, nicDelay)
		_, vm = vms.edit(v, vr)
		vm.Nics = append(vm.Nics, showNIC(v, nic))
		refreshVM(v, vr.id)
		return &networkv1.AttachNicResponse{Id: r.id, State: nic.GetState()}, nil
	})
}

// DetachNic takes a secondary NIC off its VM; it stays. Not joined is success.
func (s *nicService) DetachNic(ctx context.Context, req *networkv1.DetachNicRequest) (*networkv1.DetachNicResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DetachNicResponse, error) {
		r, nic, err := nics.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		switch {
		case nic.GetVmId() == "" || nic.GetState() == networkv1.NicState_NIC_STATE_DETACHING:
			return &networkv1.DetachNicResponse{Id: r.id, State: nic.GetState()}, nil
		case req.GetVmId() != "" && req.GetVmId() != nic.GetVmId():
			return nil, mismatch("vm_id")
		case nic.GetPrimary():
			return nil, sdk.InvalidState(string(r.kind), r.id, nil)
		}
		if err := inState(r, nic.GetState(), networkv1.NicState_NIC_STATE_IN_USE); err != nil {
			return nil, err
		}
		r, nic = nics.edit(v, r)
		setState(nic, networkv1.NicState_NIC_STATE_DETACHING)
		v.after(r, nicDelay)
		return &networkv1.DetachNicResponse{Id: r.id, State: nic.GetState()}, nil
	})
}

// GetNic reads one NIC.
func (s *nicService) GetNic(ctx context.Context, req *networkv1.GetNicRequest) (*networkv1.GetNicResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetNicResponse, error) {
		_, nic, err := nics.get(v, req.GetId())
		return &networkv1.GetNicResponse{Nic: nic}, err
	})
}

// ListNics reads a page of NICs: those of VMs and those of nothing, unless
// device_kind asks for others.
func (s *nicService) ListNics(ctx context.Context, req *networkv1.ListNicsRequest) (*networkv1.ListNicsResponse, error) {
	p, err := list(s.c, ctx, nics, req, func(_ *view, nic *networkv1.Nic) bool {
		if req.GetSecurityGroupId() != "" && !slices.Contains(nic.GetSecurityGroupIds(), req.GetSecurityGroupId()) {
			return false
		}
		return req.GetDeviceKind() != 0 || len(req.GetIds()) > 0 ||
			nic.GetDeviceId() == "" || nic.GetDeviceKind() == networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM
	})
	return &networkv1.ListNicsResponse{Nics: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
