package sim

// secondaryInterfaces attaches the interfaces that a new instance asks for beside its
// first: those that exist, and others made for it.
func (c *call) secondaryInterfaces(vm *record, o order) error {
	for _, spec := range c.list("NetworkInterface") {
		if text(spec["InstanceType"]) == "Primary" || c.str("VSwitchId") == "" {
			continue
		}
		attached := obj{"InstanceId": vm.id, "Status": "InUse", "DeleteOnRelease": text(spec["DeleteOnRelease"]) != "false"}
		if id := text(spec["NetworkInterfaceId"]); id != "" {
			n, err := c.need(kindInterface, id, "InvalidNetworkInterface.NotFound", "InvalidEniId.NotFound")
			if err != nil {
				return err
			}
			if !n.is("Status", "Available") || !n.is("VpcId", vm.str("VpcId")) {
				return c.failOne([]string{"InvalidOperation.InvalidEniState", "InvalidParameter"}, "The interface cannot be attached.")
			}
			for name, value := range attached {
				n.set(name, value)
			}
			continue
		}
		v, err := c.need(kindVSwitch, text(spec["VSwitchId"]), noVSwitch...)
		if err != nil {
			return err
		}
		groups := stringList(spec["SecurityGroupIds"])
		if len(groups) == 0 {
			groups = o.groups
		}
		if _, err := c.newInterface(v, groups, text(spec["PrimaryIpAddress"]), merge(obj{"Type": "Secondary", "ResourceGroupId": vm.attrs["ResourceGroupId"]}, attached)); err != nil {
			return err
		}
	}
	return nil
}
