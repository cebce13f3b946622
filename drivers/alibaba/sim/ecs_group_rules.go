package sim

import (
	"maps"
	"net/netip"
	"strconv"
	"strings"
)

const kindGroupRule kind = "security_group_rule"

// maxRules is how many rules a group takes.
const maxRules = 200

// ruleNames are the parameters that make two rules the same.
var ruleNames = []string{
	"IpProtocol", "PortRange", "SourcePortRange", "Policy", "Priority", "NicType", "SourceCidrIp", "DestCidrIp", "Ipv6SourceCidrIp", "Ipv6DestCidrIp",
	"SourceGroupId", "DestGroupId", "SourcePrefixListId", "DestPrefixListId",
}

// permissions are the rules of a call: of the list, else of the single parameters.
func (c *call) permissions() []obj {
	if list := c.list("Permissions"); len(list) > 0 {
		return list
	}
	one := obj{}
	for _, name := range append([]string{"Description"}, ruleNames...) {
		if v := c.str(name); v != "" {
			one[name] = v
		}
	}
	return []obj{one}
}

// rule brings what a call says into the form in which rules are kept.
func (c *call) rule(in obj, g *record, direction string) (obj, error) {
	r := obj{"Direction": direction, "_group": g.id, "Description": text(in["Description"])}
	for _, name := range ruleNames {
		r[name] = text(in[name])
	}
	protocol := strings.ToUpper(text(in["IpProtocol"]))
	switch protocol {
	case "TCP", "UDP":
		if !goodPorts(text(r["PortRange"])) {
			return nil, c.failOne([]string{"InvalidPortRange.Malformed", "InvalidIpPortRange.Malformed", "InvalidParam.PortRange"}, "The specified port range is not valid.")
		}
	case "ICMP", "ICMPV6", "GRE", "ALL":
		r["PortRange"] = "-1/-1"
	default:
		return nil, c.failOne([]string{"InvalidIpProtocol.ValueNotSupported"}, "The specified IpProtocol is not supported.")
	}
	r["IpProtocol"] = protocol
	r["NicType"] = textOr(r["NicType"], "intranet")
	if g.str("VpcId") != "" {
		r["NicType"] = "intranet"
	}
	policy := strings.ToLower(textOr(r["Policy"], "accept"))
	if policy != "accept" && policy != "drop" {
		return nil, c.fail("InvalidPolicy.Malformed", "The specified policy is not valid.")
	}
	r["Policy"] = strings.ToUpper(policy[:1]) + policy[1:]
	priority, err := strconv.Atoi(textOr(r["Priority"], "1"))
	if err != nil || priority < 1 || priority > 100 {
		return nil, c.failOne([]string{"InvalidPriority.ValueNotSupported", "InvalidPriority.Malformed"}, "The specified priority is not valid.")
	}
	r["Priority"] = strconv.Itoa(priority)
	return r, c.peer(r, g, direction)
}

// peer checks whom a rule is about.
func (c *call) peer(r obj, g *record, direction string) error {
	side, missing := "Source", "MissingParameter.Source"
	if direction == "egress" {
		side, missing = "Dest", "MissingParameter.Dest"
	}
	cidr, group := text(r[side+"CidrIp"]), text(r[side+"GroupId"])
	if cidr == "" && group == "" && text(r["Ipv6"+side+"CidrIp"]) == "" && text(r[side+"PrefixListId"]) == "" {
		return c.failOne([]string{missing, "MissingParameter"}, "A source or destination is required.")
	}
	if cidr != "" {
		p, err := netip.ParsePrefix(cidr)
		if a, addressErr := netip.ParseAddr(cidr); addressErr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || !p.Addr().Is4() {
			return c.failOne([]string{"Invalid" + side + "CidrIp.Malformed", "InvalidParam." + side + "CidrIp"}, "The specified CIDR block is not valid.")
		}
	}
	if group != "" {
		if group == g.id {
			return c.failOne([]string{"InvalidSecurityGroup.IsSame", "InvalidGroupParameter.OperationDenied"}, "A group cannot be authorized to itself.")
		}
		if c.find(kindSecurityGroup, group) == nil {
			return c.failOne([]string{"Invalid" + side + "GroupId.NotFound", "InvalidSecurityGroupId.NotFound"}, "The specified security group does not exist.")
		}
	}
	return nil
}

func goodPorts(s string) bool {
	if s == "-1/-1" {
		return true
	}
	low, high, ok := strings.Cut(s, "/")
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	return ok && errA == nil && errB == nil && a >= 1 && a <= b && b <= 65535
}

func sameRule(a, b obj) bool {
	for _, name := range append([]string{"Direction"}, ruleNames...) {
		if text(a[name]) != text(b[name]) {
			return false
		}
	}
	return true
}

func authorize(direction string) handler {
	return func(c *call) (obj, error) {
		g, err := c.group()
		if err != nil {
			return nil, err
		}
		var rules []obj
		for _, in := range c.permissions() {
			r, err := c.rule(in, g, direction)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
		}
		have := c.rulesOf(g.id)
		if len(have)+len(rules) > maxRules {
			return nil, c.fail("AuthorizationLimitExceed", "The limit of authorization records in the security group is reached.")
		}
	next:
		for _, r := range rules {
			for _, old := range have {
				if sameRule(r, old.attrs) {
					continue next // the cloud succeeds and keeps one
				}
			}
			id := c.w.id("sgr-")
			r["SecurityGroupRuleId"], r["CreateTime"] = id, c.stamp(seconds)
			c.create(kindGroupRule, id, r).tags = map[string]string{}
		}
		return obj{}, nil
	}
}

func revoke(direction string) handler {
	return func(c *call) (obj, error) {
		g, err := c.group()
		if err != nil {
			return nil, err
		}
		if list := c.strs("SecurityGroupRuleId"); len(list) > 0 {
			for _, id := range list {
				if r := c.find(kindGroupRule, id); r == nil || !r.is("_group", g.id) {
					return nil, c.fail("InvalidSecurityGroupRuleId.NotFound", "The specified rule does not exist.")
				}
			}
			for _, id := range list {
				c.w.remove(c.find(kindGroupRule, id))
			}
			return obj{}, nil
		}
		for _, in := range c.permissions() {
			r, err := c.rule(in, g, direction)
			if err != nil {
				return nil, err
			}
			for _, old := range c.rulesOf(g.id) {
				if sameRule(r, old.attrs) {
					c.w.remove(old) // an absent rule is no error
				}
			}
		}
		return obj{}, nil
	}
}

func modifyGroupRule(c *call) (obj, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	old := c.find(kindGroupRule, c.str("SecurityGroupRuleId"))
	if old == nil && c.str("SecurityGroupRuleId") != "" {
		return nil, c.fail("InvalidSecurityGroupRuleId.NotFound", "The specified rule does not exist.")
	}
	direction := "ingress"
	if c.action.Name == "ModifySecurityGroupEgressRule" {
		direction = "egress"
	}
	if old == nil {
		wanted, err := c.rule(c.permissions()[0], g, direction)
		if err != nil {
			return nil, err
		}
		for _, r := range c.rulesOf(g.id) {
			if sameRule(wanted, r.attrs) {
				r.set("Description", c.str("Description"))
			}
		}
		return obj{}, nil
	}
	in := maps.Clone(old.attrs)
	maps.Copy(in, c.permissions()[0])
	r, err := c.rule(in, g, direction)
	if err != nil {
		return nil, err
	}
	r["SecurityGroupRuleId"], r["CreateTime"] = old.id, old.attrs["CreateTime"]
	old.attrs = r
	return obj{}, nil
}
