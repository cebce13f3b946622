package sim

import "slices"

const kindInterface kind = "network_interface"

func ecsInterfaces() actions {
	return actions{
		"CreateNetworkInterface": createInterface, "DescribeNetworkInterfaces": describeInterfaces,
		"DescribeNetworkInterfaceAttribute": describeInterfaceAttribute, "ModifyNetworkInterfaceAttribute": modifyInterface,
		"AttachNetworkInterface": attachInterface, "DetachNetworkInterface": detachInterface, "DeleteNetworkInterface": deleteInterface,
		"AssignPrivateIpAddresses": assignAddresses, "UnassignPrivateIpAddresses": unassignAddresses,
	}
}

// interfacesOf are an instance's, in the order in which they came.
func (w *world) interfacesOf(vm string) []*record { return w.attachedTo(kindInterface, vm) }

func (c *call) newInterface(v *record, groups []string, address string, more obj) (*record, error) {
	if err := c.addressFree(v, address); err != nil {
		return nil, err
	}
	if address == "" {
		address, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
	}
	id := c.w.id("eni-")
	r := c.create(kindInterface, id, merge(obj{
		"NetworkInterfaceId": id, "VSwitchId": v.id, "VpcId": v.str("VpcId"), "ZoneId": v.str("ZoneId"), "MacAddress": c.w.macAddress(),
		"SecurityGroupIds": obj{"SecurityGroupId": groups}, "CreationTime": c.stamp(seconds), "OwnerId": c.who.account.uid, "InstanceId": "",
		"NetworkInterfaceName": "", "Description": "", "NetworkInterfaceTrafficMode": "Standard", "QueueNumber": 1, "ResourceGroupId": "",
		"DeleteOnRelease": true, "SourceDestCheck": false,
	}, more))
	setAddresses(r, []string{address})
	return r, nil
}

func setAddresses(r *record, addresses []string) {
	r.set("PrivateIpAddress", addresses[0])
	r.set("_addresses", addresses)
	sets := make([]any, len(addresses))
	for i, a := range addresses {
		sets[i] = obj{"PrivateIpAddress": a, "Primary": i == 0}
	}
	r.set("PrivateIpSets", obj{"PrivateIpSet": sets})
}

func createInterface(c *call) (obj, error) {
	v, err := c.need(kindVSwitch, c.str("VSwitchId"), noVSwitch...)
	if err != nil {
		return nil, err
	}
	groups := c.strs("SecurityGroupIds")
	if id := c.str("SecurityGroupId"); id != "" {
		groups = append(groups, id)
	}
	if len(groups) == 0 {
		return nil, c.fail("MissingParameter", "A security group is required.")
	}
	for _, id := range groups {
		g, err := c.need(kindSecurityGroup, id, "InvalidSecurityGroupId.NotFound")
		if err != nil {
			return nil, err
		}
		if !g.is("VpcId", v.str("VpcId")) {
			return nil, c.failOne([]string{"InvalidOperation.VpcMismatch", "InvalidSecurityGroupId.NotVpc"}, "The security group is not of the VPC.")
		}
	}
	if err := c.quota(kindInterface, 5000, "MaxEniCountExceeded", "InvalidOperation.EniCountExceeded"); err != nil {
		return nil, err
	}
	r, err := c.newInterface(v, groups, c.str("PrimaryIpAddress"), obj{
		"Type": "Secondary", "Status": "Available", "NetworkInterfaceName": c.str("NetworkInterfaceName"), "Description": c.str("Description"),
		"ResourceGroupId": c.str("ResourceGroupId"), "DeleteOnRelease": !c.is("DeleteOnRelease", "false"),
		"QueueNumber": c.num("QueueNumber", 1), "NetworkInterfaceTrafficMode": c.or("NetworkInterfaceTrafficMode", "Standard"),
	})
	if err != nil {
		return nil, err
	}
	addresses := append([]string{r.str("PrivateIpAddress")}, c.strs("PrivateIpAddress")...)
	for range c.num("SecondaryPrivateIpAddressCount", 0) {
		if a, ok := freeAddress(v.str("CidrBlock"), c.takenIn(v)); ok {
			addresses = append(addresses, a)
			setAddresses(r, addresses)
		}
	}
	setAddresses(r, addresses)
	return c.show(r, ""), nil
}

func describeInterfaces(c *call) (obj, error) {
	records := c.selected(kindInterface, "VSwitchId", "VpcId", "PrimaryIpAddress=PrivateIpAddress", "NetworkInterfaceName", "Type", "InstanceId", "Status", "ResourceGroupId")
	if g := c.str("SecurityGroupId"); g != "" {
		records = keep(records, func(r *record) bool { return contains(groupsOf(r), g) })
	}
	if want := c.strs("PrivateIpAddress"); len(want) > 0 {
		records = keep(records, func(r *record) bool {
			return slices.ContainsFunc(r.in("_addresses"), func(a string) bool { return contains(want, a) })
		})
	}
	records = c.among(records, "NetworkInterfaceId")
	return c.listedAfter("NetworkInterfaceSets.NetworkInterfaceSet", records, c.refreshInterface)
}

// refreshInterface shows the EIP that is bound to an interface.
func (c *call) refreshInterface(r *record) {
	associated := obj{}
	for _, e := range c.with(kindEIP, "InstanceId", r.id) {
		associated = obj{"PublicIpAddress": e.str("IpAddress"), "AllocationId": e.id}
	}
	r.set("AssociatedPublicIp", associated)
}

func (c *call) nic() (*record, error) {
	return c.need(kindInterface, c.str("NetworkInterfaceId"), "InvalidEniId.NotFound")
}

func describeInterfaceAttribute(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	c.refreshInterface(r)
	return c.show(r, ""), nil
}

func modifyInterface(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	c.change(r, "NetworkInterfaceName", "NetworkInterfaceName", "Description", "Description", "DeleteOnRelease", "DeleteOnRelease", "QueueNumber", "QueueNumber",
		"SourceDestCheck", "SourceDestCheck")
	if groups := c.strs("SecurityGroupId"); len(groups) > 0 {
		for _, id := range groups {
			if c.find(kindSecurityGroup, id) == nil {
				return nil, c.failOne([]string{"InvalidSecurityGroupId.NotFound"}, "The specified security group does not exist.")
			}
		}
		r.set("SecurityGroupIds", obj{"SecurityGroupId": groups})
	}
	return obj{}, nil
}

func attachInterface(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	vm, err := c.need(kindInstance, c.str("InstanceId"), "InvalidEcsId.NotFound", "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	t, _ := findType(vm.str("InstanceType"))
	attached := c.w.interfacesOf(vm.id)
	switch {
	case !r.is("Status", "Available"):
		return nil, c.fail("InvalidOperation.InvalidEniState", "The interface is not available.")
	case !vm.is("Status", "Running") && !vm.is("Status", "Stopped"):
		return nil, c.fail("InvalidOperation.InvalidEcsState", "The current status of the instance does not support this operation.")
	case !vm.is("VpcId", r.str("VpcId")):
		return nil, c.failOne([]string{"InvalidOperation.VpcMismatch", "InvalidEni.NotSameVpc"}, "The interface and the instance are not in the same VPC.")
	case !vm.is("ZoneId", r.str("ZoneId")):
		return nil, c.fail("InvalidOperation.AvailabilityZoneMismatch", "The interface and the instance are not in the same zone.")
	case len(attached) >= t.interfaces:
		return nil, c.fail("EniPerInstanceLimitExceeded", "The instance has too many interfaces.")
	}
	r.set("Status", "Attaching")
	r.set("InstanceId", vm.id)
	r.set("Attachment", obj{"InstanceId": vm.id, "DeviceIndex": len(attached)})
	c.becomes(r, "Status", "InUse")
	return obj{}, nil
}

func detachInterface(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	switch {
	case r.is("Type", "Primary"):
		return nil, c.fail("InvalidOperation.DetachPrimaryEniNotAllowed", "A primary interface cannot be detached.")
	case !r.is("InstanceId", c.str("InstanceId")):
		return nil, c.failOne([]string{"InvalidParameter.EniNotBelongEcs", "InvalidOperation.InvalidEniState"}, "The interface is not of the instance.")
	case !r.is("Status", "InUse"):
		return nil, c.fail("InvalidOperation.InvalidEniState", "The interface is not attached.")
	}
	r.set("Status", "Detaching")
	c.later(r, 1, func() { freeInterface(r) })
	return obj{}, nil
}

func freeInterface(r *record) {
	r.set("Status", "Available")
	r.set("InstanceId", "")
	r.set("Attachment", obj{})
}

func deleteInterface(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	switch {
	case r.is("Type", "Primary"):
		return nil, c.fail("InvalidOperation.InvalidEniType", "A primary interface cannot be deleted.")
	case !r.is("Status", "Available"):
		return nil, c.fail("InvalidOperation.InvalidEniState", "The interface is not available.")
	}
	c.unbindFrom(r.id)
	c.w.remove(r)
	return obj{}, nil
}

func assignAddresses(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	v := c.find(kindVSwitch, r.str("VSwitchId"))
	wanted := c.strs("PrivateIpAddress")
	for range c.num("SecondaryPrivateIpAddressCount", 0) {
		wanted = append(wanted, "")
	}
	var added []string
	for _, a := range wanted {
		if err := c.addressFree(v, a); err != nil {
			return nil, err
		}
		if a == "" {
			a, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
		}
		added = append(added, a)
		setAddresses(r, append(slices.Clone(r.in("_addresses")), a))
	}
	return obj{"AssignedPrivateIpAddressesSet": obj{"NetworkInterfaceId": r.id, "PrivateIpSet": obj{"PrivateIpAddress": anys(added)}}}, nil
}

func unassignAddresses(c *call) (obj, error) {
	r, err := c.nic()
	if err != nil {
		return nil, err
	}
	left := r.in("_addresses")
	for _, a := range c.strs("PrivateIpAddress") {
		if a == r.str("PrivateIpAddress") {
			return nil, c.failOne([]string{"InvalidIp.IpUnassigned", "InvalidOperation.InvalidEniState"}, "The primary address cannot be taken away.")
		}
		left = without(left, a)
	}
	setAddresses(r, left)
	return obj{}, nil
}
