package storage

import (
	"slices"
	"strings"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/disktype"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// disk is an item of DescribeDisks, as far as the driver reads it.
type disk struct {
	DiskID               string `json:"DiskId"`
	DiskName             string
	Description          string
	Status               string
	Type                 string
	Category             string
	PerformanceLevel     string
	Size                 int32
	ZoneID               string `json:"ZoneId"`
	RegionID             string `json:"RegionId"`
	ResourceGroupID      string `json:"ResourceGroupId"`
	CreationTime         string
	DiskChargeType       string
	ExpiredTime          string
	SourceSnapshotID     string `json:"SourceSnapshotId"`
	ImageID              string `json:"ImageId"`
	Encrypted            bool
	Portable             bool
	DeleteWithInstance   bool
	MultiAttach          string
	IOPS                 int32
	Throughput           int32
	AutoSnapshotPolicyID string `json:"AutoSnapshotPolicyId"`
	InstanceID           string `json:"InstanceId"`
	Device               string
	AttachedTime         string
	Tags                 tags.List
	Attachments          struct{ Attachment []attachment }
	OperationLocks       struct {
		OperationLock []struct{ LockReason string }
	}
}

type attachment struct {
	InstanceID   string `json:"InstanceId"`
	Device       string
	AttachedTime string
}

// Statuses of disks. Source: DescribeDisks, Status.
const (
	diskInUse     = "In_use"
	diskAvailable = "Available"
	diskAttaching = "Attaching"
	diskDetaching = "Detaching"
	diskCreating  = "Creating"
	diskRestoring = "ReIniting"
)

const (
	typeSystem     = "system"
	multiAttachOn  = "Enabled"
	localCategory  = "local_"
	maxDiskIDs     = 100
	minTokenedPage = 10
)

func disks() kind.Kind[disk] {
	return kind.Kind[disk]{
		Type: typeDisk, Product: api.ECS, Action: "DescribeDisks", Items: "Disks.Disk", IDs: "DiskIds",
		Style: kind.JSONIDs, MaxIDs: maxDiskIDs, Paging: kind.Tokens, MaxPage: 500, MinPage: minTokenedPage,
		ID: func(v *disk) string { return v.DiskID }, Group: func(v *disk) string { return v.ResourceGroupID },
	}
}

// attachedTo are the attachments of a disk: newer answers list them, older ones
// have one beside the disk.
func (v *disk) attachedTo() []attachment {
	if len(v.Attachments.Attachment) > 0 || v.InstanceID == "" {
		return v.Attachments.Attachment
	}
	return []attachment{{InstanceID: v.InstanceID, Device: v.Device, AttachedTime: v.AttachedTime}}
}

func (v *disk) isAttachedTo(instanceID string) bool {
	return slices.ContainsFunc(v.attachedTo(), func(a attachment) bool { return a.InstanceID == instanceID })
}

// toProtoDisk maps a disk of the account's region.
func toProtoDisk(v *disk, region string) *storagev1.Disk {
	d := &storagev1.Disk{
		Id:                 v.DiskID,
		Name:               v.DiskName,
		Description:        v.Description,
		Tags:               v.Tags.ToProto(),
		State:              toProtoDiskState(v.Status),
		ProviderState:      v.Status,
		CreatedAt:          kind.ToProtoTime(v.CreationTime),
		RegionId:           region,
		ZoneId:             v.ZoneID,
		Charge:             ecs.ToProtoCharge(v.DiskChargeType, "", v.ExpiredTime),
		SizeGib:            v.Size,
		DiskTypeId:         disktype.ToProto(v.Category, v.PerformanceLevel),
		Role:               toProtoRole(v.Type),
		SourceSnapshotId:   v.SourceSnapshotID,
		SourceImageId:      v.ImageID,
		Encrypted:          v.Encrypted,
		MultiAttach:        v.MultiAttach == multiAttachOn,
		DeleteWithVm:       v.DeleteWithInstance,
		Iops:               v.IOPS,
		ThroughputMibps:    v.Throughput,
		Movable:            v.Portable && !strings.HasPrefix(v.Category, localCategory),
		NativePolicyId:     v.AutoSnapshotPolicyID,
		ProviderAttributes: ecs.Attributes(map[string]string{ecs.AttributeGroup: v.ResourceGroupID}),
	}
	for _, a := range v.attachedTo() {
		d.Attachments = append(d.Attachments, &storagev1.DiskAttachment{
			VmId: a.InstanceID, Device: a.Device, AttachedAt: kind.ToProtoTime(a.AttachedTime),
		})
	}
	if len(d.GetAttachments()) > 0 {
		d.VmId = d.GetAttachments()[0].GetVmId()
	}
	for _, lock := range v.OperationLocks.OperationLock {
		d.LockReasons = append(d.LockReasons, ecs.ToProtoLock(lock.LockReason))
	}
	return d
}

// toProtoDiskState maps the status of a disk. A disk that is being made bigger
// shows nothing.
func toProtoDiskState(status string) storagev1.DiskState {
	switch status {
	case diskCreating:
		return storagev1.DiskState_DISK_STATE_CREATING
	case diskAvailable:
		return storagev1.DiskState_DISK_STATE_AVAILABLE
	case diskAttaching:
		return storagev1.DiskState_DISK_STATE_ATTACHING
	case diskInUse:
		return storagev1.DiskState_DISK_STATE_IN_USE
	case diskDetaching:
		return storagev1.DiskState_DISK_STATE_DETACHING
	case diskRestoring:
		return storagev1.DiskState_DISK_STATE_RESTORING
	}
	return storagev1.DiskState_DISK_STATE_UNSPECIFIED
}

// fromProtoDiskState is the status that a filter asks for; empty: the cloud has none.
func fromProtoDiskState(state storagev1.DiskState) string {
	for _, status := range []string{diskCreating, diskAvailable, diskAttaching, diskInUse, diskDetaching, diskRestoring} {
		if toProtoDiskState(status) == state {
			return status
		}
	}
	return ""
}

func toProtoRole(diskType string) storagev1.DiskRole {
	switch diskType {
	case typeSystem:
		return storagev1.DiskRole_DISK_ROLE_SYSTEM
	case "data":
		return storagev1.DiskRole_DISK_ROLE_DATA
	}
	return storagev1.DiskRole_DISK_ROLE_UNSPECIFIED
}

// keepsDisk tells whether a disk fits the filters of a request.
func keepsDisk(req *storagev1.ListDisksRequest, v *storagev1.Disk) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetZoneId() == "" || req.GetZoneId() == v.GetZoneId()) &&
		(req.GetVmId() == "" || slices.ContainsFunc(v.GetAttachments(), func(a *storagev1.DiskAttachment) bool { return a.GetVmId() == req.GetVmId() }))
}
