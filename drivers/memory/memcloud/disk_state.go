package memcloud

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// How long a disk's moves take at scale 1.
const (
	diskCreateDelay  = time.Second
	diskAttachDelay  = time.Second / 2
	diskDeleteDelay  = time.Second / 2
	diskResizeDelay  = time.Second
	diskRestoreDelay = 2 * time.Second
)

const auxDetachFrom = "detach_from" // the VM that a DETACHING disk leaves

// newDisk says what disk to make.
type newDisk struct {
	field        string // prefix of the request's fields in errors
	name         string
	size         int32 // GiB; 0: as the snapshot
	typeID       string
	snapshotID   string
	imageID      string
	role         storagev1.DiskRole
	zoneID       string
	deleteWithVM bool
}

// makeDisk adds a disk in CREATING, without a due time.
func makeDisk(v *view, spec newDisk) (*record, *storagev1.Disk, error) {
	disk := &storagev1.Disk{
		Name:       spec.name,
		SizeGib:    spec.size,
		DiskTypeId: spec.typeID,
		Role:       spec.role,
		ZoneId:     spec.zoneID,
		Movable:    true,
		Charge:     chargeOrPostpaid(nil),
	}
	if disk.ZoneId == "" {
		disk.ZoneId = defaultZone
	}
	if disk.DiskTypeId == "" {
		disk.DiskTypeId = defaultDiskType
	}
	if err := diskSource(v, disk, spec); err != nil {
		return nil, nil, err
	}
	if _, _, err := diskTypes.ref(v, spec.field+"disk_type_id", disk.GetDiskTypeId()); err != nil {
		return nil, nil, err
	}
	if err := sizeFits(v, spec.field+"size_gib", disk.GetDiskTypeId(), disk.GetSizeGib()); err != nil {
		return nil, nil, err
	}
	if err := v.within(use{"storage.disk.count", 1}, use{"storage.disk.size", disk.GetSizeGib()}); err != nil {
		return nil, nil, err
	}
	setState(disk, storagev1.DiskState_DISK_STATE_CREATING)
	r, disk := disks.add(v, disk)
	return r, disk, nil
}

func diskSource(v *view, disk *storagev1.Disk, spec newDisk) error {
	if spec.snapshotID != "" {
		r, snapshot, err := snapshots.ref(v, spec.field+"source_snapshot_id", spec.snapshotID)
		if err == nil {
			err = refInState(spec.field+"source_snapshot_id", r, snapshot.GetState(), storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE)
		}
		if err != nil {
			return err
		}
		if disk.SizeGib == 0 {
			disk.SizeGib = snapshot.GetSizeGib()
		}
		if disk.SizeGib < snapshot.GetSizeGib() {
			return rejected(spec.field + "size_gib")
		}
		disk.SourceSnapshotId = r.id
	}
	if spec.imageID != "" {
		r, image, err := images.ref(v, spec.field+"source_image_id", spec.imageID)
		if err == nil {
			err = refInState(spec.field+"source_image_id", r, image.GetState(), storagev1.ImageState_IMAGE_STATE_AVAILABLE)
		}
		if err != nil {
			return err
		}
		if disk.SizeGib < image.GetMinDiskGib() {
			return rejected(spec.field + "size_gib")
		}
		disk.SourceImageId = r.id
	}
	return nil
}

func sizeFits(v *view, field, typeID string, size int32) error {
	_, diskType, ok := diskTypes.find(v, typeID)
	if ok && (size < diskType.GetMinSizeGib() || size > diskType.GetMaxSizeGib()) {
		return rejected(field)
	}
	return nil
}

// settleDisk ends a disk's move.
func settleDisk(v *view, r *record) {
	_, disk := disks.edit(v, r)
	switch disk.GetState() {
	case storagev1.DiskState_DISK_STATE_CREATING:
		settleTo(r, storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_ERROR)
	case storagev1.DiskState_DISK_STATE_DETACHING:
		vmID := r.aux[auxDetachFrom]
		delete(r.aux, auxDetachFrom)
		leaveVM(v, vmID, r.id)
		freeDisk(v, r, vmID)
	case storagev1.DiskState_DISK_STATE_DELETING:
		v.remove(r.key)
	default:
		setDiskRest(disk)
	}
}

// setDiskRest sets the state that a disk has when nothing happens to it.
func setDiskRest(disk *storagev1.Disk) {
	if len(disk.GetAttachments()) > 0 {
		setState(disk, storagev1.DiskState_DISK_STATE_IN_USE)
		return
	}
	setState(disk, storagev1.DiskState_DISK_STATE_AVAILABLE)
}

func attachmentOf(disk *storagev1.Disk, vmID string) int {
	return slices.IndexFunc(disk.GetAttachments(), func(a *storagev1.DiskAttachment) bool { return a.GetVmId() == vmID })
}

// attachable refuses a disk that cannot be given to one more VM.
func attachable(r *record, disk *storagev1.Disk) error {
	if disk.GetMultiAttach() {
		return inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE, storagev1.DiskState_DISK_STATE_IN_USE)
	}
	if err := diskFree(r, disk); err != nil {
		return err
	}
	return inState(r, disk.GetState(), storagev1.DiskState_DISK_STATE_AVAILABLE)
}

// diskFree refuses a disk that a VM has.
func diskFree(r *record, disk *storagev1.Disk) error {
	if len(disk.GetAttachments()) == 0 {
		return nil
	}
	blockers := make([]string, 0, len(disk.GetAttachments()))
	for _, a := range disk.GetAttachments() {
		blockers = append(blockers, vms.blocker(a.GetVmId()))
	}
	return sdk.InUse(string(r.kind), r.id, nil, blockers...)
}

// detachFrom finds which VM a disk shall leave; empty: none has it.
func detachFrom(disk *storagev1.Disk, wanted string) (string, error) {
	attachments := disk.GetAttachments()
	switch {
	case len(attachments) == 0:
		return "", nil
	case wanted == "" && len(attachments) > 1:
		return "", rejected("vm_id")
	case wanted == "":
		return attachments[0].GetVmId(), nil
	case attachmentOf(disk, wanted) < 0 && disk.GetMultiAttach():
		return "", nil
	case attachmentOf(disk, wanted) < 0:
		return "", mismatch("vm_id")
	default:
		return wanted, nil
	}
}

func joinDisk(v *view, disk *storagev1.Disk, vm *computev1.Vm, device string) {
	if device == "" {
		device = fmt.Sprintf("/dev/vd%c", 'a'+rune(len(vm.GetDiskIds())%26))
	}
	disk.Attachments = append(disk.Attachments, &storagev1.DiskAttachment{
		VmId:       vm.GetId(),
		Device:     device,
		AttachedAt: timestamppb.New(v.now),
	})
	disk.VmId = disk.Attachments[0].GetVmId()
}

// freeDisk takes a VM off a disk's attachments.
func freeDisk(v *view, r *record, vmID string) {
	r, disk := disks.edit(v, r)
	disk.Attachments = slices.DeleteFunc(disk.Attachments, func(a *storagev1.DiskAttachment) bool { return a.GetVmId() == vmID })
	disk.VmId = ""
	if len(disk.Attachments) > 0 {
		disk.VmId = disk.Attachments[0].GetVmId()
	}
	r.due = time.Time{}
	setDiskRest(disk)
}

// leaveVM takes a disk off a VM's list.
func leaveVM(v *view, vmID, diskID string) {
	r, _, ok := vms.find(v, vmID)
	if !ok {
		return
	}
	_, vm := vms.edit(v, r)
	vm.DiskIds = slices.DeleteFunc(vm.DiskIds, func(id string) bool { return id == diskID })
}

// snapshotsGo refuses to lose a disk's snapshots, or begins to remove them.
func snapshotsGo(v *view, r *record, remove bool) error {
	ids := snapshotsOf(v, r.id)
	if len(ids) == 0 {
		return nil
	}
	blockers := make([]string, 0, len(ids))
	for _, id := range ids {
		blockers = append(blockers, snapshots.blocker(id))
	}
	if !remove {
		return sdk.InUse(string(r.kind), r.id, nil, blockers...)
	}
	for _, id := range ids {
		sr, snapshot, _ := snapshots.find(v, id)
		if used := imagesOf(v, id); len(used) > 0 {
			return sdk.InUse(string(snapshots.kind), id, nil, used...)
		}
		if snapshot.GetState() == storagev1.SnapshotState_SNAPSHOT_STATE_CREATING {
			return sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(string(snapshots.kind), id))
		}
		deleteSnapshot(v, sr)
	}
	return nil
}
