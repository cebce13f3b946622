package sim

import (
	"net/netip"
	"strconv"
)

const (
	kindVpnGateway      kind = "vpn_gateway"
	kindCustomerGateway kind = "customer_gateway"
	kindVpnConnection   kind = "vpn_connection"
	kindVpnRoute        kind = "vpn_route_entry"
)

func vpnGateways() actions {
	return actions{
		"CreateVpnGateway": createVpnGateway, "DeleteVpnGateway": deleteVpnGateway, "DescribeVpnGateways": listing("VpnGateways.VpnGateway", kindVpnGateway, "VpcId", "VpnGatewayId", "Status", "BusinessStatus", "ResourceGroupId"),
		"DescribeVpnGateway": showing((*call).vpnGateway), "ModifyVpnGatewayAttribute": modifyVpnGateway,
		"CreateCustomerGateway": createCustomerGateway, "DeleteCustomerGateway": deleteCustomerGateway,
		"DescribeCustomerGateways": listing("CustomerGateways.CustomerGateway", kindCustomerGateway, "CustomerGatewayId", "ResourceGroupId"), "DescribeCustomerGateway": showing((*call).customerGateway),
		"ModifyCustomerGatewayAttribute": modifyCustomerGateway, "CreateVpnRouteEntry": createVpnRoute, "DeleteVpnRouteEntry": deleteVpnRoute,
		"DescribeVpnRouteEntries": describeVpnRoutes, "PublishVpnRouteEntry": publishVpnRoute,
	}
}

// millis is a time as VPN actions show it.
func (c *call) millis() int { return int(c.now.UnixMilli()) }

func createVpnGateway(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	vpc, err := c.need(kindVpc, c.str("VpcId"), "InvalidVpcId.NotFound")
	if err != nil {
		return nil, err
	}
	bandwidth := c.num("Bandwidth", 0)
	if !contains([]string{"5", "10", "20", "50", "100", "200", "500", "1000"}, strconv.Itoa(bandwidth)) {
		return nil, c.failOne([]string{"InvalidSpec.NotFound", "InvalidParameter"}, "The bandwidth is not supported.")
	}
	vswitch := c.str("VSwitchId")
	switches := c.with(kindVSwitch, "VpcId", vpc.id)
	if vswitch == "" && len(switches) > 0 {
		vswitch = switches[0].id
	}
	if v := c.find(kindVSwitch, vswitch); v == nil || !v.is("VpcId", vpc.id) {
		return nil, c.fail("InvalidVSwitchId.NotFound", "The specified vSwitch does not exist.")
	}
	if second := c.str("DisasterRecoveryVSwitchId"); second != "" && c.find(kindVSwitch, second) == nil {
		return nil, c.fail("InvalidVSwitchId.NotFound", "The specified vSwitch does not exist.")
	}
	id := c.w.id("vpn-")
	charge := map[bool]string{true: "Prepay", false: "PostpayByFlow"}[c.is("InstanceChargeType", "PREPAY")]
	enabled := func(name string, absent string) string {
		return map[bool]string{true: "enable", false: "disable"}[c.or(name, absent) == "true"]
	}
	r := c.create(kindVpnGateway, id, obj{
		"VpnGatewayId": id, "Name": c.str("Name"), "VpcId": vpc.id, "VSwitchId": vswitch, "DisasterRecoveryVSwitchId": c.str("DisasterRecoveryVSwitchId"),
		"Status": "init", "BusinessStatus": "Normal", "Spec": strconv.Itoa(bandwidth) + "M", "InternetIp": c.w.publicAddress(),
		"DisasterRecoveryInternetIp": c.w.publicAddress(), "CreateTime": c.millis(), "EndTime": int(c.now.AddDate(0, 1, 0).UnixMilli()), "ChargeType": charge,
		"IpsecVpn": enabled("EnableIpsec", "true"), "SslVpn": enabled("EnableSsl", "false"), "SslMaxConnections": c.num("SslConnections", 5),
		"AutoPropagate": false, "EnableBgp": false, "VpnType": c.or("VpnType", "Normal"), "NetworkType": c.or("NetworkType", "public"),
		"Description": "", "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()), "Tag": `{"VpnEnableBgp":"true"}`,
	})
	c.becomes(r, "Status", "provisioning")
	c.later(r, 2, func() { r.set("Status", "active") })
	return obj{"VpnGatewayId": id, "Name": c.str("Name"), "OrderId": number(c.w.digits(15), 0)}, nil
}

func (c *call) vpnGateway() (*record, error) {
	r, err := c.need(kindVpnGateway, c.str("VpnGatewayId"), "InvalidVpnGatewayInstanceId.NotFound")
	if err == nil && !c.action.Reads && !r.is("Status", "active") {
		return nil, c.fail("VpnGateway.Configuring", "The VPN gateway is being configured.")
	}
	return r, err
}

func deleteVpnGateway(c *call) (obj, error) {
	r, err := c.vpnGateway()
	if err != nil {
		return nil, err
	}
	if len(c.with(kindVpnConnection, "VpnGatewayId", r.id)) > 0 {
		return nil, c.fail("DependencyViolation.VpnConnection", "The VPN gateway has connections.")
	}
	for _, e := range c.with(kindVpnRoute, "VpnInstanceId", r.id) {
		c.w.remove(e)
	}
	r.set("Status", "deleting")
	c.later(r, 1, func() { c.w.remove(r) })
	return obj{}, nil
}

func modifyVpnGateway(c *call) (obj, error) {
	r, err := c.vpnGateway()
	if err != nil {
		return nil, err
	}
	c.change(r, "Name", "Name", "Description", "Description", "AutoPropagate", "AutoPropagate")
	return c.show(r, ""), nil
}

func createCustomerGateway(c *call) (obj, error) {
	if _, err := netip.ParseAddr(c.str("IpAddress")); err != nil {
		return nil, c.fail("InvalidIpAddress.WrongFormat", "The specified IP address is not valid.")
	}
	if len(c.with(kindCustomerGateway, "IpAddress", c.str("IpAddress"))) > 0 {
		return nil, c.fail("InvalidIpAddress.AlreadyExist", "The specified IP address already exists.")
	}
	if err := c.quota(kindCustomerGateway, 100, "CreateVpnUserGatewayQuotaFull.QuotaFull"); err != nil {
		return nil, err
	}
	id := c.w.id("cgw-")
	attrs := obj{
		asIs: true, "CustomerGatewayId": id, "IpAddress": c.str("IpAddress"), "Name": c.str("Name"), "Description": c.str("Description"), "CreateTime": c.millis(),
		"AuthKey": c.str("AuthKey"), "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()),
	}
	if c.has("Asn") {
		attrs["Asn"] = c.num("Asn", 0)
	}
	return c.show(c.create(kindCustomerGateway, id, attrs), ""), nil
}

func (c *call) customerGateway() (*record, error) {
	return c.need(kindCustomerGateway, c.str("CustomerGatewayId"), "InvalidCustomerGatewayInstanceId.NotFound")
}

func deleteCustomerGateway(c *call) (obj, error) {
	r, err := c.customerGateway()
	if err != nil {
		return nil, err
	}
	for v := range c.all(kindVpnConnection) {
		if v.is("CustomerGatewayId", r.id) || contains(v.in("_customers"), r.id) {
			return nil, c.fail("DependencyViolation.VpnConnection", "The customer gateway has connections.")
		}
	}
	c.w.remove(r)
	return obj{}, nil
}

func modifyCustomerGateway(c *call) (obj, error) {
	r, err := c.customerGateway()
	if err != nil {
		return nil, err
	}
	c.change(r, "Name", "Name", "Description", "Description", "AuthKey", "AuthKey")
	return c.show(r, ""), nil
}

func createVpnRoute(c *call) (obj, error) {
	g, err := c.vpnGateway()
	if err != nil {
		return nil, err
	}
	if c.find(kindVpnConnection, c.str("NextHop")) == nil {
		return nil, c.fail("InvalidNextHop.NotFound", "The specified next hop does not exist.")
	}
	if c.vpnRoute() != nil {
		return nil, c.fail("VpnRouteEntry.AlreadyExists", "The route already exists.")
	}
	id := c.w.id("vpnr-")
	state := map[bool]string{true: "published", false: "normal"}[c.yes("PublishVpc")]
	r := c.create(kindVpnRoute, id, obj{
		"VpnInstanceId": g.id, "RouteDest": c.str("RouteDest"), "NextHop": c.str("NextHop"), "Weight": c.num("Weight", 0), "State": state,
		"CreateTime": c.millis(), "RouteEntryType": "custom", "Source": "static", "Description": c.str("Description"), "OverlayMode": c.or("OverlayMode", "Ipsec"),
	})
	return c.show(r, ""), nil
}

func (c *call) vpnRoute() *record {
	for _, r := range c.with(kindVpnRoute, "VpnInstanceId", c.str("VpnGatewayId")) {
		if r.is("RouteDest", c.str("RouteDest")) && r.is("NextHop", c.str("NextHop")) {
			return r
		}
	}
	return nil
}

func deleteVpnRoute(c *call) (obj, error) {
	if _, err := c.vpnGateway(); err != nil {
		return nil, err
	}
	r := c.vpnRoute()
	if r == nil {
		return nil, c.fail("InvalidRouteEntry.NotFound", "The route does not exist.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func publishVpnRoute(c *call) (obj, error) {
	r := c.vpnRoute()
	if r == nil {
		return nil, c.failOne([]string{"InvalidVpnRouteEntry.NotFound"}, "The route does not exist.")
	}
	r.set("State", map[bool]string{true: "published", false: "normal"}[c.yes("PublishVpc")])
	return obj{}, nil
}

func describeVpnRoutes(c *call) (obj, error) {
	return c.listed("VpnRouteEntries.VpnRouteEntry", c.with(kindVpnRoute, "VpnInstanceId", c.str("VpnGatewayId")))
}
