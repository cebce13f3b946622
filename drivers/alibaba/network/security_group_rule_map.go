package network

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

const (
	// innerRule is the id, inside its group, of the rule that lets members reach
	// each other: the cloud has a policy of the group for it.
	innerRule   = "inner"
	innerAccept = "Accept"
	innerDrop   = "Drop"

	ingress = "ingress"
	egress  = "egress"

	everyPort = "1/65535" // of TCP and UDP
	noPorts   = "-1/-1"   // of protocols without ports

	prefixListAttribute = "prefix_list"
)

// ruleID is the id of a rule: the cloud's needs the group's beside it.
func ruleID(groupID, rule string) string { return nativeid.Join(groupID, rule) }

// splitRuleID takes a rule's id apart. Errors: NOT_FOUND.
func splitRuleID(id string) (groupID, rule string, err error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 2 {
		return "", "", sdk.NotFound(typeSecurityGroupRule, id, err)
	}
	return parts[0], parts[1], nil
}

// fromProtoRule maps a rule to a permission. Errors: UNSUPPORTED_FEATURE.
func fromProtoRule(req *networkv1.CreateSecurityGroupRuleRequest) (permission, error) {
	switch {
	case req.IcmpType != nil, req.IcmpCode != nil:
		return permission{}, sdk.Unsupported("network.security_group.icmp_type")
	case req.GetProtocolNumber() != 0:
		return permission{}, sdk.Unsupported("network.security_group.protocol_number")
	}
	p := permission{
		Direction:   ingress,
		IPProtocol:  fromProtoProtocol(req.GetProtocol()),
		PortRange:   fromProtoPorts(req.GetProtocol(), req.GetPorts()),
		Policy:      "accept",
		Priority:    strconv.Itoa(int(max(req.GetPriority(), 1))),
		Description: req.GetDescription(),
	}
	if req.GetAction() == networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY {
		p.Policy = "drop"
	}
	v4, v6 := req.GetRemoteCidr(), ""
	if isIPv6(v4) {
		v4, v6 = "", v4
	}
	if req.GetDirection() == apiv1.Direction_DIRECTION_EGRESS {
		p.Direction = egress
		p.DestCidrIP, p.Ipv6DestCidrIP, p.DestGroupID = v4, v6, req.GetRemoteSecurityGroupId()
	} else {
		p.SourceCidrIP, p.Ipv6SourceCidrIP, p.SourceGroupID = v4, v6, req.GetRemoteSecurityGroupId()
	}
	return p, nil
}

func isIPv6(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Addr().Is6()
}

func fromProtoProtocol(p networkv1.SecurityGroupProtocol) string {
	switch p {
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP:
		return "TCP"
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP:
		return "UDP"
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP:
		return "ICMP"
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6:
		return "ICMPv6"
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_GRE:
		return "GRE"
	default:
		return "ALL"
	}
}

func toProtoProtocol(name string) networkv1.SecurityGroupProtocol {
	switch strings.ToUpper(name) {
	case "TCP":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP
	case "UDP":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP
	case "ICMP":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP
	case "ICMPV6":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6
	case "GRE":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_GRE
	case "ALL":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL
	default:
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UNSPECIFIED
	}
}

func fromProtoPorts(protocol networkv1.SecurityGroupProtocol, ports *apiv1.PortRange) string {
	switch {
	case protocol != networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP &&
		protocol != networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP:
		return noPorts
	case ports == nil:
		return everyPort
	}
	return strconv.Itoa(int(ports.GetFirst())) + "/" + strconv.Itoa(int(max(ports.GetLast(), ports.GetFirst())))
}

// toProtoPorts reads a range of ports; all ports, or none, is absent.
func toProtoPorts(text string) *apiv1.PortRange {
	if text == everyPort || text == noPorts {
		return nil
	}
	first, last, _ := strings.Cut(text, "/")
	a, errA := strconv.ParseInt(first, 10, 32)
	b, errB := strconv.ParseInt(last, 10, 32)
	if errA != nil || errB != nil {
		return nil
	}
	return &apiv1.PortRange{First: int32(a), Last: int32(b)}
}

// params are the members of a permission in a request.
func (p *permission) params() api.Params {
	return api.Params{}.Set("IpProtocol", p.IPProtocol).Set("PortRange", p.PortRange).Set("Policy", p.Policy).Set("Priority", p.Priority).
		Set("SourceCidrIp", p.SourceCidrIP).Set("Ipv6SourceCidrIp", p.Ipv6SourceCidrIP).Set("SourceGroupId", p.SourceGroupID).
		Set("DestCidrIp", p.DestCidrIP).Set("Ipv6DestCidrIp", p.Ipv6DestCidrIP).Set("DestGroupId", p.DestGroupID).
		Set("Description", p.Description)
}

// remote is the other end of a permission.
func (p *permission) remote() (cidr, group, prefixList string) {
	if strings.EqualFold(p.Direction, egress) {
		return cmp.Or(p.DestCidrIP, p.Ipv6DestCidrIP), p.DestGroupID, p.DestPrefixListID
	}
	return cmp.Or(p.SourceCidrIP, p.Ipv6SourceCidrIP), p.SourceGroupID, p.SourcePrefixListID
}

// same tells whether two permissions are one rule to the cloud, which answers no
// id: everything but the description.
func (p *permission) same(q *permission) bool {
	cidr, group, list := p.remote()
	otherCIDR, otherGroup, otherList := q.remote()
	return strings.EqualFold(p.Direction, q.Direction) && strings.EqualFold(p.IPProtocol, q.IPProtocol) &&
		p.PortRange == q.PortRange && strings.EqualFold(p.Policy, q.Policy) &&
		cmp.Or(p.Priority, "1") == cmp.Or(q.Priority, "1") &&
		(cidr == otherCIDR || samePrefix(cidr, otherCIDR)) && group == otherGroup && list == otherList
}

// toProtoRule maps a permission of a group.
func toProtoRule(groupID string, p *permission, region string) *networkv1.SecurityGroupRule {
	cidr, group, list := p.remote()
	out := &networkv1.SecurityGroupRule{
		Id:                    ruleID(groupID, p.SecurityGroupRuleID),
		Description:           noWords(p.Description),
		CreatedAt:             kind.ToProtoTime(p.CreateTime),
		RegionId:              region,
		SecurityGroupId:       groupID,
		Direction:             apiv1.Direction_DIRECTION_INGRESS,
		Protocol:              toProtoProtocol(p.IPProtocol),
		Ports:                 toProtoPorts(p.PortRange),
		RemoteCidr:            cidr,
		RemoteSecurityGroupId: group,
		Action:                networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW,
	}
	if strings.EqualFold(p.Direction, egress) {
		out.Direction = apiv1.Direction_DIRECTION_EGRESS
	}
	if strings.EqualFold(p.Policy, "drop") {
		out.Action = networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY
	}
	if n, err := strconv.ParseInt(p.Priority, 10, 32); err == nil {
		out.Priority = int32(n)
	}
	if list != "" {
		out.ProviderAttributes = map[string]string{prefixListAttribute: list}
	}
	return out
}

// toProtoRules maps all rules of a group, its inner policy too.
func toProtoRules(v *securityGroupAttribute, region string) []*networkv1.SecurityGroupRule {
	var out []*networkv1.SecurityGroupRule
	if strings.EqualFold(v.InnerAccessPolicy, innerAccept) {
		out = append(out, &networkv1.SecurityGroupRule{
			Id:                    ruleID(v.SecurityGroupID, innerRule),
			RegionId:              region,
			SecurityGroupId:       v.SecurityGroupID,
			Direction:             apiv1.Direction_DIRECTION_INGRESS,
			Protocol:              networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL,
			RemoteSecurityGroupId: v.SecurityGroupID,
			Action:                networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW,
		})
	}
	for i := range v.Permissions.Permission {
		out = append(out, toProtoRule(v.SecurityGroupID, &v.Permissions.Permission[i], region))
	}
	return out
}

// isInner tells whether a rule is the group's inner policy: everything from its
// own members is let in.
func isInner(req *networkv1.CreateSecurityGroupRuleRequest) bool {
	return req.GetRemoteSecurityGroupId() == req.GetSecurityGroupId() &&
		req.GetDirection() == apiv1.Direction_DIRECTION_INGRESS &&
		req.GetProtocol() == networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL &&
		req.GetAction() != networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY
}
