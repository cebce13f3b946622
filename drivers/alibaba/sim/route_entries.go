package sim

// hopKinds are the resources that a route may lead to.
var hopKinds = map[string]kind{
	"Instance": kindInstance, "NetworkInterface": kindInterface, "NatGateway": kindNatGateway, "VpnGateway": kindVpnGateway,
}

func createRouteEntry(c *call) (obj, error) {
	t, err := c.routeTable()
	if err != nil {
		return nil, err
	}
	if !t.is("Status", "Available") {
		return nil, c.fail("IncorrectStatus.RouteTableStatus", "The status of the route table does not support this operation.")
	}
	if _, ok := parseCIDR(c.str("DestinationCidrBlock")); !ok {
		return nil, c.fail("InvalidCidrBlock.Malformed", "The specified destination CIDR block is not valid.")
	}
	for _, e := range c.with(kindRouteEntry, "RouteTableId", t.id) {
		if e.str("DestinationCidrBlock") == c.str("DestinationCidrBlock") {
			return nil, c.fail("InvalidCIDRBlock.Duplicate", "The specified CIDR block already exists.")
		}
	}
	hopType, hop := c.or("NextHopType", "Instance"), c.str("NextHopId")
	if list := c.list("NextHopList"); len(list) > 0 {
		hopType, hop = text(list[0]["NextHopType"]), text(list[0]["NextHopId"])
	}
	if hop == "" {
		return nil, c.fail("InvalidNexthopTypeAndList.BothNull", "A next hop is required.")
	}
	if k, ok := hopKinds[hopType]; ok && c.find(k, hop) == nil {
		return nil, c.failOne([]string{"InvalidNextHopId.NotFound", "InvalidNextHop.NotFound"}, "The specified next hop does not exist.")
	}
	r := c.newRoute(t, c.str("DestinationCidrBlock"), "Custom", hopType, hop)
	r.set("Description", c.str("Description"))
	r.set("Status", "Pending")
	c.becomes(r, "Status", "Available")
	return obj{"RouteEntryId": r.id}, nil
}

// routeEntry finds the entry that a call names by id, or by table and destination.
func (c *call) routeEntry() *record {
	if id := c.str("RouteEntryId"); id != "" {
		return c.find(kindRouteEntry, id)
	}
	for _, e := range c.with(kindRouteEntry, "RouteTableId", c.str("RouteTableId")) {
		hop := c.str("NextHopId")
		if e.str("DestinationCidrBlock") == c.str("DestinationCidrBlock") && (hop == "" || hop == e.str("NextHopId")) {
			return e
		}
	}
	return nil
}

func deleteRouteEntry(c *call) (obj, error) {
	e := c.routeEntry()
	switch {
	case e == nil:
		return nil, c.failOne([]string{"InvalidRouteEntry.NotFound", "InvalidRouteEntryId.NotFound"}, "The specified route entry does not exist.")
	case !e.is("Status", "Available"):
		return nil, c.fail("IncorrectRouteEntryStatus", "The status of the route entry does not support this operation.")
	case e.is("Type", "System"):
		return nil, c.fail("InvalidRouteEntry", "A system route cannot be deleted.")
	}
	c.touch(e.id)
	e.set("Status", "Deleting")
	c.later(e, 1, func() { c.w.remove(e) })
	return obj{}, nil
}

func modifyRouteEntry(c *call) (obj, error) {
	e := c.routeEntry()
	if e == nil {
		return nil, c.failOne([]string{"InvalidRouteEntryId.NotFound", "ResourceNotFound.RouteEntry"}, "The specified route entry does not exist.")
	}
	c.touch(e.id)
	c.change(e, "RouteEntryName", "RouteEntryName", "Description", "Description", "NewNextHopId", "NextHopId", "NewNextHopType", "NextHopType")
	e.set("NextHops", obj{"NextHop": []any{obj{"NextHopType": e.str("NextHopType"), "NextHopId": e.str("NextHopId"), "Enabled": 1}}})
	return obj{}, nil
}

func describeRouteEntries(c *call) (obj, error) {
	if c.find(kindRouteTable, c.str("RouteTableId")) == nil {
		return nil, c.fail("InvalidRouteTable.NotFound", "The specified route table does not exist.")
	}
	records := c.selected(kindRouteEntry, "RouteTableId", "RouteEntryId", "DestinationCidrBlock", "RouteEntryName",
		"RouteEntryType=Type", "NextHopId", "NextHopType", "IpVersion")
	return c.listed("RouteEntrys.RouteEntry", records)
}

// describeRouteTablesOld is DescribeRouteTables, which DescribeRouteTableList and
// DescribeRouteEntryList have replaced: tables with all their entries.
func describeRouteTablesOld(c *call) (obj, error) {
	records := c.selected(kindRouteTable, "RouteTableId", "RouteTableName", "RouterId", "RouterType", "VRouterId=RouterId", "Type=RouteTableType", "ResourceGroupId")
	return c.listedAfter("RouteTables.RouteTable", records, func(t *record) {
		entries := []any{}
		for _, e := range c.with(kindRouteEntry, "RouteTableId", t.id) {
			shown, _ := clone(e.attrs).(obj)
			shown["InstanceId"], shown["NextHopRegionId"] = e.str("NextHopId"), e.region
			entries = append(entries, shown)
		}
		t.set("VRouterId", t.str("RouterId"))
		t.set("VSwitchIds", obj{"VSwitchId": ids(c.switchesOf(t))})
		t.set("RouteEntrys", obj{"RouteEntry": entries})
	})
}
