package sim

const kindEIP kind = "eip"

func vpcAddresses() actions {
	return actions{
		"AllocateEipAddress": allocateEIP, "ReleaseEipAddress": releaseEIP, "ModifyEipAddressAttribute": changing((*call).eip, "Name", "Name", "Description", "Description", "Bandwidth", "Bandwidth", "Bandwidth", "EipBandwidth"),
		"DescribeEipAddresses": describeEIPs, "AssociateEipAddress": associateEIP, "UnassociateEipAddress": unassociateEIP,
	}
}

func allocateEIP(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	if err := c.quota(kindEIP, 20, "QuotaExceeded.Eip", "OperationFailed.QuotaNotEnough"); err != nil {
		return nil, err
	}
	bandwidth := c.num("Bandwidth", 5)
	if bandwidth < 1 || bandwidth > 1000 {
		return nil, c.failOne([]string{"IllegalParam.Bandwidth", "InvalidBandwidth.Malformed"}, "The specified bandwidth is not valid.")
	}
	id, address := c.w.id("eip-"), c.w.publicAddress()
	group := c.or("ResourceGroupId", c.defaultGroup())
	charge := c.or("InstanceChargeType", "PostPaid")
	c.create(kindEIP, id, obj{
		"AllocationId": id, "IpAddress": address, "Name": c.str("Name"), "Description": c.str("Description"), "Bandwidth": text(bandwidth),
		"EipBandwidth": text(bandwidth), "Status": "Available", "ChargeType": charge, "InternetChargeType": c.or("InternetChargeType", "PayByBandwidth"),
		"AllocationTime": c.stamp(seconds), "ISP": c.or("ISP", "BGP"), "Netmode": c.or("Netmode", "public"), "ResourceGroupId": group,
		"BusinessStatus": "Normal", "InstanceId": "", "InstanceType": "", "InstanceRegionId": "", "PrivateIpAddress": "", "Mode": "",
		"ExpiredTime": "", "Zone": c.str("Zone"), "HDMonitorStatus": "false", "DeletionProtection": false,
	})
	return obj{"AllocationId": id, "EipAddress": address, "ResourceGroupId": group}, nil
}

func (c *call) eip() (*record, error) {
	return c.need(kindEIP, c.str("AllocationId"), "InvalidAllocationId.NotFound")
}

func releaseEIP(c *call) (obj, error) {
	e, err := c.eip()
	if err != nil {
		return nil, err
	}
	switch {
	case !e.is("Status", "Available"):
		return nil, c.fail("IncorrectEipStatus", "Current elastic IP status does not support this operation.")
	case e.is("ChargeType", "PrePaid"):
		return nil, c.fail("Forbidden.ChargeTypeIsPrepaid", "A subscription EIP cannot be released.")
	}
	c.w.remove(e)
	return obj{}, nil
}

func describeEIPs(c *call) (obj, error) {
	records := c.selected(kindEIP, "Status", "EipName=Name", "ResourceGroupId", "ISP", "ChargeType", "AssociatedInstanceType=InstanceType", "AssociatedInstanceId=InstanceId")
	records = c.among(records, "AllocationId")
	if c.has("EipAddress") {
		want := c.strs("EipAddress")
		records = keep(records, func(r *record) bool { return contains(want, r.str("IpAddress")) })
	}
	return c.listed("EipAddresses.EipAddress", records)
}

// eipTargets are what an EIP can be bound to.
var eipTargets = map[string]kind{
	"EcsInstance": kindInstance, "NetworkInterface": kindInterface, "SlbInstance": kindLoadBalancer, "Nat": kindNatGateway,
}

func associateEIP(c *call) (obj, error) {
	e, err := c.eip()
	if err != nil {
		return nil, err
	}
	targetType := c.or("InstanceType", "EcsInstance")
	k, ok := eipTargets[targetType]
	if !ok {
		return nil, c.failOne([]string{"InvalidInstanceType.ValueNotSupported", "INSTANCE_TYPE_NOT_SUPPORT"}, "The specified instance type is not supported.")
	}
	target, err := c.need(k, c.str("InstanceId"), "InvalidInstance.NotExist", "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	switch {
	case e.is("InstanceId", target.id):
		return nil, c.failOne([]string{"InvalidAssociation.Duplicated", "IncorrectEipStatus"}, "The EIP is already associated with the instance.")
	case !e.is("Status", "Available"):
		return nil, c.fail("IncorrectEipStatus", "Current elastic IP status does not support this operation.")
	case k == kindInstance && !target.is("Status", "Running") && !target.is("Status", "Stopped"):
		return nil, c.fail("IncorrectInstanceStatus", "Current instance status does not support this operation.")
	case k == kindInterface && target.is("Type", "Primary"):
		return nil, c.failOne([]string{"InvalidParameter.EniInstanceId", "InvalidBindingStatus"}, "A primary interface is bound by its instance.")
	case k != kindNatGateway && len(c.with(kindEIP, "InstanceId", target.id)) > 0:
		return nil, c.failOne([]string{"BIND_INSTANCE_HAVE_PORTMAP_OR_BIND_EIP", "InvalidBindingStatus"}, "The instance has an EIP.")
	}
	e.set("Status", "Associating")
	e.set("InstanceId", target.id)
	e.set("InstanceType", targetType)
	e.set("InstanceRegionId", target.region)
	e.set("PrivateIpAddress", c.str("PrivateIpAddress"))
	c.later(e, 1, func() {
		e.set("Status", "InUse")
		if k == kindInstance {
			target.set("EipAddress", obj{
				"AllocationId": e.id, "IpAddress": e.str("IpAddress"), "Bandwidth": e.num("Bandwidth"), "InternetChargeType": e.str("InternetChargeType"), "IsSupportUnassociate": true,
			})
		}
	})
	return obj{}, nil
}

func unassociateEIP(c *call) (obj, error) {
	e, err := c.eip()
	if err != nil {
		return nil, err
	}
	switch {
	case e.is("Status", "Available"):
		return nil, c.failOne([]string{"InvalidBindingStatus", "IncorrectEipStatus"}, "The EIP is not associated.")
	case !e.is("Status", "InUse"):
		return nil, c.fail("IncorrectEipStatus", "Current elastic IP status does not support this operation.")
	case c.str("InstanceId") != "" && !e.is("InstanceId", c.str("InstanceId")):
		return nil, c.failOne([]string{"InvalidBindInstance.NotFound", "InvalidBindingStatus"}, "The EIP is not associated with the instance.")
	}
	for s := range c.all(kindSnatEntry) {
		if s.is("SnatIp", e.str("IpAddress")) {
			return nil, c.failOne([]string{"InvalidIpStatus.HasBeenUsedBySnatTable", "IncorrectEipStatus"}, "The EIP is used by a SNAT entry.")
		}
	}
	e.set("Status", "Unassociating")
	c.later(e, 1, func() { c.unbound(e) })
	return obj{}, nil
}

func (c *call) unbound(e *record) {
	if vm := c.w.byID(kindInstance, e.str("InstanceId")); vm != nil {
		vm.set("EipAddress", obj{})
	}
	for _, name := range []string{"InstanceId", "InstanceType", "InstanceRegionId", "PrivateIpAddress"} {
		e.set(name, "")
	}
	e.set("Status", "Available")
}

// byID finds a record, whoever looks.
func (w *world) byID(k kind, id string) *record {
	if s := w.records[k]; s != nil {
		return s.byID[id]
	}
	return nil
}

// unbindFrom frees the EIPs of what goes away.
func (c *call) unbindFrom(id string) {
	for _, e := range c.w.attachedTo(kindEIP, id) {
		c.unbound(e)
	}
}
