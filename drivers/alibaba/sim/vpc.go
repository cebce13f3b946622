package sim

import "slices"

const (
	kindVpc     kind = "vpc"
	kindVSwitch kind = "vswitch"
	kindVRouter kind = "vrouter"
)

func vpcNetworks() actions {
	return actions{
		"CreateVpc": createVpc, "DeleteVpc": deleteVpc, "ModifyVpcAttribute": modifyVpc,
		"DescribeVpcs": describeVpcs, "DescribeVpcAttribute": describeVpcAttribute, "DescribeVRouters": listing("VRouters.VRouter", kindVRouter, "VRouterId"),
		"DescribeRegions": describeRegions, "DescribeZones": describeZones,
	}
}

func createVpc(c *call) (obj, error) {
	cidr := c.or("CidrBlock", "172.16.0.0/12")
	if p, ok := parseCIDR(cidr); !ok || p.Bits() < 8 || p.Bits() > 28 || !p.Addr().IsPrivate() {
		return nil, c.failOne([]string{"IllegalParam.CidrBlock", "IllegalParam.CidrBlockMask", "InvalidParameter"}, "The specified CidrBlock is not valid.")
	}
	if err := c.quota(kindVpc, 10, "QuotaExceeded.Vpc"); err != nil {
		return nil, err
	}
	id, router, table := c.w.id("vpc-"), c.w.id("vrt-"), c.w.id("vtb-")
	group := c.or("ResourceGroupId", c.defaultGroup())
	r := c.create(kindVpc, id, obj{
		"VpcId": id, "VpcName": c.str("VpcName"), "Description": c.str("Description"), "CidrBlock": cidr, "Status": "Pending",
		"CreationTime": c.stamp(seconds), "VRouterId": router, "ResourceGroupId": group, "OwnerId": number(c.who.account.uid, 0),
		"IsDefault": false, "EnabledIpv6": c.yes("EnableIpv6"), "RouterTableIds": obj{"RouterTableIds": []any{table}},
		"UserCidrs": obj{"UserCidr": anys(c.strs("UserCidr"))}, "DhcpOptionsSetStatus": "Available", "DnsHostnameStatus": "DISABLED",
	})
	c.becomes(r, "Status", "Available")
	c.create(kindVRouter, router, obj{
		"VRouterId": router, "VpcId": id, "CreationTime": c.stamp(seconds), "RouteTableIds": obj{"RouteTableId": []any{table}},
	}).tags = map[string]string{}
	c.newRouteTable(table, r, "System", obj{}).tags = map[string]string{}
	return obj{"VpcId": id, "VRouterId": router, "RouteTableId": table, "ResourceGroupId": group}, nil
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

var noVpc = []string{"InvalidVpcId.NotFound", "InvalidVpcID.NotFound", "InvalidVpcId.NotFound"}

func deleteVpc(c *call) (obj, error) {
	r, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	for _, d := range []struct {
		kind kind
		code string
	}{
		{kindVSwitch, "DependencyViolation.VSwitch"}, {kindSecurityGroup, "DependencyViolation.SecurityGroup"},
		{kindNatGateway, "DependencyViolation.NatGateway"}, {kindVpnGateway, "DependencyViolation.RouteInterface"},
		{kindNetworkAcl, "DependencyViolation.NetworkAcl"},
	} {
		if len(c.with(d.kind, "VpcId", r.id)) > 0 {
			return nil, c.fail(d.code, "Specified object has dependent resources.")
		}
	}
	tables := c.with(kindRouteTable, "VpcId", r.id)
	if slices.ContainsFunc(tables, func(t *record) bool { return t.is("RouteTableType", "Custom") }) {
		return nil, c.fail("DependencyViolation.CustomRouteTable", "Specified object has dependent resources.")
	}
	for _, t := range tables {
		c.removeRouteTable(t)
	}
	for _, v := range c.with(kindVRouter, "VpcId", r.id) {
		c.w.remove(v)
	}
	c.w.remove(r)
	return obj{}, nil
}

func modifyVpc(c *call) (obj, error) {
	r, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Available") {
		return nil, c.fail("IncorrectVpcStatus", "Current VPC status does not support this operation.")
	}
	c.change(r, "VpcName", "VpcName", "Description", "Description", "EnableIPv6", "EnabledIpv6")
	return obj{}, nil
}

func describeVpcs(c *call) (obj, error) {
	records := c.among(c.selected(kindVpc, "VpcName", "IsDefault", "ResourceGroupId"), "VpcId")
	return c.listedAfter("Vpcs.Vpc", records, c.refreshVpc)
}

// refreshVpc fills the members that follow from other resources.
func (c *call) refreshVpc(r *record) {
	r.set("VSwitchIds", obj{"VSwitchId": ids(c.with(kindVSwitch, "VpcId", r.id))})
	r.set("NatGatewayIds", obj{"NatGatewayIds": ids(c.with(kindNatGateway, "VpcId", r.id))})
	r.set("RouterTableIds", obj{"RouterTableIds": ids(c.with(kindRouteTable, "VpcId", r.id))})
}

func ids(records []*record) []any {
	out := make([]any, len(records))
	for i, r := range records {
		out[i] = r.id
	}
	return out
}

func describeVpcAttribute(c *call) (obj, error) {
	r, err := c.need(kindVpc, c.str("VpcId"), noVpc...)
	if err != nil {
		return nil, err
	}
	c.refreshVpc(r)
	return c.show(r, ""), nil
}
