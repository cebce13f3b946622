package memcloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// CreateVm makes a VM with its NICs and disks; all or nothing. With the knob
// stepwise_vms it makes one thing with each call: see vmStep.
func (s *vmService) CreateVm(ctx context.Context, req *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	call := sdk.CallFrom(ctx)
	stepwise := call.NextStep != "" || s.c.knobs.Load().StepwiseVMs
	answer, err := write(s.c, ctx, func(v *view) (*computev1.CreateVmResponse, error) {
		switch {
		case call.Undo:
			return undoVM(v, call)
		case call.NextStep != "":
			return continueVM(v, req, call)
		}
		image, flavor, err := vmParts(v, req)
		if err != nil {
			return nil, err
		}
		r, vm := addVM(v, req, image, flavor)
		if stepwise {
			r.aux[auxStepsDone] = "0"
			return &computev1.CreateVmResponse{Id: r.id, State: vm.GetState()}, nil
		}
		for _, step := range vmSteps(req, image) {
			if err := step.do(v, r); err != nil {
				return nil, err
			}
		}
		return &computev1.CreateVmResponse{Id: r.id, State: vm.GetState()}, nil
	})
	if err == nil && stepwise {
		err = s.tellNextStep(ctx, req, answer.GetId())
	}
	return answer, err
}

// addVM makes the VM itself, which nothing starts yet.
func addVM(v *view, req *computev1.CreateVmRequest, image *storagev1.Image, flavor *computev1.Flavor) (*record, *computev1.Vm) {
	vm := &computev1.Vm{}
	fill(vm, req)
	vm.SecurityGroupIds = nil
	vm.Charge = chargeOrPostpaid(req.GetCharge())
	vm.Vcpus, vm.MemoryMib = flavor.GetVcpus(), flavor.GetMemoryMib()
	vm.OsType = image.GetOsType()
	vm.StopMode = computev1.StopMode_STOP_MODE_KEEP
	if vm.GetZoneId() == "" {
		vm.ZoneId = defaultZone
	}
	if vm.GetHostName() == "" {
		vm.HostName = hostName(vm.GetName())
	}
	setState(vm, computev1.VmState_VM_STATE_CREATING)
	return vms.add(v, vm)
}

// vmParts checks everything that a new VM refers to, and the quotas.
func vmParts(v *view, req *computev1.CreateVmRequest) (*storagev1.Image, *computev1.Flavor, error) {
	ir, image, err := images.ref(v, "image_id", req.GetImageId())
	if err != nil {
		return nil, nil, err
	}
	if err := refInState("image_id", ir, image.GetState(), storagev1.ImageState_IMAGE_STATE_AVAILABLE); err != nil {
		return nil, nil, err
	}
	_, flavor, err := flavors.ref(v, "flavor_id", req.GetFlavorId())
	if err != nil {
		return nil, nil, err
	}
	if !flavor.GetSellable() {
		return nil, nil, sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Field("flavor_id"))
	}
	if flavor.GetMemoryMib() < image.GetMinMemoryMib() {
		return nil, nil, mismatch("flavor_id")
	}
	if err := groupRefs(v, "security_group_ids", req.GetSecurityGroupIds()); err != nil {
		return nil, nil, err
	}
	if req.GetKeyPairId() != "" {
		if _, _, err := keyPairs.ref(v, "key_pair_id", req.GetKeyPairId()); err != nil {
			return nil, nil, err
		}
	}
	if err := zoneKnown(v, req.GetZoneId()); err != nil {
		return nil, nil, err
	}
	return image, flavor, v.within(
		use{"compute.vm.count", 1},
		use{"compute.vm.vcpus", flavor.GetVcpus()},
		use{"compute.vm.memory", flavor.GetMemoryMib()},
	)
}

func zoneKnown(v *view, id string) error {
	if id == "" {
		return nil
	}
	if _, _, ok := zones.find(v, id); !ok {
		return rejected("zone_id")
	}
	return nil
}

// addVMNIC gives a new VM the NIC that stands at an index of its request.
func addVMNIC(v *view, vm *computev1.Vm, req *computev1.CreateVmRequest, i int) error {
	spec, at := req.GetNics()[i], fmt.Sprintf("nics[%d].", i)
	var nr *record
	var nic *networkv1.Nic
	var err error
	if spec.GetNicId() != "" {
		nr, nic, err = takeNIC(v, at+"nic_id", spec.GetNicId())
	} else {
		nr, nic, err = makeNIC(v, nicSpec{
			subnetField: at + "subnet_id",
			subnetID:    spec.GetSubnetId(),
			ipField:     at + "private_ip_address",
			ip:          spec.GetPrivateIpAddress(),
			groups:      req.GetSecurityGroupIds(),
		})
	}
	if err != nil {
		return err
	}
	if spec.GetNicId() == "" {
		nr.aux[auxMadeByVM] = "1"
		nic.Name = vm.GetName()
	}
	joinNIC(nic, vm.GetId(), i == 0)
	vm.Nics = append(vm.Nics, showNIC(v, nic))
	return nil
}

// addBootDisk gives a new VM the disk that it starts from.
func addBootDisk(v *view, vm *computev1.Vm, image *storagev1.Image, boot *computev1.BootDisk) error {
	size := max(boot.GetSizeGib(), 1)
	if boot.GetSizeGib() == 0 {
		size = max(image.GetMinDiskGib(), 1)
	}
	if size < image.GetMinDiskGib() {
		return rejected("boot_disk.size_gib")
	}
	return addVMDisk(v, vm, newDisk{
		field:        "boot_disk.",
		size:         size,
		typeID:       boot.GetDiskTypeId(),
		imageID:      image.GetId(),
		role:         storagev1.DiskRole_DISK_ROLE_SYSTEM,
		deleteWithVM: boot.DeleteWithVm == nil || boot.GetDeleteWithVm(),
	})
}

// addDataDisk gives a new VM the data disk that stands at an index of its request.
func addDataDisk(v *view, vm *computev1.Vm, data *computev1.DataDisk, i int) error {
	return addVMDisk(v, vm, newDisk{
		field:        fmt.Sprintf("data_disks[%d].", i),
		size:         data.GetSizeGib(),
		typeID:       data.GetDiskTypeId(),
		snapshotID:   data.GetSnapshotId(),
		role:         storagev1.DiskRole_DISK_ROLE_DATA,
		deleteWithVM: data.GetDeleteWithVm(),
	})
}

func addVMDisk(v *view, vm *computev1.Vm, spec newDisk) error {
	spec.name = vm.GetName()
	spec.zoneID = vm.GetZoneId()
	r, disk, err := makeDisk(v, spec)
	if err != nil {
		return err
	}
	disk.DeleteWithVm = spec.deleteWithVM
	joinDisk(v, disk, vm, "")
	setState(disk, storagev1.DiskState_DISK_STATE_IN_USE)
	r.fate = ""
	vm.DiskIds = append(vm.DiskIds, r.id)
	return nil
}

// hostName derives a host name from a VM's name: lower case letters, digits and
// hyphens, "vm" where nothing is left.
func hostName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r == '-', r == '_', r == '.':
			return '-'
		default:
			return -1
		}
	}, name)
	if clean = strings.Trim(clean, "-"); clean == "" {
		return "vm"
	}
	return clean
}
