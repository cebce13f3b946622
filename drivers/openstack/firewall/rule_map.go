package firewall

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const icmp = "icmp"

// toProtoRule maps a rule; all are the policies of the project.
func toProtoRule(v *rule, all []policy, region string) *securityv1.FirewallRule {
	out := &securityv1.FirewallRule{
		Id:                   v.ID,
		Name:                 v.Name,
		Description:          rest.Unmarked(v.Description),
		RegionId:             region,
		CreatedAt:            rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:            rest.ToProtoTime(v.UpdatedAt),
		Action:               toProtoAction(v.Action),
		Protocol:             toProtoProtocol(v),
		SourceIpAddress:      value(v.SourceIP),
		DestinationIpAddress: value(v.DestinationIP),
		SourcePort:           toProtoPorts(value(v.SourcePort)),
		DestinationPort:      toProtoPorts(value(v.DestinationPort)),
		Enabled:              v.Enabled,
		IpVersion:            apiv1.IpVersion_IP_VERSION_IPV4,
	}
	if v.IPVersion == 6 {
		out.IpVersion = apiv1.IpVersion_IP_VERSION_IPV6
	}
	for _, p := range all {
		switch at := slices.Index(p.RuleIDs, v.ID); {
		case at < 0:
		case out.FirewallPolicyId == "":
			out.FirewallPolicyId, out.Position = p.ID, int32(at)+1
		default:
			out.OtherPolicyIds = append(out.OtherPolicyIds, p.ID)
		}
	}
	return out
}

func toProtoEffective(v *rule) *securityv1.EffectiveFirewallRule {
	r := toProtoRule(v, nil, "")
	return &securityv1.EffectiveFirewallRule{
		FirewallRuleId: r.GetId(), Description: r.GetDescription(), Action: r.GetAction(), Protocol: r.GetProtocol(),
		SourceIpAddress: r.GetSourceIpAddress(), DestinationIpAddress: r.GetDestinationIpAddress(),
		SourcePort: r.GetSourcePort(), DestinationPort: r.GetDestinationPort(),
	}
}

func toProtoAction(action string) securityv1.FirewallAction {
	switch strings.ToLower(action) {
	case "allow":
		return securityv1.FirewallAction_FIREWALL_ACTION_ALLOW
	case "deny":
		return securityv1.FirewallAction_FIREWALL_ACTION_DENY
	case "reject":
		return securityv1.FirewallAction_FIREWALL_ACTION_REJECT
	}
	return securityv1.FirewallAction_FIREWALL_ACTION_UNSPECIFIED
}

// toProtoProtocol maps the protocol, which is a word or its number.
func toProtoProtocol(v *rule) securityv1.FirewallProtocol {
	switch strings.ToLower(value(v.Protocol)) {
	case "":
		return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ANY
	case "tcp", "6":
		return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP
	case "udp", "17":
		return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP
	case icmp, "1":
		if v.IPVersion == 6 {
			return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6
		}
		return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP
	}
	return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UNSPECIFIED
}

// fromProtoProtocol is nil for any protocol. Errors: UNSUPPORTED_FEATURE.
func fromProtoProtocol(p securityv1.FirewallProtocol) (any, error) {
	switch p {
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ANY:
		return nil, nil
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP:
		return "tcp", nil
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP:
		return "udp", nil
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP, securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6:
		return icmp, nil
	}
	return nil, sdk.Unsupported("security.firewall_rule.protocol." + word(p.String(), "FIREWALL_PROTOCOL_"))
}

// fromProtoAction maps the action. Errors: UNSUPPORTED_FEATURE.
func fromProtoAction(a securityv1.FirewallAction) (string, error) {
	if a == securityv1.FirewallAction_FIREWALL_ACTION_LOG {
		return "", sdk.Unsupported("security.firewall_rule.action.log")
	}
	return word(a.String(), "FIREWALL_ACTION_"), nil
}

func word(enum, prefix string) string { return strings.ToLower(strings.TrimPrefix(enum, prefix)) }

// fromProtoCreateRule maps what a request says of a new rule, but for its description.
func fromProtoCreateRule(req *securityv1.CreateFirewallRuleRequest) (map[string]any, error) {
	if len(req.GetTags()) > 0 {
		return nil, sdk.Unsupported("security.firewall_rule.tags")
	}
	action, err := fromProtoAction(req.GetAction())
	if err != nil {
		return nil, err
	}
	protocol, err := fromProtoProtocol(req.GetProtocol())
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"name": req.GetName(), "action": action, "protocol": protocol,
		"ip_version":        family(req.GetProtocol(), req.GetSourceIpAddress(), req.GetDestinationIpAddress()),
		"source_ip_address": orNil(req.GetSourceIpAddress()), "destination_ip_address": orNil(req.GetDestinationIpAddress()),
		"source_port": fromProtoPorts(req.GetSourcePort()), "destination_port": fromProtoPorts(req.GetDestinationPort()),
		"enabled": req.Enabled == nil || req.GetEnabled(),
	}, nil
}

// fromProtoUpdateRule maps what a request changes of a rule, but for words and place.
func fromProtoUpdateRule(req *securityv1.UpdateFirewallRuleRequest, present *rule) (map[string]any, error) {
	if req.GetTags() != nil {
		return nil, sdk.Unsupported("security.firewall_rule.tags")
	}
	attributes := map[string]any{}
	next := toProtoRule(present, nil, "")
	var err error
	if req.Action != nil {
		if attributes["action"], err = fromProtoAction(req.GetAction()); err != nil {
			return nil, err
		}
	}
	if req.Protocol != nil {
		if attributes["protocol"], err = fromProtoProtocol(req.GetProtocol()); err != nil {
			return nil, err
		}
		next.Protocol = req.GetProtocol()
	}
	if req.SourceIpAddress != nil {
		attributes["source_ip_address"] = orNil(req.GetSourceIpAddress())
		next.SourceIpAddress = req.GetSourceIpAddress()
	}
	if req.DestinationIpAddress != nil {
		attributes["destination_ip_address"] = orNil(req.GetDestinationIpAddress())
		next.DestinationIpAddress = req.GetDestinationIpAddress()
	}
	if req.GetSourcePort() != nil {
		attributes["source_port"] = fromProtoPorts(req.GetSourcePort())
	}
	if req.GetDestinationPort() != nil {
		attributes["destination_port"] = fromProtoPorts(req.GetDestinationPort())
	}
	if req.Protocol != nil && !hasPorts(req.GetProtocol()) {
		attributes["source_port"], attributes["destination_port"] = nil, nil
	}
	if version := family(next.GetProtocol(), next.GetSourceIpAddress(), next.GetDestinationIpAddress()); version != present.IPVersion {
		attributes["ip_version"] = version
	}
	if req.Enabled != nil {
		attributes["enabled"] = req.GetEnabled()
	}
	return attributes, nil
}

func hasPorts(p securityv1.FirewallProtocol) bool {
	return p == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP || p == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP
}

// family is the IP version of a rule: that of its addresses, or of its kind of ICMP.
func family(p securityv1.FirewallProtocol, addresses ...string) int {
	if p == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6 || strings.Contains(strings.Join(addresses, " "), ":") {
		return 6
	}
	return 4
}

// fromProtoPorts writes "80" or "80:90"; nil for any port.
func fromProtoPorts(r *apiv1.PortRange) any {
	switch {
	case r == nil, r.GetFirst() == 1 && r.GetLast() == 65535:
		return nil
	case r.GetFirst() == r.GetLast():
		return strconv.Itoa(int(r.GetFirst()))
	}
	return fmt.Sprintf("%d:%d", r.GetFirst(), r.GetLast())
}

// toProtoPorts reads "80" or "80:90"; nil for anything else.
func toProtoPorts(text string) *apiv1.PortRange {
	first, last, isRange := strings.Cut(text, ":")
	if !isRange {
		last = first
	}
	a, errA := strconv.ParseInt(first, 10, 32)
	b, errB := strconv.ParseInt(last, 10, 32)
	if errA != nil || errB != nil {
		return nil
	}
	return &apiv1.PortRange{First: int32(a), Last: int32(b)}
}

func keepsRule(req *securityv1.ListFirewallRulesRequest, v *securityv1.FirewallRule) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" &&
		(req.GetFirewallPolicyId() == "" || req.GetFirewallPolicyId() == v.GetFirewallPolicyId() || slices.Contains(v.GetOtherPolicyIds(), req.GetFirewallPolicyId())) &&
		(req.GetAction() == 0 || req.GetAction() == v.GetAction()) &&
		(req.GetProtocol() == 0 || req.GetProtocol() == v.GetProtocol())
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
