package compute

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Keys of provider_attributes of VMs.
const (
	attributeHost  = "host_id"
	attributePower = "power_state"
	attributeFault = "fault"
)

// Statuses of servers that the driver acts on; Nova's words
// (nova/api/openstack/common.py, _STATE_MAP).
const (
	statusActive           = "ACTIVE"
	statusShutoff          = "SHUTOFF"
	statusPaused           = "PAUSED"
	statusSuspended        = "SUSPENDED"
	statusShelved          = "SHELVED"
	statusShelvedOffloaded = "SHELVED_OFFLOADED"
	statusResize           = "RESIZE"
	statusVerifyResize     = "VERIFY_RESIZE"
	statusRevertResize     = "REVERT_RESIZE"
	statusError            = "ERROR"
	statusBuild            = "BUILD"
)

// stateOf is the state of a server: a task, where there is one, wins over the
// status, which changes only at the task's end.
func stateOf(status, task string) computev1.VmState {
	status, task = strings.ToUpper(status), strings.ToLower(task)
	switch task {
	case "deleting", "soft-deleting":
		return computev1.VmState_VM_STATE_DELETING
	}
	switch status {
	case statusBuild:
		return computev1.VmState_VM_STATE_CREATING
	case statusActive:
		return activeState(task)
	case statusShutoff:
		return shutoffState(task)
	case statusPaused, statusSuspended:
		return suspendedState(task)
	case statusShelved, statusShelvedOffloaded:
		return shelvedState(task)
	case "REBOOT", "HARD_REBOOT":
		return computev1.VmState_VM_STATE_REBOOTING
	case statusResize, statusVerifyResize, statusRevertResize:
		return computev1.VmState_VM_STATE_RESIZING
	case "REBUILD", "PASSWORD", "MIGRATING":
		return computev1.VmState_VM_STATE_UPDATING
	case "RESCUE":
		return computev1.VmState_VM_STATE_MAINTENANCE
	case "DELETED", "SOFT_DELETED":
		return computev1.VmState_VM_STATE_DELETED
	case statusError:
		return computev1.VmState_VM_STATE_ERROR
	}
	return computev1.VmState_VM_STATE_UNSPECIFIED
}

func activeState(task string) computev1.VmState {
	switch {
	case task == "powering-off", task == "pausing", task == "suspending", strings.HasPrefix(task, "shelving"):
		return computev1.VmState_VM_STATE_STOPPING
	case isRescue(task):
		return computev1.VmState_VM_STATE_UPDATING
	}
	return computev1.VmState_VM_STATE_RUNNING
}

func shutoffState(task string) computev1.VmState {
	switch {
	case task == "powering-on":
		return computev1.VmState_VM_STATE_STARTING
	case strings.HasPrefix(task, "shelving"):
		return computev1.VmState_VM_STATE_STOPPING
	case isRescue(task):
		return computev1.VmState_VM_STATE_UPDATING
	}
	return computev1.VmState_VM_STATE_STOPPED
}

func suspendedState(task string) computev1.VmState {
	switch {
	case task == "resuming", task == "unpausing":
		return computev1.VmState_VM_STATE_STARTING
	case strings.HasPrefix(task, "shelving"):
		return computev1.VmState_VM_STATE_STOPPING
	}
	return computev1.VmState_VM_STATE_SUSPENDED
}

func shelvedState(task string) computev1.VmState {
	switch {
	case task == "unshelving", task == "spawning":
		return computev1.VmState_VM_STATE_STARTING
	case strings.HasPrefix(task, "shelving"):
		return computev1.VmState_VM_STATE_STOPPING
	}
	return computev1.VmState_VM_STATE_STOPPED
}

func isRescue(task string) bool { return task == "rescuing" || task == "unrescuing" }

// isChanging tells whether a server is on its way from one state to another.
func isChanging(sv *server) bool {
	switch stateOf(sv.Status, sv.TaskState) {
	case computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED, computev1.VmState_VM_STATE_SUSPENDED,
		computev1.VmState_VM_STATE_MAINTENANCE, computev1.VmState_VM_STATE_DELETED, computev1.VmState_VM_STATE_ERROR:
		return sv.TaskState != ""
	}
	return true
}

// noHost begins the fault of a server that no host has room for
// (nova/exception.py, NoValidHost).
const noHost = "No valid host"

// stateReason is why a server is in ERROR. Only the fault tells whether there was no
// room: every build that Nova gave up is without a host.
func stateReason(sv *server) string {
	switch {
	case !strings.EqualFold(sv.Status, statusError):
		return ""
	case strings.HasPrefix(sv.Fault.Message, noHost):
		return "OUT_OF_STOCK"
	}
	return "RESOURCE_FAILED"
}

func stopModeOf(status string) computev1.StopMode {
	switch strings.ToUpper(status) {
	case statusShutoff, statusShelved:
		return computev1.StopMode_STOP_MODE_KEEP
	case statusShelvedOffloaded:
		return computev1.StopMode_STOP_MODE_RELEASE
	}
	return computev1.StopMode_STOP_MODE_UNSPECIFIED
}

// powerStates are Nova's numbers (nova/compute/power_state.py).
var powerStates = map[int]string{0: "nostate", 1: "running", 3: "paused", 4: "shutdown", 6: "crashed", 7: "suspended"}

// known is what the driver knows beside the server itself when it maps it.
type known struct {
	region   string
	flavorID string
	imageID  string
	osType   computev1.OsType
	ports    []ports.Port
	disks    bool // tell the disks: by GetVm only
}

// toVM maps a server.
func toVM(sv *server, k known) *computev1.Vm {
	vm := &computev1.Vm{
		Id:                 sv.ID,
		Name:               sv.Name,
		Description:        sv.Description,
		Tags:               userTags(sv.Metadata),
		State:              stateOf(sv.Status, sv.TaskState),
		ProviderState:      sv.Status,
		StateReason:        stateReason(sv),
		RegionId:           k.region,
		ZoneId:             sv.Zone,
		Charge:             &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		ProviderAttributes: map[string]string{},
		HostName:           sv.HostName,
		ImageId:            k.imageID,
		FlavorId:           k.flavorID,
		Vcpus:              int32(sv.Flavor.VCPUs),
		MemoryMib:          int32(sv.Flavor.RAM),
		SecurityGroupIds:   groupsOf(k.ports),
		Nics:               nicsOf(sv.Addresses, k.ports),
		KeyPairId:          sv.KeyName,
		OsType:             k.osType,
		StopMode:           stopModeOf(sv.Status),
	}
	if sv.TaskState != "" {
		vm.ProviderState += "/" + sv.TaskState
	}
	if !sv.Created.IsZero() {
		vm.CreatedAt = timestamppb.New(sv.Created)
	}
	if !sv.Updated.IsZero() {
		vm.UpdatedAt = timestamppb.New(sv.Updated)
	}
	if t, ok := parseTime(sv.LaunchedAt); ok {
		vm.StartedAt = timestamppb.New(t)
	}
	if sv.Locked {
		vm.LockReasons = []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_OPERATOR}
	}
	if sv.HostID != "" {
		vm.ProviderAttributes[attributeHost] = sv.HostID
	}
	if power, ok := powerStates[sv.PowerState]; ok {
		vm.ProviderAttributes[attributePower] = power
	}
	if fault := sv.Fault.Message; fault != "" && strings.EqualFold(sv.Status, statusError) {
		vm.ProviderAttributes[attributeFault] = fault
		vm.StateMessage = fault
	}
	if k.disks {
		for _, v := range sv.Volumes {
			vm.DiskIds = append(vm.DiskIds, v.ID)
		}
	}
	return vm
}

// userTags are the metadata of a server without the keys that are ours.
func userTags(metadata map[string]string) map[string]string {
	tags := maps.Clone(metadata)
	maps.DeleteFunc(tags, func(key, _ string) bool { return session.IsReserved(key) })
	return tags
}

// groupsOf is the union of the security groups of ports, sorted.
func groupsOf(list []ports.Port) []string {
	var groups []string
	for _, p := range list {
		groups = append(groups, p.SecurityGroups...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// nicsOf joins Nova's addresses, which know the order and the public addresses,
// with Neutron's ports, which know everything else, by MAC address.
func nicsOf(list addresses, portList []ports.Port) []*computev1.VmNic {
	position := make(map[string]int, len(portList))
	public := make(map[string][]string)
	for i, a := range list {
		mac := strings.ToLower(a.MAC)
		if _, seen := position[mac]; !seen {
			position[mac] = i
		}
		if a.Type == "floating" {
			public[mac] = append(public[mac], a.Address)
		}
	}
	ordered := slices.Clone(portList)
	slices.SortStableFunc(ordered, func(a, b ports.Port) int {
		return cmp.Compare(placeOf(position, a, len(list)), placeOf(position, b, len(list)))
	})
	nics := make([]*computev1.VmNic, 0, len(ordered))
	for _, p := range ordered {
		mac := strings.ToLower(p.MACAddress)
		nic := &computev1.VmNic{NicId: p.ID, NetworkId: p.NetworkID, MacAddress: mac, PublicIpAddresses: public[mac]}
		for _, ip := range p.FixedIPs {
			nic.SubnetId = cmp.Or(nic.SubnetId, ip.SubnetID)
			nic.PrivateIpAddresses = append(nic.PrivateIpAddresses, ip.Address)
		}
		nics = append(nics, nic)
	}
	return nics
}

// placeOf puts ports that Nova does not show yet behind those that it shows.
func placeOf(position map[string]int, p ports.Port, behind int) int {
	if i, ok := position[strings.ToLower(p.MACAddress)]; ok {
		return i
	}
	return behind
}

// osTypeOf reads the image property os_type, or for images without it, guesses
// nothing.
func osTypeOf(property string) computev1.OsType {
	switch strings.ToLower(property) {
	case "":
		return computev1.OsType_OS_TYPE_UNSPECIFIED
	case "linux":
		return computev1.OsType_OS_TYPE_LINUX
	case "windows":
		return computev1.OsType_OS_TYPE_WINDOWS
	}
	return computev1.OsType_OS_TYPE_OTHER
}
