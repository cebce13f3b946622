package network

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

const (
	vmOwnerPrefix      = "compute:" // then the zone
	loadBalancerOwner  = "Octavia"
	loadBalancerPrefix = "lb-" // before the load balancer's id in a port's device_id
)

// toProtoNIC maps a Neutron port.
func toProtoNIC(v *port, region string) *networkv1.Nic {
	out := &networkv1.Nic{
		Id:                  v.ID,
		Name:                v.Name,
		Description:         rest.Unmarked(v.Description),
		Tags:                tags.ToProto(v.Tags),
		State:               toProtoNICState(v.Status, v.DeviceID),
		ProviderState:       v.Status,
		CreatedAt:           rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:           rest.ToProtoTime(v.UpdatedAt),
		RegionId:            region,
		NetworkId:           v.NetworkID,
		MacAddress:          strings.ToLower(v.MACAddress),
		DeviceId:            v.DeviceID,
		DeviceKind:          toProtoDeviceKind(v.DeviceOwner, v.DeviceID),
		LinkState:           networkv1.NicLink_NIC_LINK_DOWN,
		SecurityGroupIds:    v.SecurityGroups,
		PortSecurityEnabled: v.PortSecurityEnabled == nil || *v.PortSecurityEnabled,
	}
	if isVM(v) {
		out.VmId = v.DeviceID
	}
	if strings.EqualFold(v.Status, "ACTIVE") {
		out.LinkState = networkv1.NicLink_NIC_LINK_UP
	}
	for i, ip := range v.FixedIPs {
		if i == 0 {
			out.SubnetId = ip.SubnetID
		}
		out.IpAddresses = append(out.IpAddresses, ip.IPAddress)
	}
	return out
}

// toProtoNICState maps the status of a port, with and without device. DOWN with
// a device tells only that the device is off. Source: Networking API v2.0, ports.
func toProtoNICState(status, deviceID string) networkv1.NicState {
	free := deviceID == ""
	switch strings.ToUpper(status) {
	case "ERROR":
		return networkv1.NicState_NIC_STATE_ERROR
	case "BUILD":
		if free {
			return networkv1.NicState_NIC_STATE_CREATING
		}
		return networkv1.NicState_NIC_STATE_ATTACHING
	case "ACTIVE", "DOWN", "N/A":
		if free {
			return networkv1.NicState_NIC_STATE_AVAILABLE
		}
		return networkv1.NicState_NIC_STATE_IN_USE
	default:
		return networkv1.NicState_NIC_STATE_UNSPECIFIED
	}
}

// toProtoDeviceKind maps the owner of a port. Source: neutron-lib, constants
// DEVICE_OWNER_*.
func toProtoDeviceKind(owner, deviceID string) networkv1.NicDeviceKind {
	switch {
	case owner == "" && deviceID == "":
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_UNSPECIFIED
	case strings.HasPrefix(owner, vmOwnerPrefix):
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM
	case strings.HasPrefix(owner, "network:router_"), strings.HasPrefix(owner, "network:ha_router_"):
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER
	case owner == "network:dhcp", owner == "network:distributed":
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP
	case strings.HasPrefix(owner, loadBalancerOwner), strings.HasPrefix(owner, "neutron:LOADBALANCER"):
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER
	case owner == "network:floatingip", owner == "network:floatingip_agent_gateway":
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_PUBLIC_IP
	default:
		return networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER
	}
}

// isVM tells whether a VM has the port.
func isVM(p *port) bool { return strings.HasPrefix(p.DeviceOwner, vmOwnerPrefix) && p.DeviceID != "" }

// madeByNova guesses whether Nova made the port for a VM and would remove it
// with detaching: such a port has neither name nor description, and the contract
// gives a name to all others.
func madeByNova(p *port) bool { return p.Name == "" && p.Description == "" }

// fromProtoCreateNIC maps what a request says of a new NIC, but for description
// and tags. Without groups Neutron puts it into the project's default group.
func fromProtoCreateNIC(req *networkv1.CreateNicRequest, networkID string) map[string]any {
	address := map[string]any{"subnet_id": req.GetSubnetId()}
	if req.GetIpAddress() != "" {
		address["ip_address"] = req.GetIpAddress()
	}
	attributes := map[string]any{
		"name":       req.GetName(),
		"network_id": networkID,
		"fixed_ips":  []map[string]any{address},
	}
	if req.GetMacAddress() != "" {
		attributes["mac_address"] = req.GetMacAddress()
	}
	if len(req.GetSecurityGroupIds()) > 0 {
		attributes["security_groups"] = req.GetSecurityGroupIds()
	}
	return attributes
}

// fromProtoUpdateNIC maps what a request changes of a NIC, but for tags.
func fromProtoUpdateNIC(req *networkv1.UpdateNicRequest, present *port) map[string]any {
	attributes := map[string]any{}
	setPointer(attributes, "name", req.Name)
	if req.Description != nil {
		attributes["description"] = req.GetDescription() + rest.Marker(present.Description)
	}
	if req.GetSecurityGroupIds() != nil {
		attributes["security_groups"] = append([]string{}, req.GetSecurityGroupIds().GetValues()...)
	}
	setPointer(attributes, "port_security_enabled", req.PortSecurityEnabled)
	return attributes
}

// keepsNIC tells whether a NIC fits the filters of a request. Unless a kind of
// device, a VM or NICs are named, only those of VMs and of no device do.
func keepsNIC(req *networkv1.ListNicsRequest, v *networkv1.Nic) bool {
	kind := v.GetDeviceKind()
	switch {
	case req.GetDeviceKind() != 0:
		if kind != req.GetDeviceKind() {
			return false
		}
	case len(req.GetIds()) == 0:
		if kind != networkv1.NicDeviceKind_NIC_DEVICE_KIND_UNSPECIFIED && kind != networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM {
			return false
		}
	}
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVmId() == "" || req.GetVmId() == v.GetVmId()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId()) &&
		(req.GetMacAddress() == "" || strings.EqualFold(req.GetMacAddress(), v.GetMacAddress()))
}
