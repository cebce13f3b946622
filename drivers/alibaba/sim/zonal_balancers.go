package sim

import "strings"

func (p *zonal) createBalancer(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	if vpc := c.find(kindVpc, c.str("VpcId")); vpc == nil {
		return nil, c.failOne([]string{"ResourceNotFound.Vpc", "ResourceNotFound.VSwitch"}, "The specified VPC is not found.")
	}
	mappings := c.list("ZoneMappings")
	if err := p.checkZones(c, mappings); err != nil {
		return nil, err
	}
	if err := c.quota(p.balancers, 60, "QuotaExceeded.LoadBalancersNum", "QuotaExceeded.QuotaInsufficient"); err != nil {
		return nil, err
	}
	id := c.w.id(p.prefix)
	attrs := obj{
		"LoadBalancerId": id, "LoadBalancerName": c.str("LoadBalancerName"), "LoadBalancerStatus": "Provisioning", "LoadBalancerType": "network",
		"LoadBalancerBussinessStatus": "Normal", "LoadBalancerBusinessStatus": "Normal", "AddressType": c.str("AddressType"), "VpcId": c.str("VpcId"),
		"AddressIpVersion": c.or("AddressIpVersion", "IPv4"), "AddressAllocatedMode": c.or("AddressAllocatedMode", "Fixed"), "CreateTime": c.stamp(seconds),
		"LoadBalancerEdition": c.str("LoadBalancerEdition"), "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()),
		"LoadBalancerBillingConfig": obj{"PayType": "PostPay"}, "DNSName": id + "." + c.region + "." + strings.TrimSuffix(p.prefix, "-") + ".aliyuncs.com",
		"DeletionProtectionConfig":     obj{"Enabled": c.yes("DeletionProtectionEnabled") || isTrue(c.member("DeletionProtectionConfig")["Enabled"]), "EnabledTime": ""},
		"ModificationProtectionConfig": obj{"Status": textOr(c.member("ModificationProtectionConfig")["Status"], "NonProtection"), "Reason": ""},
		"CrossZoneEnabled":             true, "LoadBalancerOperationLocks": []any{}, "OperationLocks": []any{}, "SecurityGroupIds": []any{},
	}
	zones, err := p.zoneAddresses(c, id, mappings)
	if err != nil {
		return nil, err
	}
	attrs["ZoneMappings"] = zones
	r := c.create(p.balancers, id, attrs)
	c.becomes(r, "LoadBalancerStatus", "Active")
	return restrict(c.action.Response, obj{"LoadBalancerId": id, "LoadbalancerId": id}).(obj), nil
}

// checkZones wants two zones, each with a vSwitch of the VPC that is in it.
func (p *zonal) checkZones(c *call, mappings []obj) error {
	seen := map[string]bool{}
	for _, m := range mappings {
		v := c.find(kindVSwitch, text(m["VSwitchId"]))
		zone := text(m["ZoneId"])
		switch {
		case v == nil || !v.is("VpcId", c.str("VpcId")):
			return c.fail("ResourceNotFound.VSwitch", "The specified vSwitch is not found.")
		case !v.is("ZoneId", zone):
			return c.failOne([]string{"Mismatch.ZoneIdAndVSwitchId", "Mismatch.ZoneIdAndVswitchId"}, "The vSwitch is not in the zone.")
		case seen[zone]:
			return c.failOne([]string{"DuplicatedParam.ZoneId", "OperationFailed.DuplicateZones."}, "A zone is given twice.")
		}
		seen[zone] = true
	}
	if len(seen) < min(2, len(c.sim.zones(c.region))) {
		return c.failOne([]string{"InvalidZones", "InvalidParameter"}, "At least two zones are needed.")
	}
	return nil
}

// zoneAddresses gives the instance an interface in each zone, which is the cloud's own.
func (p *zonal) zoneAddresses(c *call, id string, mappings []obj) ([]any, error) {
	public := c.is("AddressType", "Internet")
	var zones []any
	var made []*record
	for _, m := range mappings {
		v := c.find(kindVSwitch, text(m["VSwitchId"]))
		wanted := textOr(m["IntranetAddress"], text(m["PrivateIPv4Address"]))
		nic, err := c.newInterface(v, nil, wanted, obj{
			"Type": "Secondary", "Status": "InUse", "ServiceManaged": true, "ServiceID": 1, "Description": "created by " + id, "_balancer": id,
			"ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()),
		})
		if err != nil {
			for _, r := range made {
				c.w.remove(r)
			}
			return nil, c.failOne([]string{"ResourceNotEnough.VSwitchIp", "ResourceInUse.IP"}, "The vSwitch cannot give the address.")
		}
		made = append(made, nic)
		nic.tags = map[string]string{}
		private, address := nic.str("PrivateIpAddress"), obj{"EniId": nic.id}
		address["PrivateIPv4Address"], address["Address"], address["IntranetAddress"] = private, private, ""
		if public {
			out := c.w.publicAddress()
			address["PublicIPv4Address"], address["Address"], address["IntranetAddress"] = out, out, private
		}
		zones = append(zones, obj{
			"VSwitchId": v.id, "ZoneId": v.str("ZoneId"), "Status": "Active", "LoadBalancerAddresses": []any{address},
		})
	}
	return zones, nil
}

func (p *zonal) listBalancers(c *call) (obj, error) {
	records := c.among(c.selected(p.balancers, "LoadBalancerStatus", "AddressType", "ResourceGroupId", "AddressIpVersion", "DNSName",
		"LoadBalancerBussinessStatus", "LoadBalancerBusinessStatus", "LoadBalancerType"), "LoadBalancerIds")
	return c.listed("LoadBalancers", oneOfEach(c, records, "LoadBalancerNames=LoadBalancerName", "VpcIds=VpcId"))
}

// oneOfEach keeps the records whose attribute is one of those that a list parameter
// names, if it was sent: pairs "parameter=attribute".
func oneOfEach(c *call, records []*record, pairs ...string) []*record {
	for _, pair := range pairs {
		parameter, attr, _ := strings.Cut(pair, "=")
		if want := c.strs(parameter); len(want) > 0 {
			records = keep(records, func(r *record) bool { return contains(want, r.str(attr)) })
		}
	}
	return records
}

func (p *zonal) updateBalancer(c *call) (obj, error) {
	r, err := p.balancer(c)
	if err != nil {
		return nil, err
	}
	if err := settled(c, r, "LoadBalancerStatus", balancerBusy, "Active", "Inactive"); err != nil {
		return nil, err
	}
	name := c.or("LoadBalancerName", r.str("LoadBalancerName"))
	r.set("LoadBalancerStatus", "Configuring")
	return p.job(c, r, "loadbalancer", "Update", func() {
		r.set("LoadBalancerName", name)
		r.set("LoadBalancerStatus", "Active")
	}), nil
}

func (p *zonal) protect(on bool) handler {
	return func(c *call) (obj, error) {
		r := c.find(p.balancers, c.str("ResourceId"))
		if r == nil {
			return nil, p.absent(c, "LoadBalancer")
		}
		c.touch(r.id)
		r.set("DeletionProtectionConfig", obj{"Enabled": on, "EnabledTime": c.stamp(seconds)})
		return obj{}, nil
	}
}

func (p *zonal) updateProtection(c *call) (obj, error) {
	r, err := p.balancer(c)
	if err != nil {
		return nil, err
	}
	c.touch(r.id)
	if c.has("DeletionProtectionEnabled") {
		r.set("DeletionProtectionConfig", obj{"Enabled": c.yes("DeletionProtectionEnabled"), "Reason": c.str("DeletionProtectionReason"), "EnabledTime": c.stamp(seconds)})
	}
	if c.has("ModificationProtectionStatus") {
		r.set("ModificationProtectionConfig", obj{"Status": c.str("ModificationProtectionStatus"), "Reason": c.str("ModificationProtectionReason")})
	}
	return obj{}, nil
}

// deleteBalancer takes the listeners and the interfaces along; server groups stay.
func (p *zonal) deleteBalancer(c *call) (obj, error) {
	r, err := p.balancer(c)
	if err != nil {
		return nil, err
	}
	if o, _ := r.attrs["DeletionProtectionConfig"].(obj); isTrue(o["Enabled"]) {
		return nil, c.fail("OperationDenied.DeletionProtectionEnabled", "The load balancer is protected against deletion.")
	}
	if err := settled(c, r, "LoadBalancerStatus", balancerBusy, "Active", "Inactive", "CreateFailed"); err != nil {
		return nil, err
	}
	r.set("LoadBalancerStatus", "Deleting")
	return p.job(c, r, "loadbalancer", "Delete", func() {
		for _, l := range c.with(p.listeners, "LoadBalancerId", r.id) {
			c.w.remove(l)
		}
		for _, nic := range c.with(kindInterface, "_balancer", r.id) {
			c.w.remove(nic)
		}
		c.w.remove(r)
	}), nil
}
