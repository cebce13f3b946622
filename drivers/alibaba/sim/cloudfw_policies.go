package sim

import (
	"slices"
	"strconv"
)

const kindControlPolicy kind = "control_policy"

// cloudfwPolicies are the rules of the three borders: the internet's, NAT gateways'
// and between VPCs. A border is "in" or "out", a NAT gateway and a direction, or a
// VPC firewall.
func cloudfwPolicies() actions {
	return actions{
		"AddControlPolicy": addPolicy, "DescribeControlPolicy": describePolicies, "ModifyControlPolicy": modifyPolicy,
		"ModifyControlPolicyPriority": movePolicy("Order"), "DeleteControlPolicy": deleteControlPolicy, "DescribePolicyPriorUsed": priorUsed,
		"CreateNatFirewallControlPolicy": addPolicy, "DescribeNatFirewallControlPolicy": describePolicies, "ModifyNatFirewallControlPolicy": modifyPolicy,
		"ModifyNatFirewallControlPolicyPosition": movePolicy("NewOrder"), "DeleteNatFirewallControlPolicy": deleteControlPolicy,
		"DescribeNatFirewallPolicyPriorUsed": priorUsed,
		"CreateVpcFirewallControlPolicy":     addPolicy, "DescribeVpcFirewallControlPolicy": describePolicies, "ModifyVpcFirewallControlPolicy": modifyPolicy,
		"ModifyVpcFirewallControlPolicyPosition": movePolicy("NewOrder"), "DeleteVpcFirewallControlPolicy": deleteControlPolicy,
		"DescribeVpcFirewallPolicyPriorUsed": priorUsed, "DescribeVpcFirewallAclGroupList": vpcAclGroups,
	}
}

// bought makes the actions of a service refuse who has not bought it.
func bought(service, code string, all actions) actions {
	out := actions{}
	for name, do := range all {
		out[name] = func(c *call) (obj, error) {
			if contains(c.sim.faults.Unsold, service) {
				return nil, c.fail(code, "You have not bought the service.")
			}
			return do(c)
		}
	}
	return out
}

// border names the list of rules that a call is about.
func (c *call) border() string {
	if id := c.str("VpcFirewallId"); id != "" {
		return id
	}
	if id := c.str("NatGatewayId"); id != "" {
		return id + "/" + c.or("Direction", "out")
	}
	return c.str("Direction")
}

// policiesAt are a border's rules by order.
func (c *call) policiesAt(border string) []*record {
	list := c.with(kindControlPolicy, "_border", border)
	slices.SortFunc(list, func(a, b *record) int { return a.num("Order") - b.num("Order") })
	return list
}

func renumber(list []*record) {
	for i, r := range list {
		r.set("Order", i+1)
	}
}

func addPolicy(c *call) (obj, error) {
	if err := c.goodRule(); err != nil {
		return nil, err
	}
	border := c.border()
	if c.has("NatGatewayId") && c.find(kindNatGateway, c.str("NatGatewayId")) == nil {
		return nil, c.fail("ErrorParametersNatGatewayId", "The NAT gateway does not exist.")
	}
	list := c.policiesAt(border)
	place := number(c.str("NewOrder"), 0)
	if place == -1 {
		place = len(list) + 1
	}
	if place < 1 || place > len(list)+1 {
		return nil, c.failOne([]string{"ErrorParametersNewOrder", "ErrorParameters"}, "The order is not valid.")
	}
	id := c.uuid()
	attrs := obj{
		"AclUuid": id, "_border": border, "HitTimes": 0, "CreateTime": int(c.now.Unix()), "ModifyTime": int(c.now.Unix()), "Release": "true", "SpreadCnt": 1,
		"DestPort": "0/0", "DestPortType": "port", "DestPortGroup": "", "IpVersion": 4, "RepeatType": "Permanent", "Direction": "", "ApplicationName": "ANY",
	}
	c.policyArgs(attrs)
	r := c.create(kindControlPolicy, id, attrs)
	r.region = global
	renumber(slices.Insert(list, place-1, r))
	return obj{"AclUuid": id}, nil
}

// policyArgs lays a call's parameters over a rule's attributes.
func (c *call) policyArgs(attrs obj) {
	for _, p := range c.action.Parameters {
		v, sent := c.args[p.Name]
		switch {
		case !sent || p.Name == "NewOrder" || p.Name == "Lang" || p.Name == "SourceIp" || p.Name == "AclUuid":
		case p.Name == "IpVersion":
			attrs[p.Name] = number(v, 4)
		case p.Type == "integer":
			attrs[p.Name] = number(v, 0)
		default:
			attrs[p.Name] = v
		}
	}
	if names := c.strs("ApplicationNameList"); len(names) > 0 {
		attrs["ApplicationNameList"], attrs["ApplicationName"] = names, names[0]
	} else if c.has("ApplicationName") {
		delete(attrs, "ApplicationNameList")
	}
	if days, ok := attrs["RepeatDays"].([]any); ok {
		for i, d := range days {
			days[i] = number(d, 0)
		}
	}
}

// goodRule checks the words of a rule.
func (c *call) goodRule() error {
	for _, w := range []struct {
		name  string
		words []string
		code  string
	}{
		{"AclAction", []string{"accept", "drop", "log"}, "ErrorParametersAction"},
		{"Proto", []string{"ANY", "TCP", "UDP", "ICMP"}, "ErrorParametersProto"},
		{"SourceType", []string{"net", "group", "location"}, "ErrorParametersSource"},
		{"DestinationType", []string{"net", "group", "domain", "location"}, "ErrorParametersDestination"},
		{"Direction", []string{"in", "out"}, "ErrorParametersDirection"},
	} {
		if v := c.str(w.name); v != "" && !contains(w.words, v) {
			return c.failOne([]string{w.code, "ErrorParameters"}, "The specified %s is not valid.", w.name)
		}
	}
	for _, name := range []string{"Source", "Destination"} {
		if c.is(name+"Type", "group") && len(c.with(kindAddressBook, "GroupName", c.str(name))) == 0 {
			return c.fail("ErrorAddressGroupNotExist", "The address book does not exist.")
		}
	}
	return nil
}

func (c *call) uuid() string {
	h := c.w.word(32)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// controlPolicy finds the rule of a call; the answer to an absent one is published for
// some actions only.
func (c *call) controlPolicy() (*record, error) {
	return c.need(kindControlPolicy, c.str("AclUuid"), "ErrorAclNotExist", "ErrorParametersAclUuid")
}

func describePolicies(c *call) (obj, error) {
	records := c.policiesAt(c.border())
	if c.border() == "" {
		records = c.selected(kindControlPolicy)
	}
	records = keep(records, func(r *record) bool {
		for _, name := range []string{"Source", "Destination", "Proto", "AclAction", "Release", "AclUuid", "Description", "RepeatType", "IpVersion"} {
			if !c.matchOne(r, name) {
				return false
			}
		}
		return true
	})
	return c.numbered("Policys", records)
}

// numbered is listed for products whose pages are text.
func (c *call) numbered(path string, records []*record) (obj, error) {
	size, page := max(1, number(c.str("PageSize"), 10)), max(1, number(c.or("CurrentPage", c.or("PageNo", c.or("PageNumber", "1"))), 1))
	start := min((page-1)*size, len(records))
	items := []any{}
	for _, r := range records[start:min(start+size, len(records))] {
		items = append(items, c.show(r, path))
	}
	out := wrap(path, items)
	for name, v := range map[string]int{"TotalCount": len(records), "PageSize": size, "PageNo": page, "PageNumber": page, "CurrentPage": page} {
		if s := c.action.Response.Properties[name]; s != nil {
			out[name] = coerce(s, strconv.Itoa(v))
		}
	}
	if c.action.Response.Properties["PageInfo"] != nil {
		out["PageInfo"] = restrict(c.action.Response.Properties["PageInfo"], obj{"CurrentPage": page, "PageSize": size, "TotalCount": len(records), "Count": len(items)})
	}
	return out, nil
}

func modifyPolicy(c *call) (obj, error) {
	r, err := c.controlPolicy()
	if err != nil {
		return nil, err
	}
	if err := c.goodRule(); err != nil {
		return nil, err
	}
	c.policyArgs(r.attrs)
	r.set("ModifyTime", int(c.now.Unix()))
	return obj{}, nil
}

func movePolicy(parameter string) handler {
	return func(c *call) (obj, error) {
		r, err := c.controlPolicy()
		if err != nil {
			return nil, err
		}
		list := c.policiesAt(r.str("_border"))
		place := number(c.str(parameter), 0)
		if place == -1 {
			place = len(list)
		}
		if place < 1 || place > len(list) {
			return nil, c.failOne([]string{"ErrorParametersNewOrder", "ErrorParameters"}, "The order is not valid.")
		}
		list = slices.DeleteFunc(list, func(o *record) bool { return o == r })
		renumber(slices.Insert(list, place-1, r))
		return obj{}, nil
	}
}

func deleteControlPolicy(c *call) (obj, error) {
	r, err := c.controlPolicy()
	if err != nil {
		return nil, err
	}
	border := r.str("_border")
	c.w.remove(r)
	renumber(c.policiesAt(border))
	return obj{}, nil
}

func priorUsed(c *call) (obj, error) {
	list := c.policiesAt(c.border())
	return obj{"Start": min(1, len(list)), "End": len(list)}, nil
}

func vpcAclGroups(c *call) (obj, error) {
	items := []any{}
	for _, r := range c.selected(kindVpcFirewall) {
		items = append(items, obj{"AclGroupId": r.id, "AclGroupName": r.str("VpcFirewallName"), "AclRuleCount": len(c.policiesAt(r.id)), "IsDefault": false})
	}
	return obj{"AclGroupList": items, "TotalCount": len(items)}, nil
}
