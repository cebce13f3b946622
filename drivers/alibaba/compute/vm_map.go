package compute

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Keys of provider_attributes.
const (
	attributeOS      = "os_name"
	attributeMessage = "message"
)

// Statuses of instances. Source: DescribeInstances, Status.
const (
	statusPending  = "Pending"
	statusRunning  = "Running"
	statusStarting = "Starting"
	statusStopping = "Stopping"
	statusStopped  = "Stopped"
)

const (
	stopCharging = "StopCharging"
	keepCharging = "KeepCharging"
	nicPrimary   = "Primary"
)

// toProtoVM maps an instance of the account's region.
func toProtoVM(v *instance, region string) *computev1.Vm {
	vm := &computev1.Vm{
		Id:                v.InstanceID,
		Name:              v.InstanceName,
		Description:       v.Description,
		Tags:              v.Tags.ToProto(),
		State:             toProtoVMState(v.Status),
		ProviderState:     v.Status,
		CreatedAt:         kind.ToProtoTime(v.CreationTime),
		RegionId:          region,
		ZoneId:            v.ZoneID,
		Charge:            ecs.ToProtoCharge(v.InstanceChargeType, v.SpotStrategy, v.ExpiredTime),
		DeletionProtected: v.DeletionProtection,
		HostName:          v.HostName,
		ImageId:           v.ImageID,
		FlavorId:          v.InstanceType,
		Vcpus:             v.CPU,
		MemoryMib:         v.Memory,
		SecurityGroupIds:  v.SecurityGroupIDs.SecurityGroupID,
		Nics:              toProtoNICs(v),
		KeyPairId:         toKeyPairID(v.KeyPairName),
		OsType:            ecs.ToProtoOSType(v.OSType),
		StartedAt:         kind.ToProtoTime(v.StartTime),
		ReleaseAt:         kind.ToProtoTime(v.AutoReleaseTime),
		ProviderAttributes: ecs.Attributes(map[string]string{
			ecs.AttributeGroup: v.ResourceGroupID, attributeOS: v.OSName,
		}),
	}
	if vm.State == computev1.VmState_VM_STATE_STOPPED {
		vm.StopMode = computev1.StopMode_STOP_MODE_KEEP
		if v.StoppedMode == stopCharging {
			vm.StopMode = computev1.StopMode_STOP_MODE_RELEASE
		}
	}
	for _, lock := range v.OperationLocks.LockReason {
		vm.LockReasons = append(vm.LockReasons, ecs.ToProtoLock(lock.LockReason))
	}
	return vm
}

// fromProtoRelease is when an instance shall go, which the cloud takes by the minute;
// empty: never.
func fromProtoRelease(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return at.AsTime().UTC().Truncate(time.Minute).Format(time.RFC3339)
}

// toProtoVMState maps the status of an instance. A reboot shows as Starting or
// Stopping: only who asked for it knows better.
func toProtoVMState(status string) computev1.VmState {
	switch status {
	case statusPending:
		return computev1.VmState_VM_STATE_CREATING
	case statusStarting:
		return computev1.VmState_VM_STATE_STARTING
	case statusRunning:
		return computev1.VmState_VM_STATE_RUNNING
	case statusStopping:
		return computev1.VmState_VM_STATE_STOPPING
	case statusStopped:
		return computev1.VmState_VM_STATE_STOPPED
	}
	return computev1.VmState_VM_STATE_UNSPECIFIED
}

// fromProtoVMState is the status that a filter asks for; empty: the cloud has none.
func fromProtoVMState(state computev1.VmState) string {
	for _, status := range []string{statusPending, statusStarting, statusRunning, statusStopping, statusStopped} {
		if toProtoVMState(status) == state {
			return status
		}
	}
	return ""
}

// toProtoNICs maps the NICs, the primary first. Subnets of further NICs are not
// part of an instance.
func toProtoNICs(v *instance) []*computev1.VmNic {
	var nics []*computev1.VmNic
	for i := range v.NetworkInterfaces.NetworkInterface {
		n := &v.NetworkInterfaces.NetworkInterface[i]
		nic := &computev1.VmNic{NicId: n.NetworkInterfaceID, MacAddress: strings.ToLower(n.MacAddress)}
		for _, set := range n.PrivateIPSets.PrivateIPSet {
			nic.PrivateIpAddresses = append(nic.PrivateIpAddresses, set.PrivateIPAddress)
		}
		if len(nic.GetPrivateIpAddresses()) == 0 && n.PrimaryIPAddress != "" {
			nic.PrivateIpAddresses = []string{n.PrimaryIPAddress}
		}
		for _, set := range n.Ipv6Sets.Ipv6Set {
			nic.PrivateIpAddresses = append(nic.PrivateIpAddresses, set.Ipv6Address)
		}
		if n.Type != nicPrimary && len(v.NetworkInterfaces.NetworkInterface) > 1 {
			nics = append(nics, nic)
			continue
		}
		nic.NetworkId, nic.SubnetId = v.VpcAttributes.VpcID, v.VpcAttributes.VSwitchID
		nic.PublicIpAddresses = append(nic.PublicIpAddresses, v.PublicIPAddress.IPAddress...)
		if v.EipAddress.IPAddress != "" {
			nic.PublicIpAddresses = append(nic.PublicIpAddresses, v.EipAddress.IPAddress)
		}
		nics = append([]*computev1.VmNic{nic}, nics...)
	}
	return nics
}

// keepsVM tells whether a VM fits the filters of a request.
func keepsVM(req *computev1.ListVmsRequest, v *computev1.Vm) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetZoneId() == "" || req.GetZoneId() == v.GetZoneId())
}
