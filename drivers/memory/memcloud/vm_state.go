package memcloud

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// How long a VM's moves take at scale 1.
const (
	vmCreateDelay = 3 * time.Second
	vmDeleteDelay = time.Second
	vmStartDelay  = time.Second
	vmStopDelay   = time.Second
	vmRebootDelay = 2 * time.Second
	vmResizeDelay = 2 * time.Second
)

// settleVm ends a VM's move, or the VM itself when its time has come.
func settleVm(v *view, r *record) {
	r, vm := vms.edit(v, r)
	if at := vm.GetReleaseAt(); isSettledVM(vm) && at != nil && !at.AsTime().After(v.now) {
		removeVM(v, r, vm)
		refreshAntivirus(v, r.id)
		return
	}
	switch vm.GetState() {
	case computev1.VmState_VM_STATE_CREATING, computev1.VmState_VM_STATE_STARTING, computev1.VmState_VM_STATE_REBOOTING:
		settleTo(r, computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_ERROR)
		if vm.GetState() == computev1.VmState_VM_STATE_RUNNING {
			vm.StartedAt = timestamppb.New(v.now)
		}
		linkNICs(v, vm)
	case computev1.VmState_VM_STATE_STOPPING:
		setState(vm, computev1.VmState_VM_STATE_STOPPED)
		linkNICs(v, vm)
	case computev1.VmState_VM_STATE_RESIZING:
		settleResize(v, r, vm)
	case computev1.VmState_VM_STATE_DELETING:
		removeVM(v, r, vm)
		refreshAntivirus(v, r.id)
		return
	}
	releaseLater(r, vm)
	refreshAntivirus(v, r.id)
}

// isSettledVM tells whether a VM stays as it is until somebody acts.
func isSettledVM(vm *computev1.Vm) bool {
	switch vm.GetState() {
	case computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED, computev1.VmState_VM_STATE_SUSPENDED, computev1.VmState_VM_STATE_ERROR:
		return true
	}
	return false
}

// releaseLater makes a VM that does not move go at its time, if it has one. A move
// that is under way comes first; its end calls this again.
func releaseLater(r *record, vm *computev1.Vm) {
	if !isSettledVM(vm) {
		return
	}
	r.due = time.Time{}
	if vm.GetReleaseAt() != nil {
		r.due = vm.GetReleaseAt().AsTime()
	}
}

// removeVM removes a VM with what the cloud made for it. Disks with snapshots
// stay, whatever was asked: a snapshot never loses its disk silently.
func removeVM(v *view, r *record, vm *computev1.Vm) {
	for _, of := range vm.GetNics() {
		nr, _, ok := nics.find(v, of.GetNicId())
		switch {
		case !ok:
		case nr.aux[auxMadeByVM] != "":
			removeNIC(v, nr)
		default:
			freeNIC(v, nr)
		}
	}
	for _, id := range vm.GetDiskIds() {
		dr, disk, ok := disks.find(v, id)
		if !ok {
			continue
		}
		if disk.GetDeleteWithVm() && len(snapshotsOf(v, id)) == 0 {
			v.remove(dr.key)
			continue
		}
		freeDisk(v, dr, r.id)
	}
	v.remove(r.key)
}

// refreshVM derives from NICs, public IPs and disks what a VM shows of them.
func refreshVM(v *view, id string) {
	r, _, ok := vms.find(v, id)
	if !ok {
		return
	}
	_, vm := vms.edit(v, r)
	shown := vm.Nics[:0:0]
	var groupIDs []string
	for _, of := range vm.GetNics() {
		_, nic, ok := nics.find(v, of.GetNicId())
		if !ok || nic.GetVmId() != id {
			continue
		}
		shown = append(shown, showNIC(v, nic))
		for _, g := range nic.GetSecurityGroupIds() {
			if !slices.Contains(groupIDs, g) {
				groupIDs = append(groupIDs, g)
			}
		}
	}
	vm.Nics = shown
	vm.SecurityGroupIds = groupIDs
}
