package storage

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AttachDisk attaches a disk: one call. The action takes no token; after a refusal
// the disk itself tells what there is.
func (d *Disks) AttachDisk(ctx context.Context, req *storagev1.AttachDiskRequest) (*storagev1.AttachDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetDevice() != "" {
		return nil, unsupported("storage.disk.device", "device")
	}
	params := api.Params{}.Set("DiskId", req.GetId()).Set("InstanceId", req.GetVmId())
	if req.DeleteWithVm != nil {
		params.Bool("DeleteWithInstance", req.GetDeleteWithVm())
	}
	resp := &storagev1.AttachDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_ATTACHING}
	err = s.Call(ctx, api.ECS, "AttachDisk", params, nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return resp, nil
	case !api.IsWrongState(err) && api.Reason(err) != apiv1.Reason_REASON_IN_USE:
		return nil, api.Error(err, typeDisk, req.GetId())
	}
	found, readErr := disks().Get(ctx, s, req.GetId())
	switch {
	case readErr != nil:
		return nil, readErr
	case found.isAttachedTo(req.GetVmId()):
		resp.State = toProtoDiskState(found.Status)
		return resp, nil
	case len(found.attachedTo()) > 0 && found.MultiAttach != multiAttachOn:
		return nil, sdk.InUse(typeDisk, req.GetId(), err, typeVM+"/"+found.attachedTo()[0].InstanceID)
	case found.Status == diskAvailable:
		// It is the VM whose state the cloud refuses.
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeVM, req.GetVmId(), sdk.Field("vm_id"))
	}
	return nil, api.WrongState(err, typeDisk, req.GetId(), changing(found))
}

// DetachDisk takes a disk off its VM: one call, and one that finds the VM where the
// request does not name it.
func (d *Disks) DetachDisk(ctx context.Context, req *storagev1.DetachDiskRequest) (*storagev1.DetachDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.DetachDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_DETACHING}
	vmID := req.GetVmId()
	if vmID == "" {
		found, err := disks().Get(ctx, s, req.GetId())
		if err != nil {
			return nil, err
		}
		switch attached := found.attachedTo(); {
		case len(attached) == 0:
			resp.State = toProtoDiskState(found.Status)
			return resp, nil
		case len(attached) > 1:
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("vm_id"), sdk.Violation("vm_id", "the disk is attached to several VMs"))
		default:
			vmID = attached[0].InstanceID
		}
	}
	err = s.Call(ctx, api.ECS, "DetachDisk", api.Params{}.Set("DiskId", req.GetId()).Set("InstanceId", vmID), nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return resp, nil
	case !api.IsWrongState(err) && !api.HasCode(err, "InvalidDisk.AlreadyDetached", "DependencyViolation.*"):
		return nil, api.Error(err, typeDisk, req.GetId())
	}
	found, readErr := disks().Get(ctx, s, req.GetId())
	switch {
	case readErr != nil:
		return nil, readErr
	case !found.isAttachedTo(vmID), found.Status == diskDetaching:
		resp.State = toProtoDiskState(found.Status)
		return resp, nil
	}
	return nil, api.WrongState(err, typeDisk, req.GetId(), changing(found))
}

// Types of a resize.
const (
	resizeOnline  = "online"
	resizeOffline = "offline"
)

// ResizeDisk makes a disk bigger: a call that reads and one that changes. The size
// is changed at once. A category that cannot be resized online takes effect at the
// VM's next restart.
func (d *Disks) ResizeDisk(ctx context.Context, req *storagev1.ResizeDiskRequest) (*storagev1.ResizeDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := disks().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ResizeDiskResponse{Id: req.GetId(), State: toProtoDiskState(found.Status)}
	switch {
	case found.Size == req.GetSizeGib():
		return resp, nil
	case found.Size > req.GetSizeGib():
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Resource(typeDisk, req.GetId()), sdk.Field("size_gib"),
			sdk.Violation("size_gib", "a disk cannot be made smaller"))
	}
	how := resizeOffline
	if len(found.attachedTo()) > 0 && resizesOnline(found.Category) {
		how = resizeOnline
	}
	params := api.Params{}.Set("DiskId", req.GetId()).Int("NewSize", req.GetSizeGib()).Set("Type", how).Once(ctx, "")
	if err := s.Call(ctx, api.ECS, "ResizeDisk", params, nil); err != nil {
		return nil, disks().Refusal(ctx, s, err, req.GetId(), changing)
	}
	resp.RestartRequired = how == resizeOffline && found.Status == diskInUse
	return resp, nil
}

// resizesOnline tells whether disks of a category grow under a running VM. Source:
// ResizeDisk, Type.
func resizesOnline(category string) bool {
	switch category {
	case "cloud_efficiency", "cloud_ssd", "cloud_essd", "cloud_auto", "cloud_essd_entry", "elastic_ephemeral_disk_standard", "elastic_ephemeral_disk_premium":
		return true
	}
	return false
}
