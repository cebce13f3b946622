package storage

import (
	"path"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoDisk maps a Cinder volume.
func toProtoDisk(v *volumes.Volume, region string) *storagev1.Disk {
	out := &storagev1.Disk{
		Id:               v.ID,
		Name:             v.Name,
		Description:      v.Description,
		Tags:             toProtoMetadata(v.Metadata),
		State:            toProtoDiskState(v.Status),
		ProviderState:    v.Status,
		CreatedAt:        toProtoTime(v.CreatedAt),
		UpdatedAt:        toProtoTime(v.UpdatedAt),
		RegionId:         region,
		ZoneId:           v.AvailabilityZone,
		Charge:           &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		SizeGib:          int32(v.Size),
		DiskTypeId:       v.VolumeType,
		Role:             toProtoDiskRole(v),
		SourceSnapshotId: v.SnapshotID,
		SourceImageId:    v.VolumeImageMetadata["image_id"],
		Encrypted:        v.Encrypted,
		MultiAttach:      v.Multiattach,
		Movable:          true,
	}
	if out.GetState() == storagev1.DiskState_DISK_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	for _, a := range v.Attachments {
		out.Attachments = append(out.Attachments, &storagev1.DiskAttachment{
			VmId: a.ServerID, Device: a.Device, AttachedAt: toProtoTime(a.AttachedAt),
		})
	}
	if len(out.GetAttachments()) > 0 {
		out.VmId = out.GetAttachments()[0].GetVmId()
	}
	return out
}

// toProtoDiskState maps the status of a volume. Source: Block Storage API v3,
// "Volume statuses"; cinder/objects/fields.py, VolumeStatus.
func toProtoDiskState(status string) storagev1.DiskState {
	switch status {
	case "creating", "downloading", "managing":
		return storagev1.DiskState_DISK_STATE_CREATING
	case "available":
		return storagev1.DiskState_DISK_STATE_AVAILABLE
	case "attaching", "reserved":
		return storagev1.DiskState_DISK_STATE_ATTACHING
	case "in-use":
		return storagev1.DiskState_DISK_STATE_IN_USE
	case "detaching":
		return storagev1.DiskState_DISK_STATE_DETACHING
	case "extending":
		return storagev1.DiskState_DISK_STATE_RESIZING
	case "reverting", "restoring-backup":
		return storagev1.DiskState_DISK_STATE_RESTORING
	case "retyping", "uploading", "backing-up", "maintenance", "awaiting-transfer":
		return storagev1.DiskState_DISK_STATE_BUSY
	case "deleting", "unmanaging", "error_managing_deleting":
		return storagev1.DiskState_DISK_STATE_DELETING
	case "error", "error_deleting", "error_managing", "error_restoring", "error_extending", "error_backing-up":
		return storagev1.DiskState_DISK_STATE_ERROR
	default:
		return storagev1.DiskState_DISK_STATE_UNSPECIFIED
	}
}

// isChanging tells whether a disk's state passes by itself.
func isChanging(state storagev1.DiskState) bool {
	switch state {
	case storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_IN_USE, storagev1.DiskState_DISK_STATE_ERROR:
		return false
	default:
		return true
	}
}

// isDeletable tells whether Cinder deletes a volume in this status by itself;
// after the other errors an administrator must help.
func isDeletable(status string) bool {
	return slices.Contains([]string{"available", "error", "error_restoring", "error_extending", "error_managing"}, status)
}

// toProtoDiskRole tells a system disk by what it is to its VM: bootable and the
// first device.
func toProtoDiskRole(v *volumes.Volume) storagev1.DiskRole {
	if isBootable(v) {
		for _, a := range v.Attachments {
			if slices.Contains([]string{"vda", "sda", "xvda", "hda"}, path.Base(a.Device)) {
				return storagev1.DiskRole_DISK_ROLE_SYSTEM
			}
		}
	}
	return storagev1.DiskRole_DISK_ROLE_DATA
}

func isBootable(v *volumes.Volume) bool { return strings.EqualFold(v.Bootable, "true") }

// isAttached tells whether a VM has the volume.
func isAttached(v *volumes.Volume, vmID string) bool {
	return slices.ContainsFunc(v.Attachments, func(a volumes.Attachment) bool { return a.ServerID == vmID })
}

// fromProtoCreateDisk maps what a request says of a new disk, but for metadata.
// Errors: UNSUPPORTED_FEATURE, for what Cinder decides by the type.
func fromProtoCreateDisk(req *storagev1.CreateDiskRequest) (volumes.CreateOpts, error) {
	switch {
	case req.GetEncrypted():
		return volumes.CreateOpts{}, sdk.Unsupported("storage.disk.encrypt")
	case req.GetMultiAttach():
		return volumes.CreateOpts{}, sdk.Unsupported("storage.disk.multi_attach")
	case req.GetIops() != 0, req.GetThroughputMibps() != 0:
		return volumes.CreateOpts{}, sdk.Unsupported("storage.disk.performance")
	}
	return volumes.CreateOpts{
		Name:             req.GetName(),
		Description:      req.GetDescription(),
		Size:             int(req.GetSizeGib()),
		AvailabilityZone: req.GetZoneId(),
		VolumeType:       req.GetDiskTypeId(),
		SnapshotID:       req.GetSourceSnapshotId(),
		ImageID:          req.GetSourceImageId(),
	}, nil
}

// vmBlockers names the VMs that have a volume.
func vmBlockers(v *volumes.Volume) []string {
	var blockers []string
	for _, a := range v.Attachments {
		blockers = append(blockers, "compute.vm/"+a.ServerID)
	}
	return blockers
}

// keepsDisk tells whether a disk fits the filters of a request.
func keepsDisk(req *storagev1.ListDisksRequest, v *storagev1.Disk) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetZoneId() == "" || req.GetZoneId() == v.GetZoneId()) &&
		(req.GetVmId() == "" || slices.ContainsFunc(v.GetAttachments(), func(a *storagev1.DiskAttachment) bool {
			return a.GetVmId() == req.GetVmId()
		}))
}

// toProtoQuota maps one limit; -1 is no limit. What is reserved counts as used.
func toProtoQuota(name, unit string, u quotasets.QuotaUsage) *apiv1.Quota {
	used := int32(u.InUse + u.Reserved)
	q := &apiv1.Quota{Name: name, Unit: unit, Used: &used}
	if u.Limit >= 0 {
		limit := int32(u.Limit)
		q.Limit = &limit
	}
	return q
}
