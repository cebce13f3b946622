package sim

const kindLoadBalancer kind = "load_balancer"

func slbBalancers() actions {
	return actions{
		"CreateLoadBalancer": createBalancer, "DeleteLoadBalancer": deleteBalancer, "DescribeLoadBalancers": describeBalancers,
		"DescribeLoadBalancerAttribute": describeBalancer, "SetLoadBalancerName": setBalancerName, "SetLoadBalancerStatus": setBalancerStatus,
		"SetLoadBalancerDeleteProtection": setBalancerProtection, "SetLoadBalancerModificationProtection": changing((*call).balancer, "ModificationProtectionStatus", "ModificationProtectionStatus", "ModificationProtectionReason", "ModificationProtectionReason"),
		"ModifyLoadBalancerInstanceSpec": modifyBalancer, "ModifyLoadBalancerInternetSpec": modifyBalancer,
		"ModifyLoadBalancerInstanceChargeType": modifyBalancer, "ModifyLoadBalancerPayType": modifyBalancer,
		"DescribeRegions": describeRegions, "DescribeZones": describeZones, "DescribeAvailableResource": slbResources, "MoveResourceGroup": moveGroup,
	}
}

func createBalancer(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	addressType := c.or("AddressType", "internet")
	id := c.w.id("lb-")
	attrs := obj{
		"LoadBalancerId": id, "LoadBalancerName": c.or("LoadBalancerName", "auto_named_slb"), "LoadBalancerStatus": "active", "AddressType": addressType,
		"NetworkType": "classic", "VpcId": "", "VSwitchId": "", "AddressIPVersion": c.or("AddressIPVersion", "ipv4"), "Bandwidth": c.num("Bandwidth", 5120),
		"InternetChargeType": chargeWord(c.or("InternetChargeType", "paybytraffic")), "LoadBalancerSpec": c.str("LoadBalancerSpec"), "PayType": c.or("PayType", "PayOnDemand"),
		"CreateTime": c.stamp("2006-01-02T15:04Z"), "CreateTimeStamp": c.millis(), "MasterZoneId": c.or("MasterZoneId", c.region+"-h"),
		"SlaveZoneId": c.or("SlaveZoneId", c.region+"-i"), "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()), "RegionIdAlias": c.region,
		"DeleteProtection": c.or("DeleteProtection", "off"), "ModificationProtectionStatus": c.or("ModificationProtectionStatus", "NonProtection"),
		"ModificationProtectionReason": c.str("ModificationProtectionReason"), "InstanceChargeType": c.or("InstanceChargeType", "PayBySpec"), "EndTime": "2999-09-08T16:00Z",
		"EndTimeStamp": 32493801600000, "_servers": []any{}, "AutoReleaseTime": 0, "RenewalStatus": "",
	}
	if vswitch := c.str("VSwitchId"); vswitch != "" && addressType == "intranet" {
		v, err := c.need(kindVSwitch, vswitch, "InvalidVSwitchId.NotFound")
		if err != nil {
			return nil, err
		}
		if err := c.addressFree(v, c.str("Address")); err != nil {
			return nil, err
		}
		address := c.str("Address")
		if address == "" {
			address, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
		}
		merge(attrs, obj{"NetworkType": "vpc", "VpcId": v.str("VpcId"), "VSwitchId": v.id, "Address": address})
	} else {
		attrs["Address"] = c.w.publicAddress()
	}
	if err := c.quota(kindLoadBalancer, 60, "OverQuota", "OperationForbidden.QuotaLimit"); err != nil {
		return nil, err
	}
	r := c.create(kindLoadBalancer, id, attrs)
	return c.show(r, ""), nil
}

// chargeNumbers is how lists spell what everything else has in words.
var chargeNumbers = map[string]string{"paybybandwidth": "3", "paybytraffic": "4"}

// chargeWord is how describes spell what creates take.
func chargeWord(s string) string {
	switch s {
	case "paybytraffic", "PayByTraffic":
		return "paybytraffic"
	case "paybybandwidth", "PayByBandwidth":
		return "paybybandwidth"
	}
	return s
}

// balancer finds the load balancer of a call. The definitions publish no code for
// most actions when there is none; the documents say InvalidLoadBalancerId.NotFound.
func (c *call) balancer() (*record, error) {
	return c.need(kindLoadBalancer, c.str("LoadBalancerId"), "InvalidLoadBalancerId.NotFound")
}

func deleteBalancer(c *call) (obj, error) {
	r := c.find(kindLoadBalancer, c.str("LoadBalancerId"))
	if r == nil {
		return obj{}, nil // deleting an absent one succeeds
	}
	c.touch(r.id)
	if r.is("DeleteProtection", "on") {
		return nil, c.fail("OperationDenied.DeleteProtectionIsOn", "The load balancer is protected against deletion.")
	}
	for _, k := range []kind{kindListener, kindServerGroup} {
		for _, part := range c.with(k, "LoadBalancerId", r.id) {
			c.w.remove(part)
		}
	}
	c.unbindFrom(r.id)
	c.w.remove(r)
	return obj{}, nil
}

func describeBalancers(c *call) (obj, error) {
	records := c.selected(kindLoadBalancer, "AddressIPVersion", "LoadBalancerStatus", "LoadBalancerName", "AddressType", "InternetChargeType", "VpcId", "VSwitchId",
		"NetworkType", "Address", "MasterZoneId", "SlaveZoneId", "PayType", "ResourceGroupId")
	if server := c.str("ServerId"); server != "" {
		records = keep(records, func(r *record) bool { return contains(c.serversOf(r), server) })
	}
	out, err := c.listed("LoadBalancers.LoadBalancer", c.among(records, "LoadBalancerId"))
	if err != nil {
		return nil, err
	}
	for _, o := range objects(out["LoadBalancers"].(obj)["LoadBalancer"]) {
		o["InternetChargeTypeAlias"] = o["InternetChargeType"]
		o["InternetChargeType"] = chargeNumbers[text(o["InternetChargeType"])]
	}
	return out, nil
}

// serversOf are the ids of all servers behind a load balancer.
func (c *call) serversOf(r *record) []string {
	var out []string
	for _, o := range objects(r.attrs["_servers"]) {
		out = append(out, text(o["ServerId"]))
	}
	for _, g := range c.with(kindServerGroup, "LoadBalancerId", r.id) {
		for _, o := range objects(g.attrs["_servers"]) {
			out = append(out, text(o["ServerId"]))
		}
	}
	return out
}

func describeBalancer(c *call) (obj, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	ports, old, pairs := []any{}, []any{}, []any{}
	for _, l := range c.with(kindListener, "LoadBalancerId", r.id) {
		port, protocol := l.num("ListenerPort"), l.str("ListenerProtocol")
		ports = append(ports, port)
		old = append(old, obj{"ListenerPort": port, "ListenerProtocal": protocol})
		pairs = append(pairs, obj{"ListenerPort": port, "ListenerProtocol": protocol, "Description": l.str("Description"), "ListenerForward": l.str("ListenerForward"), "ForwardPort": l.num("ForwardPort")})
	}
	r.set("ListenerPorts", obj{"ListenerPort": ports})
	r.set("ListenerPortsAndProtocal", obj{"ListenerPortAndProtocal": old})
	r.set("ListenerPortsAndProtocol", obj{"ListenerPortAndProtocol": pairs})
	r.set("BackendServers", obj{"BackendServer": r.attrs["_servers"]})
	return c.show(r, ""), nil
}

func setBalancerName(c *call) (obj, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	r.set("LoadBalancerName", c.str("LoadBalancerName"))
	return obj{}, nil
}

func setBalancerStatus(c *call) (obj, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	if s := c.str("LoadBalancerStatus"); s != "active" && s != "inactive" {
		return nil, c.failOne([]string{"InvalidParameter"}, "The specified status is not valid.")
	}
	r.set("LoadBalancerStatus", c.str("LoadBalancerStatus"))
	return obj{}, nil
}

func setBalancerProtection(c *call) (obj, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	r.set("DeleteProtection", c.str("DeleteProtection"))
	return obj{}, nil
}

func modifyBalancer(c *call) (obj, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	c.change(r, "LoadBalancerSpec", "LoadBalancerSpec", "Bandwidth", "Bandwidth", "PayType", "PayType", "InstanceChargeType", "InstanceChargeType")
	if c.has("InternetChargeType") {
		r.set("InternetChargeType", chargeWord(c.str("InternetChargeType")))
	}
	return obj{}, nil
}

func slbResources(c *call) (obj, error) {
	zones := c.sim.zones(c.region)
	var items []any
	for i, z := range zones {
		items = append(items, obj{"MasterZoneId": z, "SlaveZoneId": zones[(i+1)%len(zones)], "SupportResources": obj{"SupportResource": []any{
			obj{"AddressType": "vpc", "AddressIPVersion": "ipv4"}, obj{"AddressType": "classic_internet", "AddressIPVersion": "ipv4"},
		}}})
	}
	return wrap("AvailableResources.AvailableResource", items), nil
}

// moveGroup serves every product that has the action.
func moveGroup(c *call) (obj, error) {
	r := c.anyKind(c.str("ResourceId"))
	if r == nil {
		return nil, c.failOne([]string{"InvalidResourceId.NotFound", "ResourceNotFound", "InvalidParameter"}, "The specified resource does not exist.")
	}
	r.set("ResourceGroupId", c.str("NewResourceGroupId"))
	return obj{}, nil
}
