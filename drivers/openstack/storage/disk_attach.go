package storage

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/vmaction"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Compute microversions of "delete with the VM": told and set from the first,
// changed from the second.
const (
	tellsDeleteWithVM   = 79
	changesDeleteWithVM = 85
)

// AttachDisk joins a volume to a VM.
func (d *diskServer) AttachDisk(ctx context.Context, req *storagev1.AttachDiskRequest) (*storagev1.AttachDiskResponse, error) {
	s, client, err := d.both(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(typeDisk, req.GetId()); err != nil {
		return nil, err
	}
	if err := session.ReferenceUUID(vmaction.ResourceType, req.GetVmId(), "vm_id"); err != nil {
		return nil, err
	}
	if req.GetDevice() != "" {
		return nil, sdk.Unsupported("storage.disk.device") // Nova's hypervisors choose the name themselves
	}
	if req.GetDeleteWithVm() && !session.AtLeast(s.Compute, tellsDeleteWithVM) {
		return nil, sdk.Unsupported(featureDeleteWithVM)
	}
	_, err = volumeattach.Create(ctx, s.Compute, req.GetVmId(), volumeattach.CreateOpts{
		VolumeID: req.GetId(), DeleteOnTermination: req.GetDeleteWithVm(),
	}).Extract()
	if err != nil {
		return explainAttach(ctx, s, client, req, err)
	}
	return &storagev1.AttachDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_ATTACHING}, nil
}

// explainAttach reads the volume of a refused attach. Whatever the refusal, a
// volume that the VM has is what was asked for.
func explainAttach(ctx context.Context, s *session.Session, client *gophercloud.ServiceClient, req *storagev1.AttachDiskRequest, err error) (*storagev1.AttachDiskResponse, error) {
	v, readErr := getVolume(ctx, client, req.GetId())
	if readErr != nil {
		return nil, readErr
	}
	state := toProtoDiskState(v.Status)
	attaching := state == storagev1.DiskState_DISK_STATE_ATTACHING
	switch {
	case isAttached(v, req.GetVmId()) && state != storagev1.DiskState_DISK_STATE_DETACHING, attaching && sdk.CallFrom(ctx).Repeated():
		return &storagev1.AttachDiskResponse{Id: v.ID, State: state}, nil
	case session.IsNotFound(err), state == storagev1.DiskState_DISK_STATE_AVAILABLE:
		return nil, vmaction.Refusal(ctx, s, err, req.GetVmId(), "vm_id")
	case isChanging(state):
		return nil, session.WrongState(err, typeDisk, v.ID, true)
	case state == storagev1.DiskState_DISK_STATE_IN_USE && !v.Multiattach:
		return nil, sdk.InUse(typeDisk, v.ID, err, vmBlockers(v)...)
	case state == storagev1.DiskState_DISK_STATE_IN_USE:
		return nil, vmaction.Refusal(ctx, s, err, req.GetVmId(), "vm_id")
	default:
		return nil, session.WrongState(err, typeDisk, v.ID, false)
	}
}

// DetachDisk takes a volume off a VM. Nova marks the volume as detaching before
// it answers.
func (d *diskServer) DetachDisk(ctx context.Context, req *storagev1.DetachDiskRequest) (*storagev1.DetachDiskResponse, error) {
	s, client, err := d.both(ctx)
	if err != nil {
		return nil, err
	}
	v, err := getVolume(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	state := toProtoDiskState(v.Status)
	vmID, err := detachedFrom(v, req.GetVmId())
	if err != nil {
		return nil, err
	}
	if vmID == "" || state == storagev1.DiskState_DISK_STATE_DETACHING {
		return &storagev1.DetachDiskResponse{Id: v.ID, State: state}, nil
	}
	err = volumeattach.Delete(ctx, s.Compute, vmID, v.ID).ExtractErr()
	switch {
	case err == nil, session.IsNotFound(err):
		return &storagev1.DetachDiskResponse{Id: v.ID, State: storagev1.DiskState_DISK_STATE_DETACHING}, nil
	case toProtoDiskRole(v) == storagev1.DiskRole_DISK_ROLE_SYSTEM:
		return nil, session.WrongState(err, typeDisk, v.ID, false)
	case isChanging(state):
		return nil, session.WrongState(err, typeDisk, v.ID, true)
	default:
		return nil, vmaction.Refusal(ctx, s, err, vmID, "vm_id")
	}
}

// detachedFrom is the VM to take a volume off; empty: it does not have it. A
// request that names none means the only one. Errors: PARAMETER_REJECTED where
// there are several.
func detachedFrom(v *volumes.Volume, asked string) (string, error) {
	switch {
	case asked != "" && isAttached(v, asked):
		return asked, nil
	case asked != "" || len(v.Attachments) == 0:
		return "", nil
	case len(v.Attachments) > 1:
		return "", sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("vm_id"),
			sdk.Violation("vm_id", "must be given, as several VMs have the disk"))
	default:
		return v.Attachments[0].ServerID, nil
	}
}

// attachment is what Nova tells of a volume of a VM.
type attachment struct {
	DeleteOnTermination bool `json:"delete_on_termination"`
}

// deletedWithVM tells whether a volume goes with its VM; false where Nova does
// not tell, and for a volume that no VM has.
func deletedWithVM(ctx context.Context, s *session.Session, vmID, id string) (bool, error) {
	if vmID == "" || !session.IsUUID(vmID) || !session.AtLeast(s.Compute, tellsDeleteWithVM) {
		return false, nil
	}
	var body struct {
		Attachment attachment `json:"volumeAttachment"`
	}
	_, err := s.Compute.Get(ctx, attachmentURL(s, vmID, id), &body, nil)
	if session.IsNotFound(err) {
		return false, nil
	}
	return body.Attachment.DeleteOnTermination, session.Error(err, typeDisk, id)
}

// setDeleteWithVM says whether a volume goes with the VM that has it.
func setDeleteWithVM(ctx context.Context, s *session.Session, v *volumes.Volume, value bool) error {
	switch {
	case !session.AtLeast(s.Compute, changesDeleteWithVM):
		return sdk.Unsupported(featureDeleteWithVM)
	case len(v.Attachments) == 0:
		return sdk.InvalidState(typeDisk, v.ID, nil)
	}
	vmID := v.Attachments[0].ServerID
	body := map[string]any{"volumeAttachment": map[string]any{"volumeId": v.ID, "delete_on_termination": value}}
	_, err := s.Compute.Put(ctx, attachmentURL(s, vmID, v.ID), body, nil, &gophercloud.RequestOpts{OkCodes: []int{202}})
	if err != nil {
		return vmaction.Refusal(ctx, s, err, vmID, "vm_id")
	}
	return nil
}

func attachmentURL(s *session.Session, vmID, id string) string {
	return s.Compute.ServiceURL("servers", vmID, "os-volume_attachments", id)
}

// both is cinder for calls that need Nova too.
func (b base) both(ctx context.Context) (*session.Session, *gophercloud.ServiceClient, error) {
	s, client, err := b.cinder(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s, client, session.Require(s.Compute)
}
