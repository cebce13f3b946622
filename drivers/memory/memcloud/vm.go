package memcloud

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

type vmService struct {
	computev1.UnimplementedVmServiceServer
	c *Cloud
}

var _ computev1.VmServiceServer = (*vmService)(nil)

// DeleteVm begins the removal; what goes along is decided when it ends.
func (s *vmService) DeleteVm(ctx context.Context, req *computev1.DeleteVmRequest) (*computev1.DeleteVmResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.DeleteVmResponse, error) {
		r, vm, ok := vms.find(v, req.GetId())
		if !ok {
			return &computev1.DeleteVmResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_DELETED}, nil
		}
		if vm.GetState() != computev1.VmState_VM_STATE_DELETING {
			move(v, vms, r, computev1.VmState_VM_STATE_DELETING, vmDeleteDelay)
		}
		return &computev1.DeleteVmResponse{Id: r.id, State: computev1.VmState_VM_STATE_DELETING}, nil
	})
}

// UpdateVm changes name, description and tags.
func (s *vmService) UpdateVm(ctx context.Context, req *computev1.UpdateVmRequest) (*computev1.UpdateVmResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.UpdateVmResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err == nil {
			err = inState(r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED,
				computev1.VmState_VM_STATE_SUSPENDED, computev1.VmState_VM_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		r, vm = vms.edit(v, r)
		fill(vm, req)
		if req.GetRemoveReleaseAt() {
			vm.ReleaseAt = nil
		}
		releaseLater(r, vm)
		return &computev1.UpdateVmResponse{Id: r.id, State: vm.GetState()}, nil
	})
}

// StartVm starts a stopped VM.
func (s *vmService) StartVm(ctx context.Context, req *computev1.StartVmRequest) (*computev1.StartVmResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.StartVmResponse, error) {
		state, err := begin(v, vms, req.GetId(), change[computev1.VmState]{
			from:  []computev1.VmState{computev1.VmState_VM_STATE_STOPPED, computev1.VmState_VM_STATE_SUSPENDED},
			via:   computev1.VmState_VM_STATE_STARTING,
			to:    computev1.VmState_VM_STATE_RUNNING,
			delay: vmStartDelay,
		})
		return &computev1.StartVmResponse{Id: req.GetId(), State: state}, err
	})
}

// StopVm stops a running VM; a forced stop takes a tenth of the time.
func (s *vmService) StopVm(ctx context.Context, req *computev1.StopVmRequest) (*computev1.StopVmResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.StopVmResponse, error) {
		ch := change[computev1.VmState]{
			from:  []computev1.VmState{computev1.VmState_VM_STATE_RUNNING},
			via:   computev1.VmState_VM_STATE_STOPPING,
			to:    computev1.VmState_VM_STATE_STOPPED,
			delay: vmStopDelay,
		}
		if req.GetForce() {
			ch.delay /= 10
		}
		state, err := begin(v, vms, req.GetId(), ch)
		if err != nil {
			return nil, err
		}
		if state == computev1.VmState_VM_STATE_STOPPING {
			r, _, _ := vms.find(v, req.GetId())
			_, vm := vms.edit(v, r)
			vm.StopMode = max(req.GetStopMode(), computev1.StopMode_STOP_MODE_KEEP)
		}
		return &computev1.StopVmResponse{Id: req.GetId(), State: state}, nil
	})
}

// RebootVm restarts a running VM, or with force one that hangs.
func (s *vmService) RebootVm(ctx context.Context, req *computev1.RebootVmRequest) (*computev1.RebootVmResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.RebootVmResponse, error) {
		ch := change[computev1.VmState]{
			from:  []computev1.VmState{computev1.VmState_VM_STATE_RUNNING},
			via:   computev1.VmState_VM_STATE_REBOOTING,
			delay: vmRebootDelay,
		}
		if req.GetForce() {
			ch.from = append(ch.from, computev1.VmState_VM_STATE_SUSPENDED, computev1.VmState_VM_STATE_ERROR)
		}
		state, err := begin(v, vms, req.GetId(), ch)
		return &computev1.RebootVmResponse{Id: req.GetId(), State: state}, err
	})
}

// SetVmSecurityGroups replaces the groups of the VM's NICs.
func (s *vmService) SetVmSecurityGroups(ctx context.Context, req *computev1.SetVmSecurityGroupsRequest) (*computev1.SetVmSecurityGroupsResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.SetVmSecurityGroupsResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err == nil {
			err = inState(r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED,
				computev1.VmState_VM_STATE_SUSPENDED)
		}
		if err == nil {
			err = groupRefs(v, "security_group_ids", req.GetSecurityGroupIds())
		}
		if err != nil {
			return nil, err
		}
		changed := 0
		for _, of := range vm.GetNics() {
			if req.GetNicId() != "" && req.GetNicId() != of.GetNicId() {
				continue
			}
			if nr, _, ok := nics.find(v, of.GetNicId()); ok {
				_, nic := nics.edit(v, nr)
				nic.SecurityGroupIds = append([]string{}, req.GetSecurityGroupIds()...)
				changed++
			}
		}
		if changed == 0 && req.GetNicId() != "" {
			return nil, mismatch("nic_id")
		}
		refreshVM(v, r.id)
		return &computev1.SetVmSecurityGroupsResponse{Id: r.id, State: vm.GetState()}, nil
	})
}

// GetVm reads one VM.
func (s *vmService) GetVm(ctx context.Context, req *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetVmResponse, error) {
		_, vm, err := vms.get(v, req.GetId())
		return &computev1.GetVmResponse{Vm: vm}, err
	})
}

// ListVms reads a page of VMs.
func (s *vmService) ListVms(ctx context.Context, req *computev1.ListVmsRequest) (*computev1.ListVmsResponse, error) {
	p, err := list(s.c, ctx, vms, req, nil)
	return &computev1.ListVmsResponse{Vms: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetComputeQuota tells limits and use.
func (s *vmService) GetComputeQuota(ctx context.Context, _ *computev1.GetComputeQuotaRequest) (*computev1.GetComputeQuotaResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetComputeQuotaResponse, error) {
		return &computev1.GetComputeQuotaResponse{Quotas: v.quotas("compute.")}, nil
	})
}

// GetVmInitialPassword never knows one: the cloud takes passwords and forgets them.
func (s *vmService) GetVmInitialPassword(ctx context.Context, req *computev1.GetVmInitialPasswordRequest) (*computev1.GetVmInitialPasswordResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetVmInitialPasswordResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if vm.GetState() == computev1.VmState_VM_STATE_CREATING {
			return nil, sdk.InvalidState(string(r.kind), r.id, nil)
		}
		return nil, sdk.NotFound(string(r.kind), r.id, nil)
	})
}

// ResetVmPassword takes a new password, and forgets it.
func (s *vmService) ResetVmPassword(ctx context.Context, req *computev1.ResetVmPasswordRequest) (*computev1.ResetVmPasswordResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.ResetVmPasswordResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err == nil {
			err = inState(r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING)
		}
		if err == nil && req.GetPassword() == "" {
			err = rejected("password")
		}
		if err != nil {
			return nil, err
		}
		_, vm = vms.edit(v, r)
		return &computev1.ResetVmPasswordResponse{Id: r.id, State: vm.GetState()}, nil
	})
}

func groupRefs(v *view, field string, ids []string) error {
	for _, id := range ids {
		if _, _, err := groups.ref(v, field, id); err != nil {
			return err
		}
	}
	return nil
}

func chargeOrPostpaid(c *apiv1.Charge) *apiv1.Charge {
	if c.GetMode() == apiv1.ChargeMode_CHARGE_MODE_UNSPECIFIED {
		return &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID}
	}
	return c
}
