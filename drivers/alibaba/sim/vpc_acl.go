package sim

const kindNetworkAcl kind = "network_acl"

func vpcAcls() actions {
	return actions{
		"CreateNetworkAcl": createAcl, "DeleteNetworkAcl": deleteAcl, "DescribeNetworkAcls": describeAcls, "DescribeNetworkAclAttributes": describeAcl,
		"ModifyNetworkAclAttributes": changing((*call).acl, "NetworkAclName", "NetworkAclName", "Description", "Description"), "UpdateNetworkAclEntries": updateAclEntries, "AssociateNetworkAcl": associateAcl,
		"UnassociateNetworkAcl": unassociateAcl, "CopyNetworkAclEntries": copyAclEntries,
	}
}

func createAcl(c *call) (obj, error) {
	vpc, err := c.need(kindVpc, c.str("VpcId"), "InvalidVpcId.NotFound")
	if err != nil {
		return nil, err
	}
	if err := c.quota(kindNetworkAcl, 200, "QuotaExceed.NetworkAcl"); err != nil {
		return nil, err
	}
	id := c.w.id("nacl-")
	r := c.create(kindNetworkAcl, id, obj{
		"NetworkAclId": id, "VpcId": vpc.id, "NetworkAclName": c.str("NetworkAclName"), "Description": c.str("Description"), "Status": "Available",
		"CreationTime": c.stamp(seconds), "OwnerId": vpc.attrs["OwnerId"], "Resources": obj{"Resource": []any{}},
		"IngressAclEntries": obj{"IngressAclEntry": []any{c.aclEntry(obj{"SourceCidrIp": "0.0.0.0/0"}, "SourceCidrIp")}},
		"EgressAclEntries":  obj{"EgressAclEntry": []any{c.aclEntry(obj{"DestinationCidrIp": "0.0.0.0/0"}, "DestinationCidrIp")}},
	})
	return obj{"NetworkAclId": id, "NetworkAclAttribute": c.show(r, "NetworkAclAttribute")}, nil
}

// aclEntry is a rule as kept; what is not said accepts everything.
func (c *call) aclEntry(in obj, side string) obj {
	return obj{
		"NetworkAclEntryId": textOr(in["NetworkAclEntryId"], c.w.id("nae-")), "NetworkAclEntryName": text(in["NetworkAclEntryName"]),
		"Policy": textOr(in["Policy"], "accept"), "Protocol": textOr(in["Protocol"], "all"), "Port": textOr(in["Port"], "-1/-1"),
		"Description": text(in["Description"]), "EntryType": textOr(in["EntryType"], "custom"), "IpVersion": textOr(in["IpVersion"], "IPV4"), side: text(in[side]),
	}
}

func (c *call) acl() (*record, error) {
	r, err := c.need(kindNetworkAcl, c.str("NetworkAclId"), "InvalidNetworkAcl.NotFound")
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Available") && !c.action.Reads {
		return nil, c.failOne([]string{"NetworkStatus.Modifying"}, "The network ACL is being modified.")
	}
	return r, nil
}

func aclResources(r *record) []obj {
	o, _ := r.attrs["Resources"].(obj)
	return objects(o["Resource"])
}

func deleteAcl(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	if len(aclResources(r)) > 0 {
		return nil, c.failOne([]string{"DependencyViolation.NetworkAcl", "OperationDenied.NetworkAclAttachmentInMiddleStatus"}, "The network ACL is associated with a vSwitch.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func describeAcls(c *call) (obj, error) {
	records := c.selected(kindNetworkAcl, "NetworkAclId", "NetworkAclName", "VpcId")
	if id := c.str("ResourceId"); id != "" {
		records = keep(records, func(r *record) bool {
			for _, o := range aclResources(r) {
				if text(o["ResourceId"]) == id {
					return true
				}
			}
			return false
		})
	}
	return c.listed("NetworkAcls.NetworkAcl", records)
}

func describeAcl(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	return obj{"NetworkAclAttribute": c.show(r, "NetworkAclAttribute")}, nil
}

// maxAclEntries is how many rules a direction takes.
const maxAclEntries = 20

func updateAclEntries(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	for _, d := range []struct{ flag, parameter, inner, side string }{
		{"UpdateIngressAclEntries", "IngressAclEntries", "IngressAclEntry", "SourceCidrIp"},
		{"UpdateEgressAclEntries", "EgressAclEntries", "EgressAclEntry", "DestinationCidrIp"},
	} {
		if !c.yes(d.flag) {
			continue
		}
		list := c.list(d.parameter)
		if len(list) > maxAclEntries {
			return nil, c.fail("QuotaExceed.NetworkAclEntry", "The network ACL has too many entries.")
		}
		entries := []any{}
		for _, in := range list {
			if text(in[d.side]) == "" || !goodPolicy(text(in["Policy"])) {
				return nil, c.failOne([]string{"ParameterIllegal.Policy", "InvalidParameter"}, "The entry is not valid.")
			}
			entries = append(entries, c.aclEntry(in, d.side))
		}
		r.set(d.parameter, obj{d.inner: entries})
	}
	c.modifying(r)
	return obj{}, nil
}

func goodPolicy(s string) bool { return s == "" || s == "accept" || s == "drop" }

func (c *call) modifying(r *record) {
	r.set("Status", "Modifying")
	c.becomes(r, "Status", "Available")
}

func copyAclEntries(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	source, err := c.need(kindNetworkAcl, c.str("SourceNetworkAclId"), "InvalidSourceNetworkAcl.NotFound")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"IngressAclEntries", "EgressAclEntries"} {
		r.set(name, clone(source.attrs[name]))
	}
	c.modifying(r)
	return obj{}, nil
}

func associateAcl(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	list := anys(aclResources(r))
	for _, in := range c.list("Resource") {
		v := c.find(kindVSwitch, text(in["ResourceId"]))
		switch {
		case v == nil:
			return nil, c.fail("InvalidResource.NotFound", "The specified resource does not exist.")
		case !v.is("VpcId", r.str("VpcId")):
			return nil, c.fail("InvalidResource.VpcError", "The resource is not of the VPC.")
		case v.str("NetworkAclId") != "":
			return nil, c.fail("InvalidResource.BindingExist", "The resource has a network ACL.")
		}
		v.set("NetworkAclId", r.id)
		item := obj{"ResourceId": v.id, "ResourceType": "VSwitch", "Status": "BINDING"}
		c.later(r, 1, func() { item["Status"] = "BINDED" })
		list = append(list, item)
	}
	r.set("Resources", obj{"Resource": list})
	c.modifying(r)
	return obj{}, nil
}

func unassociateAcl(c *call) (obj, error) {
	r, err := c.acl()
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, in := range c.list("Resource") {
		v := c.find(kindVSwitch, text(in["ResourceId"]))
		if v == nil {
			return nil, c.fail("InvalidResource.NotFound", "The specified resource does not exist.")
		}
		if !v.is("NetworkAclId", r.id) {
			return nil, c.fail("InvalidResource.NotBinding", "The resource is not associated with the network ACL.")
		}
		gone[v.id] = true
	}
	for _, o := range aclResources(r) {
		if gone[text(o["ResourceId"])] {
			o["Status"] = "UNBINDING"
		}
	}
	r.set("Status", "Modifying")
	c.later(r, 1, func() {
		left := []any{}
		for _, o := range aclResources(r) {
			id := text(o["ResourceId"])
			if gone[id] {
				if v := c.w.byID(kindVSwitch, id); v != nil {
					v.set("NetworkAclId", "")
				}
				continue
			}
			left = append(left, o)
		}
		r.set("Resources", obj{"Resource": left})
		r.set("Status", "Available")
	})
	return obj{}, nil
}
