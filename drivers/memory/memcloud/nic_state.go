package memcloud

import (
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const auxMadeByVM = "made_by_vm" // a NIC that goes with its VM

// nicSpec says what NIC to make.
type nicSpec struct {
	subnetField string // of the request, for errors
	subnetID    string
	ipField     string
	ip          string // empty: any
	mac         string // empty: any
	groups      []string
}

// makeNIC adds a NIC with an address in AVAILABLE, without a due time.
func makeNIC(v *view, spec nicSpec) (*record, *networkv1.Nic, error) {
	sr, subnet, err := subnets.ref(v, spec.subnetField, spec.subnetID)
	if err == nil && sr.project != v.project {
		err = mismatch(spec.subnetField)
	}
	if err == nil {
		err = refInState(spec.subnetField, sr, subnet.GetState(), networkv1.SubnetState_SUBNET_STATE_AVAILABLE)
	}
	if err == nil {
		err = v.within(use{"network.nic.count", 1})
	}
	if err != nil {
		return nil, nil, err
	}
	ip, err := takeAddress(v, sr, subnet, spec.ipField, spec.ip)
	if err != nil {
		return nil, nil, err
	}
	if spec.mac == "" {
		spec.mac = v.cloud.newMAC()
	}
	nic := &networkv1.Nic{
		SubnetId:            sr.id,
		NetworkId:           subnet.GetNetworkId(),
		MacAddress:          spec.mac,
		IpAddresses:         []string{ip},
		LinkState:           networkv1.NicLink_NIC_LINK_DOWN,
		SecurityGroupIds:    append([]string{}, spec.groups...),
		PortSecurityEnabled: true,
		Charge:              chargeOrPostpaid(nil),
	}
	if second := secondAddress(subnet, ip); second != "" {
		nic.IpAddresses = append(nic.IpAddresses, second)
	}
	if _, network, ok := networks.find(v, subnet.GetNetworkId()); ok {
		nic.PortSecurityEnabled = network.GetPortSecurityEnabled()
	}
	setState(nic, networkv1.NicState_NIC_STATE_AVAILABLE)
	r, nic := nics.add(v, nic)
	return r, nic, nil
}

// deviceBlocker names the VM or router that has a NIC.
func deviceBlocker(nic *networkv1.Nic) string {
	if nic.GetDeviceKind() == networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER {
		return routers.blocker(nic.GetDeviceId())
	}
	return vms.blocker(nic.GetDeviceId())
}

// takeNIC finds a NIC that no device has and makes it changeable.
func takeNIC(v *view, field, id string) (*record, *networkv1.Nic, error) {
	r, nic, err := nics.ref(v, field, id)
	if err != nil {
		return nil, nil, err
	}
	if nic.GetDeviceId() != "" {
		return nil, nil, sdk.InUse(string(r.kind), r.id, nil, deviceBlocker(nic))
	}
	if err := inState(r, nic.GetState(), networkv1.NicState_NIC_STATE_AVAILABLE); err != nil {
		return nil, nil, err
	}
	r, nic = nics.edit(v, r)
	return r, nic, nil
}

func joinNIC(nic *networkv1.Nic, vmID string, primary bool) {
	nic.DeviceId, nic.VmId = vmID, vmID
	nic.DeviceKind = networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM
	nic.Primary = primary
	setState(nic, networkv1.NicState_NIC_STATE_IN_USE)
}

// freeNIC takes a NIC off its device.
func freeNIC(v *view, r *record) {
	r, nic := nics.edit(v, r)
	vmID := nic.GetVmId()
	nic.DeviceId, nic.VmId, nic.Primary = "", "", false
	nic.DeviceKind = networkv1.NicDeviceKind_NIC_DEVICE_KIND_UNSPECIFIED
	nic.LinkState = networkv1.NicLink_NIC_LINK_DOWN
	delete(r.aux, auxMadeByVM)
	r.due = time.Time{}
	setState(nic, networkv1.NicState_NIC_STATE_AVAILABLE)
	refreshVM(v, vmID)
}

// removeNIC removes a NIC and unbinds its public IP.
func removeNIC(v *view, r *record) {
	nic := r.msg.(*networkv1.Nic)
	if pr, _, ok := publicIPs.find(v, nic.GetPublicIpId()); ok {
		unbind(v, pr)
	}
	leaveFirewalls(v, r.id)
	v.remove(r.key)
}

// showNIC is what a VM tells of one of its NICs.
func showNIC(v *view, nic *networkv1.Nic) *computev1.VmNic {
	shown := &computev1.VmNic{
		NicId:              nic.GetId(),
		NetworkId:          nic.GetNetworkId(),
		SubnetId:           nic.GetSubnetId(),
		MacAddress:         nic.GetMacAddress(),
		PrivateIpAddresses: append([]string{}, nic.GetIpAddresses()...),
	}
	if _, ip, ok := publicIPs.find(v, nic.GetPublicIpId()); ok {
		shown.PublicIpAddresses = []string{ip.GetIpAddress()}
	}
	return shown
}

// linkNICs brings the links of a VM's NICs up or down with it.
func linkNICs(v *view, vm *computev1.Vm) {
	link := networkv1.NicLink_NIC_LINK_DOWN
	if vm.GetState() == computev1.VmState_VM_STATE_RUNNING {
		link = networkv1.NicLink_NIC_LINK_UP
	}
	for _, of := range vm.GetNics() {
		if r, old, ok := nics.find(v, of.GetNicId()); ok && old.GetLinkState() != link {
			_, nic := nics.edit(v, r)
			nic.LinkState = link
		}
	}
}

// settleNic ends a NIC's move.
func settleNic(v *view, r *record) {
	_, nic := nics.edit(v, r)
	switch nic.GetState() {
	case networkv1.NicState_NIC_STATE_CREATING:
		settleTo(r, networkv1.NicState_NIC_STATE_AVAILABLE, networkv1.NicState_NIC_STATE_ERROR)
	case networkv1.NicState_NIC_STATE_ATTACHING:
		setState(nic, networkv1.NicState_NIC_STATE_IN_USE)
		if _, vm, ok := vms.find(v, nic.GetVmId()); ok && vm.GetState() == computev1.VmState_VM_STATE_RUNNING {
			nic.LinkState = networkv1.NicLink_NIC_LINK_UP
		}
	case networkv1.NicState_NIC_STATE_DETACHING:
		freeNIC(v, r)
	case networkv1.NicState_NIC_STATE_DELETING:
		removeNIC(v, r)
	}
}
