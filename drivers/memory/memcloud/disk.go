package memcloud

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

type diskService struct {
	storagev1.UnimplementedDiskServiceServer
	c *Cloud
}

var _ storagev1.DiskServiceServer = (*diskService)(nil)

// CreateDisk makes an empty disk, or one with the content of a snapshot or image.
func (s *diskService) CreateDisk(ctx context.Context, req *storagev1.CreateDiskRequest) (*storagev1.CreateDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.CreateDiskResponse, error) {
		if err := zoneKnown(v, req.GetZoneId()); err != nil {
			return nil, err
		}
		r, disk, err := makeDisk(v, newDisk{
			size:       req.GetSizeGib(),
			typeID:     req.GetDiskTypeId(),
			snapshotID: req.GetSourceSnapshotId(),
			imageID:    req.GetSourceImageId(),
			role:       storagev1.DiskRole_DISK_ROLE_DATA,
			zoneID:     req.GetZoneId(),
		})
		if err != nil {
			return nil, err
		}
		size, typeID, zoneID := disk.GetSizeGib(), disk.GetDiskTypeId(), disk.GetZoneId()
		fill(disk, req)
		disk.SizeGib, disk.DiskTypeId, disk.ZoneId = size, typeID, zoneID
		disk.Charge = chargeOrPostpaid(req.GetCharge())
		v.after(r, diskCreateDelay)
		return &storagev1.CreateDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// AttachDisk gives a disk to a VM. Attached there already is success.
func (s *diskService) AttachDisk(ctx context.Context, req *storagev1.AttachDiskRequest) (*storagev1.AttachDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.AttachDiskResponse, error) {
		r, disk, err := disks.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if attachmentOf(disk, req.GetVmId()) >= 0 && disk.GetState() != storagev1.DiskState_DISK_STATE_DETACHING {
			return &storagev1.AttachDiskResponse{Id: r.id, State: disk.GetState()}, nil
		}
		if err := attachable(r, disk); err != nil {
			return nil, err
		}
		vr, vm, err := vms.ref(v, "vm_id", req.GetVmId())
		if err == nil {
			err = refInState("vm_id", vr, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED)
		}
		if err == nil && vm.GetZoneId() != disk.GetZoneId() {
			err = mismatch("vm_id")
		}
		if err != nil {
			return nil, err
		}
		r, disk = disks.edit(v, r)
		_, vm = vms.edit(v, vr)
		if req.DeleteWithVm != nil {
			disk.DeleteWithVm = req.GetDeleteWithVm()
		}
		joinDisk(v, disk, vm, req.GetDevice())
		vm.DiskIds = append(vm.DiskIds, r.id)
		setState(disk, storagev1.DiskState_DISK_STATE_ATTACHING)
		v.after(r, diskAttachDelay)
		return &storagev1.AttachDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// DetachDisk takes a disk away from its VM. Attached to none is success.
func (s *diskService) DetachDisk(ctx context.Context, req *storagev1.DetachDiskRequest) (*storagev1.DetachDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.DetachDiskResponse, error) {
		r, disk, err := disks.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		vmID, err := detachFrom(disk, req.GetVmId())
		if err != nil {
			return nil, err
		}
		if vmID == "" || disk.GetState() == storagev1.DiskState_DISK_STATE_DETACHING {
			return &storagev1.DetachDiskResponse{Id: r.id, State: disk.GetState()}, nil
		}
		if err := inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_IN_USE); err != nil {
			return nil, err
		}
		_, vm, ok := vms.find(v, vmID)
		if ok && disk.GetRole() == storagev1.DiskRole_DISK_ROLE_SYSTEM && vm.GetState() != computev1.VmState_VM_STATE_STOPPED {
			return nil, sdk.InvalidState(string(r.kind), r.id, nil)
		}
		r, disk = disks.edit(v, r)
		r.aux[auxDetachFrom] = vmID
		setState(disk, storagev1.DiskState_DISK_STATE_DETACHING)
		v.after(r, diskAttachDelay)
		return &storagev1.DetachDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// DeleteDisk removes a disk that is attached to nothing.
func (s *diskService) DeleteDisk(ctx context.Context, req *storagev1.DeleteDiskRequest) (*storagev1.DeleteDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.DeleteDiskResponse, error) {
		r, disk, ok := disks.find(v, req.GetId())
		if !ok {
			return &storagev1.DeleteDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_DELETED}, nil
		}
		if disk.GetState() == storagev1.DiskState_DISK_STATE_DELETING {
			return &storagev1.DeleteDiskResponse{Id: r.id, State: disk.GetState()}, nil
		}
		if err := diskFree(r, disk); err != nil {
			return nil, err
		}
		if err := inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_ERROR); err != nil {
			return nil, err
		}
		if err := snapshotsGo(v, r, req.GetDeleteSnapshots()); err != nil {
			return nil, err
		}
		r, disk = disks.edit(v, r)
		setState(disk, storagev1.DiskState_DISK_STATE_DELETING)
		v.after(r, diskDeleteDelay)
		return &storagev1.DeleteDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// UpdateDisk changes name, description, tags and what happens with the VM.
func (s *diskService) UpdateDisk(ctx context.Context, req *storagev1.UpdateDiskRequest) (*storagev1.UpdateDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.UpdateDiskResponse, error) {
		r, disk, err := disks.get(v, req.GetId())
		if err == nil {
			err = inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE,
				storagev1.DiskState_DISK_STATE_IN_USE, storagev1.DiskState_DISK_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, disk = disks.edit(v, r)
		fill(disk, req)
		return &storagev1.UpdateDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// ResizeDisk makes a disk larger, attached or not.
func (s *diskService) ResizeDisk(ctx context.Context, req *storagev1.ResizeDiskRequest) (*storagev1.ResizeDiskResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.ResizeDiskResponse, error) {
		r, disk, err := disks.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if disk.GetSizeGib() == req.GetSizeGib() {
			return &storagev1.ResizeDiskResponse{Id: r.id, State: disk.GetState()}, nil
		}
		if err := inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_IN_USE); err != nil {
			return nil, err
		}
		if req.GetSizeGib() < disk.GetSizeGib() {
			return nil, rejected("size_gib")
		}
		if err := sizeFits(v, "size_gib", disk.GetDiskTypeId(), req.GetSizeGib()); err != nil {
			return nil, err
		}
		if err := v.within(use{"storage.disk.size", req.GetSizeGib() - disk.GetSizeGib()}); err != nil {
			return nil, err
		}
		r, disk = disks.edit(v, r)
		disk.SizeGib = req.GetSizeGib()
		setState(disk, storagev1.DiskState_DISK_STATE_RESIZING)
		v.after(r, diskResizeDelay)
		return &storagev1.ResizeDiskResponse{Id: r.id, State: disk.GetState()}, nil
	})
}

// GetDisk reads one disk.
func (s *diskService) GetDisk(ctx context.Context, req *storagev1.GetDiskRequest) (*storagev1.GetDiskResponse, error) {
	return read(s.c, ctx, func(v *view) (*storagev1.GetDiskResponse, error) {
		_, disk, err := disks.get(v, req.GetId())
		return &storagev1.GetDiskResponse{Disk: disk}, err
	})
}

// ListDisks reads a page of disks.
func (s *diskService) ListDisks(ctx context.Context, req *storagev1.ListDisksRequest) (*storagev1.ListDisksResponse, error) {
	p, err := list(s.c, ctx, disks, req, nil)
	return &storagev1.ListDisksResponse{Disks: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetStorageQuota tells limits and use.
func (s *diskService) GetStorageQuota(ctx context.Context, _ *storagev1.GetStorageQuotaRequest) (*storagev1.GetStorageQuotaResponse, error) {
	return read(s.c, ctx, func(v *view) (*storagev1.GetStorageQuotaResponse, error) {
		return &storagev1.GetStorageQuotaResponse{Quotas: v.quotas("storage.")}, nil
	})
}
