package sim

const (
	kindRouteTable kind = "route_table"
	kindRouteEntry kind = "route_entry"
)

func vpcRoutes() actions {
	return actions{
		"CreateRouteTable": createRouteTable, "DeleteRouteTable": deleteRouteTable, "ModifyRouteTableAttributes": changing((*call).routeTable, "RouteTableName", "RouteTableName", "Description", "Description", "RoutePropagationEnable", "RoutePropagationEnable"),
		"DescribeRouteTableList": describeRouteTables, "DescribeRouteTables": describeRouteTablesOld, "AssociateRouteTable": associateRouteTable, "UnassociateRouteTable": unassociateRouteTable,
		"CreateRouteEntry": createRouteEntry, "DeleteRouteEntry": deleteRouteEntry, "ModifyRouteEntry": modifyRouteEntry,
		"DescribeRouteEntryList": describeRouteEntries,
	}
}

// newRouteTable adds a table of a VPC with its local route.
func (c *call) newRouteTable(id string, vpc *record, kindOfTable string, more obj) *record {
	r := c.create(kindRouteTable, id, merge(obj{
		"RouteTableId": id, "VpcId": vpc.id, "RouterId": vpc.str("VRouterId"), "RouterType": "VRouter", "RouteTableType": kindOfTable,
		"AssociateType": "VSwitch", "Status": "Available", "CreationTime": c.stamp(seconds), "ResourceGroupId": vpc.str("ResourceGroupId"),
		"OwnerId": vpc.attrs["OwnerId"], "RoutePropagationEnable": true,
	}, more))
	c.newRoute(r, vpc.str("CidrBlock"), "System", "local", "")
	return r
}

func (c *call) newRoute(table *record, destination, kindOfRoute, hopType, hop string) *record {
	id := c.w.id("rte-")
	r := c.create(kindRouteEntry, id, obj{
		"RouteEntryId": id, "RouteTableId": table.id, "DestinationCidrBlock": destination, "Type": kindOfRoute, "Status": "Available",
		"IpVersion": "ipv4", "GmtModified": c.stamp(seconds), "RouteEntryName": c.str("RouteEntryName"),
		"NextHopType": hopType, "NextHopId": hop,
		"NextHops": obj{"NextHop": []any{obj{"NextHopType": hopType, "NextHopId": hop, "NextHopRegionId": c.region, "Enabled": 1, "Weight": 0}}},
	})
	r.tags = map[string]string{}
	return r
}

// systemTable is the one that came with a VPC.
func (c *call) systemTable(vpc string) *record {
	for _, t := range c.with(kindRouteTable, "VpcId", vpc) {
		if t.is("RouteTableType", "System") {
			return t
		}
	}
	return &record{attrs: obj{}}
}

func (c *call) removeRouteTable(t *record) {
	for _, e := range c.with(kindRouteEntry, "RouteTableId", t.id) {
		c.w.remove(e)
	}
	c.w.remove(t)
}

func createRouteTable(c *call) (obj, error) {
	vpc, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	if err := c.quota(kindRouteTable, 100, "QuotaExceeded.RouteTable"); err != nil {
		return nil, err
	}
	id := c.w.id("vtb-")
	r := c.newRouteTable(id, vpc, "Custom", obj{
		"RouteTableName": c.str("RouteTableName"), "Description": c.str("Description"), "AssociateType": c.or("AssociateType", "VSwitch"), "Status": "Pending",
	})
	c.becomes(r, "Status", "Available")
	return obj{"RouteTableId": id}, nil
}

var noRouteTable = []string{"InvalidRouteTableId.NotFound", "InvalidRouteTable.NotFound", "ResourceNotFound.RouteTable", "InvalidRouteTableId.NotFound"}

func (c *call) routeTable() (*record, error) {
	return c.need(kindRouteTable, c.str("RouteTableId"), noRouteTable...)
}

// switchesOf are the vSwitches whose table is this one.
func (c *call) switchesOf(table *record) []*record {
	return c.where(kindVSwitch, func(r *record) bool {
		t, _ := r.attrs["RouteTable"].(obj)
		return text(t["RouteTableId"]) == table.id
	})
}

func deleteRouteTable(c *call) (obj, error) {
	t, err := c.routeTable()
	if err != nil {
		return nil, err
	}
	if t.is("RouteTableType", "System") {
		return nil, c.fail("IncorrectRouteTableType", "The system route table cannot be deleted.")
	}
	if len(c.switchesOf(t)) > 0 {
		return nil, c.failOne([]string{"DependencyViolation.VSwitch", "IncorrectRouteTableStatus"}, "The route table is associated with a vSwitch.")
	}
	for _, e := range c.with(kindRouteEntry, "RouteTableId", t.id) {
		if e.is("Type", "Custom") {
			return nil, c.fail("DependencyViolation.RouteEntry", "Specified object has dependent resources.")
		}
	}
	c.removeRouteTable(t)
	return obj{}, nil
}

func describeRouteTables(c *call) (obj, error) {
	records := c.selected(kindRouteTable, "VpcId", "RouterId", "RouteTableId", "RouteTableName", "RouteTableType", "ResourceGroupId")
	for _, t := range records {
		t.set("VSwitchIds", obj{"VSwitchId": ids(c.switchesOf(t))})
	}
	return c.listed("RouterTableList.RouterTableListType", records)
}

func (c *call) tableAndSwitch() (t, v *record, err error) {
	if t, err = c.routeTable(); err != nil {
		return nil, nil, err
	}
	v, err = c.need(kindVSwitch, c.str("VSwitchId"), noVSwitch...)
	return t, v, err
}

func associateRouteTable(c *call) (obj, error) {
	t, v, err := c.tableAndSwitch()
	if err != nil {
		return nil, err
	}
	old, _ := v.attrs["RouteTable"].(obj)
	switch {
	case v.str("VpcId") != t.str("VpcId"):
		return nil, c.fail("Forbidden.NotInSameVpc", "The vSwitch and the route table are not in the same VPC.")
	case !t.is("Status", "Available"):
		return nil, c.fail("IncorrectStatus.RouteTable", "The status of the route table does not support this operation.")
	case !v.is("Status", "Available"):
		return nil, c.fail("IncorrectVSwitchStatus", "The status of the vSwitch does not support this operation.")
	case text(old["RouteTableId"]) == t.id:
		return nil, c.fail("ResourceAlreadyAssociated.RouteTable", "The route table is already associated.")
	case text(old["RouteTableType"]) == "Custom":
		return nil, c.fail("Forbidden.VSwitchAlreadyAssociatedRouteTable", "The vSwitch is associated with another route table.")
	}
	c.switchTable(v, t)
	return obj{}, nil
}

// switchTable gives a vSwitch another table; it is Pending for a while.
func (c *call) switchTable(v, t *record) {
	v.set("Status", "Pending")
	v.set("RouteTable", obj{"RouteTableId": t.id, "RouteTableType": t.str("RouteTableType")})
	c.becomes(v, "Status", "Available")
}

func unassociateRouteTable(c *call) (obj, error) {
	t, v, err := c.tableAndSwitch()
	if err != nil {
		return nil, err
	}
	old, _ := v.attrs["RouteTable"].(obj)
	switch {
	case text(old["RouteTableId"]) != t.id:
		return nil, c.fail("OperationFailed.VSwitchNotAssociate", "The vSwitch is not associated with the route table.")
	case t.is("RouteTableType", "System"):
		return nil, c.fail("OperationUnsupported.SystemRouteTable", "The system route table cannot be unassociated.")
	case !v.is("Status", "Available"):
		return nil, c.fail("IncorrectVSwitchStatus", "The status of the vSwitch does not support this operation.")
	}
	c.switchTable(v, c.systemTable(v.str("VpcId")))
	return obj{}, nil
}
