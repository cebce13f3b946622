package network

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// toProtoNIC maps a network interface.
func toProtoNIC(v *networkInterface, region string) *networkv1.Nic {
	out := &networkv1.Nic{
		Id:                  v.NetworkInterfaceID,
		Name:                v.NetworkInterfaceName,
		Description:         noWords(v.Description),
		Tags:                v.Tags.ToProto(),
		State:               toProtoNICState(v.Status),
		ProviderState:       v.Status,
		CreatedAt:           kind.ToProtoTime(v.CreationTime),
		RegionId:            region,
		ZoneId:              v.ZoneID,
		SubnetId:            v.VSwitchID,
		NetworkId:           v.VpcID,
		MacAddress:          strings.ToLower(v.MacAddress),
		DeviceId:            v.InstanceID,
		DeviceKind:          toProtoDeviceKind(v),
		VmId:                vmOf(v),
		Primary:             isPrimary(v),
		LinkState:           networkv1.NicLink_NIC_LINK_DOWN,
		SecurityGroupIds:    v.SecurityGroupIDs.SecurityGroupID,
		PortSecurityEnabled: true,
		PublicIpId:          v.AssociatedPublicIP.AllocationID,
	}
	if out.GetState() == networkv1.NicState_NIC_STATE_IN_USE {
		out.LinkState = networkv1.NicLink_NIC_LINK_UP
	}
	for _, ip := range v.PrivateIPSets.PrivateIPSet {
		if ip.Primary {
			out.IpAddresses = append([]string{ip.PrivateIPAddress}, out.IpAddresses...)
		} else {
			out.IpAddresses = append(out.IpAddresses, ip.PrivateIPAddress)
		}
	}
	if len(out.IpAddresses) == 0 && v.PrivateIPAddress != "" {
		out.IpAddresses = []string{v.PrivateIPAddress}
	}
	for _, ip := range v.Ipv6Sets.Ipv6Set {
		out.IpAddresses = append(out.IpAddresses, ip.Ipv6Address)
	}
	return out
}

// toProtoNICState maps the status of a network interface. Source:
// DescribeNetworkInterfaces, Status.
func toProtoNICState(status string) networkv1.NicState {
	switch strings.ToLower(status) {
	case "creating", "createing", "pending":
		return networkv1.NicState_NIC_STATE_CREATING
	case "available":
		return networkv1.NicState_NIC_STATE_AVAILABLE
	case "attaching", "linking":
		return networkv1.NicState_NIC_STATE_ATTACHING
	case "inuse", "linked":
		return networkv1.NicState_NIC_STATE_IN_USE
	case "detaching", "unlinking":
		return networkv1.NicState_NIC_STATE_DETACHING
	case "deleting":
		return networkv1.NicState_NIC_STATE_DELETING
	default:
		return networkv1.NicState_NIC_STATE_UNSPECIFIED
	}
}

// toProtoDeviceKind tells what has an interface: a VM, or one of the cloud's own
// services, whose interfaces belong to it.
func toProtoDeviceKind(v *networkInterface) networkv1.NicDeviceKind {
	switch {
	case v.ServiceManaged:
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER
	case v.InstanceID != "":
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM
	}
	return networkv1.NicDeviceKind_NIC_DEVICE_KIND_UNSPECIFIED
}

func vmOf(v *networkInterface) string {
	if v.ServiceManaged {
		return ""
	}
	return v.InstanceID
}

func isPrimary(v *networkInterface) bool { return strings.EqualFold(v.Type, "Primary") }

// keepsNIC tells whether a NIC fits the filters of a request. Unless a kind of
// device, a VM or NICs are named, those of the cloud's own services do not.
func keepsNIC(req *networkv1.ListNicsRequest, v *networkv1.Nic) bool {
	switch {
	case req.GetDeviceKind() != 0:
		if v.GetDeviceKind() != req.GetDeviceKind() {
			return false
		}
	case len(req.GetIds()) == 0 && v.GetDeviceKind() == networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER:
		return false
	}
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVmId() == "" || req.GetVmId() == v.GetVmId()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId()) &&
		(req.GetSubnetId() == "" || req.GetSubnetId() == v.GetSubnetId()) &&
		(req.GetMacAddress() == "" || strings.EqualFold(req.GetMacAddress(), v.GetMacAddress()))
}
