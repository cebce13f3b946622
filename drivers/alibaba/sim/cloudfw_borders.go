package sim

import "strings"

const (
	kindAddressBook   kind = "address_book"
	kindSecurityProxy kind = "nat_firewall"
	kindVpcFirewall   kind = "vpc_firewall"
	kindFirewallState kind = "firewall_settings"
)

func cloudfwBorders() actions {
	return actions{
		"DescribeUserBuyVersion": buyVersion, "AddAddressBook": addBook, "DescribeAddressBook": describeBooks, "ModifyAddressBook": modifyBook, "DeleteAddressBook": deleteBook,
		"CreateSecurityProxy": createProxy, "DeleteSecurityProxy": deleteProxy, "SwitchSecurityProxy": switchProxy, "DescribeNatFirewallList": describeProxies,
		"CreateVpcFirewallConfigure": createVpcFirewall, "DeleteVpcFirewallConfigure": deleteVpcFirewall, "DescribeVpcFirewallList": describeVpcFirewalls,
		"DescribeVpcFirewallDetail": showing((*call).vpcFirewall), "ModifyVpcFirewallSwitchStatus": switchVpcFirewall,
		"DescribeDefaultIPSConfig": ipsConfig, "ModifyDefaultIPSConfig": modifyIPS, "DescribeVpcFirewallDefaultIPSConfig": vpcIPS, "ModifyVpcFirewallDefaultIPSConfig": modifyVpcIPS,
		"DescribeUserIPSWhitelist": ipsWhitelist, "ModifyUserIPSWhitelist": modifyWhitelist, "ModifyIpsRules": ipsRules, "DescribeRiskEventGroup": noRisks, "DescribeInvadeEventList": noRisks,
		"DescribeAssetList": firewallAssets, "PutEnableFwSwitch": switchAssets("open"), "PutDisableFwSwitch": switchAssets("closed"),
		"PutEnableAllFwSwitch": switchAllAssets("open"), "PutDisableAllFwSwitch": switchAllAssets("closed"), "DescribeInternetOpenIp": noRisks,
		"DescribePostpayUserInternetStatus": postpayStatus, "UpdatePostpayUserInternetStatus": updatePostpay,
	}
}

// settingsOf are an account's firewall settings, made when first asked for.
func (c *call) settingsOf() *record {
	id := "cloudfw-" + c.who.account.uid
	if r := c.find(kindFirewallState, id); r != nil {
		return r
	}
	r := c.w.add(&record{kind: kindFirewallState, id: id, account: c.who.account, region: global, created: c.now, tags: map[string]string{}, attrs: obj{
		"RunMode": 1, "BasicRules": 1, "CtiRules": 1, "PatchRules": 1, "RuleClass": 1, "MaxSdl": 5, "Status": "open", "_open": []string{},
	}})
	return r
}

func buyVersion(c *call) (obj, error) {
	return obj{
		"AliUid": number(c.who.account.uid, 0), "InstanceId": "vipcloudfw-cn-" + c.who.account.uid[:9], "InstanceStatus": "normal", "UserStatus": true, "Version": 4, "MajorVersion": 2,
		"StartTime": 1700000000000, "Expire": 4102444800000, "IpNumber": 400, "VpcNumber": 10, "InternetBandwidth": 200, "NatBandwidth": 200, "VpcBandwidth": 1000,
	}, nil
}

func addBook(c *call) (obj, error) {
	if len(c.with(kindAddressBook, "GroupName", c.str("GroupName"))) > 0 {
		return nil, c.fail("ErrorAddressGroupExist", "The address book already exists.")
	}
	id := c.uuid()
	list := strings.Split(c.str("AddressList"), ",")
	c.create(kindAddressBook, id, obj{
		"GroupUuid": id, "GroupName": c.str("GroupName"), "GroupType": c.str("GroupType"), "Description": c.str("Description"), "AddressList": list,
		"AddressListCount": len(list), "AutoAddTagEcs": number(c.str("AutoAddTagEcs"), 0), "ReferenceCount": 0,
	}).region = global
	return obj{"GroupUuid": id}, nil
}

func describeBooks(c *call) (obj, error) {
	records := c.selected(kindAddressBook, "GroupType")
	if q := c.str("Query"); q != "" {
		records = keep(records, func(r *record) bool {
			return strings.Contains(r.str("GroupName"), q) || contains(r.in("AddressList"), q)
		})
	}
	return c.numbered("Acls", records)
}

func modifyBook(c *call) (obj, error) {
	r, err := c.need(kindAddressBook, c.str("GroupUuid"), "ErrorAddressGroupNotExist")
	if err != nil {
		return nil, err
	}
	c.change(r, "GroupName", "GroupName", "Description", "Description")
	if c.has("AddressList") {
		list := strings.Split(c.str("AddressList"), ",")
		switch c.str("ModifyMode") {
		case "Append":
			list = append(r.in("AddressList"), list...)
		case "Delete":
			left := r.in("AddressList")
			for _, a := range list {
				left = without(left, a)
			}
			list = left
		}
		r.set("AddressList", list)
		r.set("AddressListCount", len(list))
	}
	return obj{}, nil
}

func deleteBook(c *call) (obj, error) {
	r, err := c.need(kindAddressBook, c.str("GroupUuid"), "ErrorAddressGroupNotExist")
	if err != nil {
		return nil, err
	}
	for p := range c.all(kindControlPolicy) {
		if p.is("Source", r.str("GroupName")) || p.is("Destination", r.str("GroupName")) {
			return nil, c.fail("ErrorAddressGroupReference", "The address book is used by a policy.")
		}
	}
	c.w.remove(r)
	return obj{}, nil
}

func createProxy(c *call) (obj, error) {
	nat := c.find(kindNatGateway, c.str("NatGatewayId"))
	if nat == nil || !nat.is("VpcId", c.str("VpcId")) {
		return nil, c.failOne([]string{"ErrorVpcIdError", "ErrorParameters"}, "The NAT gateway is not of the VPC.")
	}
	if len(c.with(kindSecurityProxy, "NatGatewayId", nat.id)) > 0 {
		return nil, c.failOne([]string{"ErrorProxyRouteEntryConflicts", "ErrorProxyNumQuotaTop"}, "The NAT gateway has a firewall.")
	}
	id := "proxy-nat" + c.w.word(20)
	r := c.create(kindSecurityProxy, id, obj{
		"ProxyId": id, "ProxyName": c.str("ProxyName"), "ProxyStatus": "configuring", "RegionId": c.str("RegionNo"), "NatGatewayId": nat.id, "NatGatewayName": nat.str("Name"),
		"VpcId": nat.str("VpcId"), "StrictMode": c.num("StrictMode", 0), "AliUid": number(c.who.account.uid, 0), "NatRouteEntryList": c.args["NatRouteEntryList"],
	})
	r.region = global
	status := map[bool]string{true: "normal", false: "closed"}[c.or("FirewallSwitch", "open") == "open"]
	c.becomes(r, "ProxyStatus", status)
	return obj{"ProxyId": id}, nil
}

func (c *call) proxy() (*record, error) {
	return c.need(kindSecurityProxy, c.str("ProxyId"), "ErrorDBSelectError")
}

func deleteProxy(c *call) (obj, error) {
	r, err := c.proxy()
	if err != nil {
		return nil, err
	}
	r.set("ProxyStatus", "deleting")
	c.later(r, 1, func() { c.w.remove(r) })
	return obj{}, nil
}

func switchProxy(c *call) (obj, error) {
	r, err := c.proxy()
	if err != nil {
		return nil, err
	}
	if r.is("ProxyStatus", "configuring") {
		return nil, c.fail("ErrorProxyStatusNotNormal", "The firewall is being configured.")
	}
	status, by := "closed", "closing"
	if c.is("Switch", "open") {
		status, by = "normal", "opening"
	}
	r.set("ProxyStatus", by)
	c.becomes(r, "ProxyStatus", status)
	return obj{}, nil
}

func describeProxies(c *call) (obj, error) {
	return c.numbered("NatFirewallList", c.selected(kindSecurityProxy, "ProxyId", "ProxyName", "VpcId", "NatGatewayId", "Status=ProxyStatus", "RegionNo=RegionId"))
}

func createVpcFirewall(c *call) (obj, error) {
	id := "vfw-" + c.w.word(20)
	side := func(name string) obj {
		return obj{"VpcId": c.str(name + "VpcId"), "RegionNo": c.str(name + "VpcRegion"), "OwnerId": number(c.who.account.uid, 0), "AuthorizationStatus": "authorized"}
	}
	r := c.create(kindVpcFirewall, id, obj{
		"VpcFirewallId": id, "VpcFirewallName": c.str("VpcFirewallName"), "FirewallSwitchStatus": "configured", "LocalVpc": side("Local"), "PeerVpc": side("Peer"),
		"ConnectType": "expressconnect", "RegionStatus": "enable", "IpsConfig": obj{"BasicRules": 1, "EnableAllPatch": 1, "RunMode": 1, "RuleClass": 1}, "Bandwidth": 1000,
	})
	r.region = global
	r.set("FirewallSwitchStatus", map[bool]string{true: "opened", false: "closed"}[c.is("FirewallSwitch", "open")])
	return obj{"VpcFirewallId": id}, nil
}

func (c *call) vpcFirewall() (*record, error) {
	return c.need(kindVpcFirewall, c.str("VpcFirewallId"), "ErrorVpcFirewallNotFound", "ErrorVpcFirewallId", "ErrorParametersFirewallId")
}

func deleteVpcFirewall(c *call) (obj, error) {
	for _, id := range c.strs("VpcFirewallIdList") {
		r, err := c.need(kindVpcFirewall, id, "ErrorVpcFirewallNotFound")
		if err != nil {
			return nil, err
		}
		if r.is("FirewallSwitchStatus", "opened") {
			return nil, c.fail("ErrorFirewallStatus", "The firewall is open.")
		}
		for _, p := range c.policiesAt(r.id) {
			c.w.remove(p)
		}
		c.w.remove(r)
	}
	return obj{}, nil
}

func describeVpcFirewalls(c *call) (obj, error) {
	return c.numbered("VpcFirewalls", c.selected(kindVpcFirewall, "VpcFirewallId", "VpcFirewallName", "FirewallSwitchStatus"))
}

func switchVpcFirewall(c *call) (obj, error) {
	r, err := c.vpcFirewall()
	if err != nil {
		return nil, err
	}
	to, by := "closed", "closing"
	if c.is("FirewallSwitch", "open") {
		to, by = "opened", "opening"
	}
	r.set("FirewallSwitchStatus", by)
	c.becomes(r, "FirewallSwitchStatus", to)
	return obj{}, nil
}

func ipsConfig(c *call) (obj, error) { return c.show(c.settingsOf(), ""), nil }

func modifyIPS(c *call) (obj, error) {
	c.change(c.settingsOf(), "RunMode", "RunMode", "BasicRules", "BasicRules", "CtiRules", "CtiRules", "PatchRules", "PatchRules", "RuleClass", "RuleClass", "MaxSdl", "MaxSdl")
	return obj{}, nil
}

func vpcIPS(c *call) (obj, error) {
	r, err := c.vpcFirewall()
	if err != nil {
		return nil, err
	}
	return restrict(c.action.Response, r.attrs["IpsConfig"]).(obj), nil
}

func modifyVpcIPS(c *call) (obj, error) {
	r, err := c.vpcFirewall()
	if err != nil {
		return nil, err
	}
	config, _ := clone(r.attrs["IpsConfig"]).(obj)
	for _, name := range []string{"BasicRules", "EnableAllPatch", "RunMode", "RuleClass"} {
		if c.has(name) {
			config[name] = c.num(name, 0)
		}
	}
	r.set("IpsConfig", config)
	return obj{}, nil
}

func ipsWhitelist(c *call) (obj, error) {
	items := []any{}
	for _, o := range objects(c.settingsOf().attrs["_white"]) {
		items = append(items, restrict(c.at("Whitelists"), o))
	}
	return obj{"Whitelists": items}, nil
}

func modifyWhitelist(c *call) (obj, error) {
	r := c.settingsOf()
	left := []any{}
	for _, o := range objects(r.attrs["_white"]) {
		if number(o["Direction"], 0) != c.num("Direction", 0) || number(o["ListType"], 0) != c.num("ListType", 0) {
			left = append(left, o)
		}
	}
	if v := c.str("ListValue"); v != "" {
		left = append(left, obj{"Direction": c.num("Direction", 0), "ListType": c.num("ListType", 0), "WhiteType": c.num("WhiteType", 0), "ListValue": v, "WhiteListValue": strings.Split(v, ",")})
	}
	r.set("_white", left)
	return obj{}, nil
}

func ipsRules(*call) (obj, error) { return obj{}, nil }

// noRisks is the answer of lists that a cloud without traffic leaves empty.
func noRisks(c *call) (obj, error) {
	out := obj{}
	if c.action.Response.Properties["PageInfo"] != nil {
		out["PageInfo"] = obj{"CurrentPage": 1, "PageSize": number(c.str("PageSize"), 10), "TotalCount": 0}
	}
	return out, nil
}

// assetTypes are the firewall's words for what an EIP is bound to.
var assetTypes = map[string]string{"": "EIP", "EcsInstance": "EcsEIP", "NetworkInterface": "EniEIP", "SlbInstance": "SlbEIP", "Nat": "NatEIP"}

// firewallAssets are the public addresses that the internet border can protect.
func firewallAssets(c *call) (obj, error) {
	open := c.settingsOf().in("_open")
	var records []*record
	if s := c.w.records[kindEIP]; s != nil {
		for _, e := range s.order {
			if e.account != c.who.account {
				continue
			}
			status := "closed"
			if contains(open, e.str("IpAddress")) {
				status = "open"
			}
			records = append(records, &record{id: e.id, account: e.account, region: e.region, attrs: obj{
				"InternetAddress": e.str("IpAddress"), "IntranetAddress": e.str("PrivateIpAddress"), "ResourceInstanceId": e.id, "BindInstanceId": e.str("InstanceId"),
				"ResourceType": assetTypes[e.str("InstanceType")], "RegionID": e.region, "ProtectStatus": status, "Name": e.str("Name"), "IpVersion": 4, "AliUid": number(e.account.uid, 0), "SyncStatus": "enable", "RegionStatus": "enable",
			}})
		}
	}
	if q := c.str("SearchItem"); q != "" {
		records = keep(records, func(r *record) bool { return r.is("InternetAddress", q) || r.id == q })
	}
	if status := c.str("Status"); status != "" {
		records = keep(records, func(r *record) bool { return r.is("ProtectStatus", status) })
	}
	return c.numbered("Assets", records)
}

func switchAssets(to string) handler {
	return func(c *call) (obj, error) {
		r := c.settingsOf()
		list := r.in("_open")
		for _, a := range c.strs("IpaddrList") {
			if list = without(list, a); to == "open" {
				list = append(list, a)
			}
		}
		r.set("_open", list)
		return obj{}, nil
	}
}

func switchAllAssets(to string) handler {
	return func(c *call) (obj, error) {
		list := []string{}
		if s := c.w.records[kindEIP]; to == "open" && s != nil {
			for _, e := range s.order {
				if e.account == c.who.account {
					list = append(list, e.str("IpAddress"))
				}
			}
		}
		c.settingsOf().set("_open", list)
		return obj{}, nil
	}
}

func postpayStatus(c *call) (obj, error) {
	return obj{"Status": c.settingsOf().str("Status")}, nil
}

func updatePostpay(c *call) (obj, error) {
	c.settingsOf().set("Status", c.str("Operate"))
	return obj{}, nil
}
