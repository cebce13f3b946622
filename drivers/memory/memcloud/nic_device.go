package memcloud

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// device is something that is no VM and has a NIC: a container, a VIP, a database.
type device struct {
	id   string
	name string
	kind networkv1.NicDeviceKind
}

// makeDeviceNIC adds the NIC of a device. It goes with its device.
func makeDeviceNIC(v *view, spec nicSpec, of device) (*networkv1.Nic, error) {
	r, nic, err := makeNIC(v, spec)
	if err != nil {
		return nil, err
	}
	r.fate = ""
	nic.Name = of.name
	nic.DeviceId, nic.DeviceKind = of.id, of.kind
	setState(nic, networkv1.NicState_NIC_STATE_IN_USE)
	return nic, nil
}

// linkDevice brings the links of a device's NICs up or down.
func linkDevice(v *view, deviceID string, link networkv1.NicLink) {
	for _, r := range deviceNICs(v, deviceID) {
		_, nic := nics.edit(v, r)
		nic.LinkState = link
	}
}

// removeDeviceNICs removes the NICs of a device and unbinds their public IPs.
func removeDeviceNICs(v *view, deviceID string) {
	for _, r := range deviceNICs(v, deviceID) {
		removeNIC(v, r)
	}
}

func deviceNICs(v *view, deviceID string) []*record {
	var found []*record
	for r, nic := range nics.mine(v) {
		if nic.GetDeviceId() == deviceID {
			found = append(found, r)
		}
	}
	return found
}
