package network

import (
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Words of Neutron's rules.
const (
	ingress = "ingress"
	egress  = "egress"
	ipv4    = "IPv4"
	ipv6    = "IPv6"
	anyIPv4 = "0.0.0.0/0"
	anyIPv6 = "::/0"
)

// addressGroupAttribute is the provider attribute for a rule whose other end is
// an address group, which the contract does not know.
const addressGroupAttribute = "remote_address_group_id"

// toProtoRule maps a Neutron rule. A rule without other end is for any address
// of its family.
func toProtoRule(v *rule, region string) *networkv1.SecurityGroupRule {
	out := &networkv1.SecurityGroupRule{
		Id:                    v.ID,
		Description:           v.Description,
		CreatedAt:             rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:             rest.ToProtoTime(v.UpdatedAt),
		RegionId:              region,
		SecurityGroupId:       v.SecurityGroupID,
		Direction:             toProtoDirection(v.Direction),
		RemoteCidr:            deref(v.RemoteIPPrefix),
		RemoteSecurityGroupId: deref(v.RemoteGroupID),
		Action:                networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW,
	}
	out.Protocol, out.ProtocolNumber = toProtoProtocol(deref(v.Protocol), v.EtherType)
	switch out.GetProtocol() {
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP:
		if v.PortRangeMin != nil && v.PortRangeMax != nil {
			out.Ports = &apiv1.PortRange{First: *v.PortRangeMin, Last: *v.PortRangeMax}
		}
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP, networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6:
		out.IcmpType, out.IcmpCode = v.PortRangeMin, v.PortRangeMax
	}
	switch {
	case deref(v.RemoteAddressGroupID) != "":
		out.ProviderAttributes = map[string]string{addressGroupAttribute: *v.RemoteAddressGroupID}
	case out.GetRemoteCidr() == "" && out.GetRemoteSecurityGroupId() == "":
		out.RemoteCidr = anyOf(v.EtherType)
	}
	return out
}

func toProtoDirection(direction string) apiv1.Direction {
	switch direction {
	case ingress:
		return apiv1.Direction_DIRECTION_INGRESS
	case egress:
		return apiv1.Direction_DIRECTION_EGRESS
	default:
		return apiv1.Direction_DIRECTION_UNSPECIFIED
	}
}

// protocolNumber maps the names that Neutron takes beside the contract's, and
// numbers; 0: unknown.
// Source: neutron-lib, constants IP_PROTOCOL_MAP.
func protocolNumber(name string) int32 {
	switch name {
	case "ah":
		return 51
	case "dccp":
		return 33
	case "egp":
		return 8
	case "esp":
		return 50
	case "igmp":
		return 2
	case "ipip":
		return 4
	case "ospf":
		return 89
	case "pgm":
		return 113
	case "rsvp":
		return 46
	case "sctp":
		return 132
	case "udplite":
		return 136
	case "vrrp":
		return 112
	case "ipv6-encap":
		return 41
	case "ipv6-frag":
		return 44
	case "ipv6-nonxt":
		return 59
	case "ipv6-opts":
		return 60
	case "ipv6-route":
		return 43
	default:
		number, err := strconv.ParseInt(name, 10, 32)
		if err != nil {
			return 0
		}
		return int32(number)
	}
}

// toProtoProtocol maps the protocol of a rule, by name or number; old rules have
// "icmp" for both families.
func toProtoProtocol(protocol, etherType string) (networkv1.SecurityGroupProtocol, int32) {
	switch strings.ToLower(protocol) {
	case "", "any":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL, 0
	case "tcp", "6":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, 0
	case "udp", "17":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP, 0
	case "icmp", "1":
		if etherType == ipv6 {
			return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6, 0
		}
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP, 0
	case "ipv6-icmp", "icmpv6", "58":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6, 0
	case "gre", "47":
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_GRE, 0
	default:
		return networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UNSPECIFIED, protocolNumber(protocol)
	}
}

// fromProtoCreateRule maps what a request says of a new rule. Its family is that
// of the range at the other end; with a group there it is IPv4, but for ICMPv6.
// Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateRule(req *networkv1.CreateSecurityGroupRuleRequest) (*rule, error) {
	if req.GetAction() == networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY {
		return nil, sdk.Unsupported("network.security_group.deny")
	}
	if req.GetPriority() != 0 {
		return nil, sdk.Unsupported("network.security_group.priority")
	}
	v := &rule{
		SecurityGroupID: req.GetSecurityGroupId(),
		Direction:       ingress,
		EtherType:       ipv4,
		Protocol:        fromProtoProtocol(req.GetProtocol(), req.GetProtocolNumber()),
		RemoteIPPrefix:  orNil(req.GetRemoteCidr()),
		RemoteGroupID:   orNil(req.GetRemoteSecurityGroupId()),
	}
	v.Description = req.GetDescription()
	if req.GetDirection() == apiv1.Direction_DIRECTION_EGRESS {
		v.Direction = egress
	}
	if strings.Contains(req.GetRemoteCidr(), ":") || req.GetProtocol() == networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6 {
		v.EtherType = ipv6
	}
	if ports := req.GetPorts(); ports != nil {
		v.PortRangeMin, v.PortRangeMax = &ports.First, &ports.Last
	}
	if req.IcmpType != nil {
		v.PortRangeMin, v.PortRangeMax = req.IcmpType, req.IcmpCode
	}
	return v, nil
}

func fromProtoProtocol(protocol networkv1.SecurityGroupProtocol, number int32) *string {
	switch protocol {
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP:
		return orNil("tcp")
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP:
		return orNil("udp")
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP:
		return orNil("icmp")
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6:
		return orNil("ipv6-icmp")
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_GRE:
		return orNil("gre")
	case networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL:
		return nil
	default:
		return orNil(strconv.Itoa(int(number)))
	}
}

// ruleAttributes are the attributes of a new rule; what is nil is left out.
func ruleAttributes(v *rule) map[string]any {
	attributes := map[string]any{
		"security_group_id": v.SecurityGroupID,
		"direction":         v.Direction,
		"ethertype":         v.EtherType,
		"description":       v.Description,
	}
	setPointer(attributes, "protocol", v.Protocol)
	setPointer(attributes, "port_range_min", v.PortRangeMin)
	setPointer(attributes, "port_range_max", v.PortRangeMax)
	setPointer(attributes, "remote_ip_prefix", v.RemoteIPPrefix)
	setPointer(attributes, "remote_group_id", v.RemoteGroupID)
	return attributes
}

// sameRule tells whether Neutron takes two rules of a group for equal: all but
// the description counts, and the range of all addresses is as good as none.
func sameRule(a, b *rule) bool {
	protocolA, numberA := toProtoProtocol(deref(a.Protocol), a.EtherType)
	protocolB, numberB := toProtoProtocol(deref(b.Protocol), b.EtherType)
	return a.Direction == b.Direction &&
		a.EtherType == b.EtherType &&
		protocolA == protocolB && numberA == numberB &&
		samePointer(a.PortRangeMin, b.PortRangeMin) &&
		samePointer(a.PortRangeMax, b.PortRangeMax) &&
		samePrefix(remoteOf(a), remoteOf(b)) &&
		deref(a.RemoteGroupID) == deref(b.RemoteGroupID) &&
		deref(a.RemoteAddressGroupID) == deref(b.RemoteAddressGroupID)
}

func remoteOf(v *rule) string {
	if prefix := deref(v.RemoteIPPrefix); prefix != "" {
		return prefix
	}
	return anyOf(v.EtherType)
}

func anyOf(etherType string) string {
	if etherType == ipv6 {
		return anyIPv6
	}
	return anyIPv4
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func samePointer[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && deref(a) == deref(b)
}

func setPointer[T any](attributes map[string]any, name string, p *T) {
	if p != nil {
		attributes[name] = *p
	}
}
