package sim

func vpcSwitches() actions {
	return actions{
		"CreateVSwitch": createVSwitch, "DeleteVSwitch": deleteVSwitch, "ModifyVSwitchAttribute": modifyVSwitch,
		"DescribeVSwitches": describeVSwitches, "DescribeVSwitchAttributes": describeVSwitchAttributes,
	}
}

func createVSwitch(c *call) (obj, error) {
	vpc, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	if !vpc.is("Status", "Available") {
		return nil, c.fail("IncorrectVpcStatus", "Current VPC status does not support this operation.")
	}
	if !contains(c.sim.zones(c.region), c.str("ZoneId")) {
		return nil, c.fail("InvalidZoneId.NotFound", "Specified value of ZoneId is not exists.")
	}
	p, ok := parseCIDR(c.str("CidrBlock"))
	outer, _ := parseCIDR(vpc.str("CidrBlock"))
	if !ok || p.Bits() < 16 || p.Bits() > 29 || !within(p, outer) {
		return nil, c.fail("InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")
	}
	for _, other := range c.with(kindVSwitch, "VpcId", vpc.id) {
		if overlap(p.String(), other.str("CidrBlock")) {
			return nil, c.fail("InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with other subnets.")
		}
		if other.is("Status", "Pending") {
			return nil, c.fail("IncorrectVSwitchStatus", "Some virtual switch is modifying within the same VPC.")
		}
	}
	if err := c.quota(kindVSwitch, 240, "QuotaExceeded.VSwitch"); err != nil {
		return nil, err
	}
	id := c.w.id("vsw-")
	r := c.create(kindVSwitch, id, obj{
		"VSwitchId": id, "VpcId": vpc.id, "VSwitchName": c.str("VSwitchName"), "Description": c.str("Description"),
		"CidrBlock": p.String(), "ZoneId": c.str("ZoneId"), "Status": "Pending", "CreationTime": c.stamp(seconds),
		"IsDefault": false, "ResourceGroupId": vpc.str("ResourceGroupId"), "OwnerId": vpc.attrs["OwnerId"],
		"RouteTable": obj{"RouteTableId": c.systemTable(vpc.id).id, "RouteTableType": "System"},
	})
	c.becomes(r, "Status", "Available")
	return obj{"VSwitchId": id}, nil
}

var noVSwitch = []string{"InvalidVSwitchId.NotFound", "InvalidVswitchId.NotFound", "InvalidVSwitchID.NotFound", "InvalidVSwitchId.NotFound"}

func deleteVSwitch(c *call) (obj, error) {
	r, err := c.need(kindVSwitch, c.str("VSwitchId"), noVSwitch...)
	if err != nil {
		return nil, err
	}
	if r.is("Status", "Pending") {
		return nil, c.fail("IncorrectVSwitchStatus", "The status of the vSwitch does not support this operation.")
	}
	if table, _ := r.attrs["RouteTable"].(obj); text(table["RouteTableType"]) == "Custom" {
		return nil, c.fail("DependencyViolation.RouteTable", "Specified object has dependent resources.")
	}
	if text(r.attrs["NetworkAclId"]) != "" {
		return nil, c.fail("DependencyViolation.NetworkAcl", "Specified object has dependent resources.")
	}
	if len(c.with(kindNatGateway, "VSwitchId", r.id)) > 0 {
		return nil, c.fail("DependencyViolation.EnhancedNatgw", "Specified object has dependent resources.")
	}
	if c.addressesOf(r) > 0 {
		return nil, c.fail("DependencyViolation", "Specified object has dependent resources.")
	}
	r.set("Status", "Pending")
	c.later(r, 1, func() { c.w.remove(r) })
	return obj{}, nil
}

func modifyVSwitch(c *call) (obj, error) {
	r, err := c.need(kindVSwitch, c.str("VSwitchId"), noVSwitch...)
	if err != nil {
		return nil, err
	}
	c.change(r, "VSwitchName", "VSwitchName", "Description", "Description")
	return obj{}, nil
}

func describeVSwitches(c *call) (obj, error) {
	records := c.selected(kindVSwitch, "VpcId", "ZoneId", "VSwitchName", "IsDefault", "ResourceGroupId")
	if table := c.str("RouteTableId"); table != "" {
		records = keep(records, func(r *record) bool {
			t, _ := r.attrs["RouteTable"].(obj)
			return text(t["RouteTableId"]) == table
		})
	}
	records = c.among(records, "VSwitchId")
	return c.listedAfter("VSwitches.VSwitch", records, c.refreshVSwitch)
}

func (c *call) refreshVSwitch(r *record) {
	r.set("AvailableIpAddressCount", addressCount(r.str("CidrBlock"))-c.addressesOf(r))
}

// describeVSwitchAttributes shows a vSwitch; one that is not there is shown empty.
func describeVSwitchAttributes(c *call) (obj, error) {
	r := c.find(kindVSwitch, c.str("VSwitchId"))
	if r == nil {
		return obj{}, nil
	}
	c.refreshVSwitch(r)
	return c.show(r, ""), nil
}

// takenIn are the addresses of a vSwitch that something has.
func (c *call) takenIn(vswitch *record) map[string]bool {
	taken := map[string]bool{}
	for _, k := range []kind{kindInterface, kindLoadBalancer, kindDatabase, kindContainerGroup} {
		for _, r := range c.with(k, "VSwitchId", vswitch.id) {
			for _, attr := range []string{"PrivateIpAddress", "Address", "IntranetIp", "PrivateIp"} {
				if a := r.str(attr); a != "" {
					taken[a] = true
				}
			}
			for _, a := range r.in("_addresses") {
				taken[a] = true
			}
		}
	}
	return taken
}

func (c *call) addressesOf(vswitch *record) int { return len(c.takenIn(vswitch)) }
