package sim

const (
	kindNatGateway kind = "nat_gateway"
	kindSnatEntry  kind = "snat_entry"
)

func vpcNat() actions {
	return actions{
		"CreateNatGateway": createNat, "DeleteNatGateway": deleteNat, "DescribeNatGateways": describeNats, "ModifyNatGatewayAttribute": changing((*call).nat, "Name", "Name", "Description", "Description", "EipBindMode", "EipBindMode", "IcmpReplyEnabled", "IcmpReplyEnabled"),
		"GetNatGatewayAttribute": getNat, "CreateSnatEntry": createSnat, "DeleteSnatEntry": deleteSnat, "DescribeSnatTableEntries": listing("SnatTableEntries.SnatTableEntry", kindSnatEntry, "SnatTableId", "SnatEntryId", "SourceVSwitchId", "SourceCIDR", "SnatIp", "SnatEntryName", "NatGatewayId"),
		"ModifySnatEntry": changing((*call).snat, "SnatIp", "SnatIp", "SnatEntryName", "SnatEntryName", "EipAffinity", "EipAffinity"), "ListEnhanhcedNatGatewayAvailableZones": natZones,
	}
}

func createNat(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	vpc, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	v, err := c.need(kindVSwitch, c.str("VSwitchId"), "InvalidVSWITCHID.NotFound", "InvalidVSwitchId.NotFound")
	if err != nil {
		return nil, err
	}
	id, snat, forward := c.w.id("ngw-"), c.w.id("stb-"), c.w.id("ftb-")
	r := c.create(kindNatGateway, id, obj{
		"NatGatewayId": id, "VpcId": vpc.id, "VSwitchId": v.id, "Name": c.str("Name"), "Description": c.str("Description"), "Status": "Creating",
		"NatType": c.or("NatType", "Enhanced"), "NetworkType": c.or("NetworkType", "internet"), "InstanceChargeType": c.or("InstanceChargeType", "PostPaid"),
		"InternetChargeType": c.or("InternetChargeType", "PayByLcu"), "CreationTime": c.stamp(seconds), "BusinessStatus": "Normal", "Spec": c.str("Spec"),
		"SnatTableIds": obj{"SnatTableId": []any{snat}}, "ForwardTableIds": obj{"ForwardTableId": []any{forward}}, "_snat": snat,
		"NatGatewayPrivateInfo": obj{"VswitchId": v.id, "IzNo": v.str("ZoneId")}, "ResourceGroupId": vpc.str("ResourceGroupId"), "EipBindMode": c.or("EipBindMode", "MULTI_BINDED"),
		"IcmpReplyEnabled": true, "ExpiredTime": "",
	})
	c.becomes(r, "Status", "Available")
	return merge(wrap("SnatTableIds.SnatTableId", []any{snat}), merge(wrap("ForwardTableIds.ForwardTableId", []any{forward}), obj{"NatGatewayId": id})), nil
}

func (c *call) nat() (*record, error) {
	return c.need(kindNatGateway, c.str("NatGatewayId"), "InvalidNatGatewayId.NotFound")
}

func deleteNat(c *call) (obj, error) {
	r, err := c.nat()
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Available") {
		return nil, c.fail("IncorrectStatus.NatGateway", "The status of the NAT gateway does not support this operation.")
	}
	entries := c.with(kindSnatEntry, "NatGatewayId", r.id)
	switch {
	case c.yes("Force"):
	case len(entries) > 0:
		return nil, c.fail("DependencyViolation.SnatEntry", "The NAT gateway has SNAT entries.")
	case len(c.with(kindEIP, "InstanceId", r.id)) > 0:
		return nil, c.fail("DependencyViolation.EIPS", "The NAT gateway has EIPs.")
	}
	for _, e := range entries {
		c.w.remove(e)
	}
	r.set("Status", "Deleting")
	c.later(r, 1, func() { c.unbindFrom(r.id); c.w.remove(r) })
	return obj{}, nil
}

func describeNats(c *call) (obj, error) {
	records := c.selected(kindNatGateway, "NatGatewayId", "VpcId", "Name", "InstanceChargeType", "NatType", "Status", "NetworkType", "ResourceGroupId", "Spec")
	for _, r := range records {
		r.set("IpLists", obj{"IpList": c.natAddresses(r)})
	}
	return c.listed("NatGateways.NatGateway", records)
}

func (c *call) natAddresses(r *record) []any {
	list := []any{}
	for _, e := range c.with(kindEIP, "InstanceId", r.id) {
		list = append(list, obj{"AllocationId": e.id, "IpAddress": e.str("IpAddress"), "UsingStatus": "Idle"})
	}
	return list
}

func getNat(c *call) (obj, error) {
	r, err := c.nat()
	if err != nil {
		return nil, err
	}
	out := c.show(r, "")
	return merge(out, obj{
		"IpList": c.natAddresses(r), "PrivateInfo": r.attrs["NatGatewayPrivateInfo"], "SnatTable": obj{"SnatTableId": r.str("_snat"), "SnatEntryCount": len(c.with(kindSnatEntry, "NatGatewayId", r.id))},
		"BillingConfig": obj{"InstanceChargeType": r.str("InstanceChargeType"), "InternetChargeType": r.str("InternetChargeType"), "Spec": r.str("Spec"), "AutoPay": "false"},
	}), nil
}

func natZones(c *call) (obj, error) {
	var items []any
	for _, z := range c.sim.zones(c.region) {
		items = append(items, obj{"ZoneId": z, "LocalName": z})
	}
	return obj{"Zones": items}, nil
}

func (c *call) snatTable() (*record, error) {
	for _, r := range c.with(kindNatGateway, "_snat", c.str("SnatTableId")) {
		return r, nil
	}
	return nil, c.fail("InvalidSnatTableId.NotFound", "The specified SNAT table does not exist.")
}

func createSnat(c *call) (obj, error) {
	nat, err := c.snatTable()
	if err != nil {
		return nil, err
	}
	if !nat.is("Status", "Available") {
		return nil, c.fail("IncorrectStatus.NATGW", "The status of the NAT gateway does not support this operation.")
	}
	bound := false
	for _, e := range c.with(kindEIP, "InstanceId", nat.id) {
		bound = bound || contains(c.strs("SnatIp"), e.str("IpAddress"))
	}
	if !bound {
		return nil, c.fail("EIP_NOT_IN_GATEWAY", "The EIP is not bound to the NAT gateway.")
	}
	cidr := c.str("SourceCIDR")
	if id := c.str("SourceVSwitchId"); id != "" {
		v, err := c.need(kindVSwitch, id, noVSwitch...)
		if err != nil {
			return nil, err
		}
		cidr = v.str("CidrBlock")
	}
	for _, e := range c.with(kindSnatEntry, "NatGatewayId", nat.id) {
		if e.is("SourceCIDR", cidr) {
			return nil, c.fail("Forbidden.SourceVSwitchId.Duplicated", "The source has a SNAT entry.")
		}
	}
	id := c.w.id("snat-")
	r := c.create(kindSnatEntry, id, obj{
		"SnatEntryId": id, "SnatTableId": c.str("SnatTableId"), "NatGatewayId": nat.id, "SnatIp": c.str("SnatIp"), "SourceCIDR": cidr,
		"SourceVSwitchId": c.str("SourceVSwitchId"), "SnatEntryName": c.str("SnatEntryName"), "Status": "Pending", "EipAffinity": c.or("EipAffinity", "0"),
	})
	c.becomes(r, "Status", "Available")
	return obj{"SnatEntryId": id}, nil
}

func (c *call) snat() (*record, error) {
	return c.need(kindSnatEntry, c.str("SnatEntryId"), "InvalidSnatEntryId.NotFound")
}

func deleteSnat(c *call) (obj, error) {
	r, err := c.snat()
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Available") {
		return nil, c.failOne([]string{"IncorretSnatEntryStatus", "IncorrectStatus.SnatEntry"}, "The status of the SNAT entry does not support this operation.")
	}
	r.set("Status", "Deleting")
	c.later(r, 1, func() { c.w.remove(r) })
	return obj{}, nil
}
