package security

import (
	"context"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// fromProtoCreateRule maps a new rule, marked as made by this request.
func fromProtoCreateRule(ctx context.Context, req *securityv1.CreateFirewallRuleRequest) rule {
	return rule{
		name: req.GetName(), description: api.WithMarker(ctx, "", req.GetDescription()),
		action: req.GetAction(), protocol: req.GetProtocol(), source: req.GetSourceIpAddress(), destination: req.GetDestinationIpAddress(),
		ports: req.GetDestinationPort(), enabled: req.Enabled == nil || req.GetEnabled(),
	}
}

// updated is a rule with what a request changes; the marker stays.
func (r rule) updated(req *securityv1.UpdateFirewallRuleRequest) rule {
	if req.Name != nil {
		r.name = req.GetName()
	}
	if req.Description != nil {
		r.description = req.GetDescription() + strings.TrimPrefix(r.description, api.CutMarker(r.description))
	}
	if req.Action != nil {
		r.action = req.GetAction()
	}
	if req.Protocol != nil {
		r.protocol = req.GetProtocol()
	}
	if req.SourceIpAddress != nil {
		r.source = req.GetSourceIpAddress()
	}
	if req.DestinationIpAddress != nil {
		r.destination = req.GetDestinationIpAddress()
	}
	if req.GetDestinationPort() != nil {
		r.ports = req.GetDestinationPort()
	}
	if req.Enabled != nil {
		r.enabled = req.GetEnabled()
	}
	return r
}

// toProtoRule maps a rule of a policy at a position.
func toProtoRule(r *rule, policy string, position int, region string) *securityv1.FirewallRule {
	return &securityv1.FirewallRule{
		Id:                   ruleID(policy, r.id),
		Name:                 r.name,
		Description:          api.CutMarker(r.description),
		RegionId:             region,
		FirewallPolicyId:     policy,
		Position:             int32(position),
		Action:               r.action,
		Protocol:             r.protocol,
		SourceIpAddress:      r.source,
		DestinationIpAddress: r.destination,
		DestinationPort:      r.ports,
		Enabled:              r.enabled,
		IpVersion:            r.ipVersion(),
	}
}

// ruleID is the id of a rule: the policy's and the product's own.
func ruleID(policy, own string) string {
	parts, err := nativeid.Split(policy)
	if err != nil {
		return own
	}
	return nativeid.Join(append(parts, own)...)
}

func (r *rule) ipVersion() apiv1.IpVersion {
	if strings.Contains(r.source+r.destination, ":") {
		return apiv1.IpVersion_IP_VERSION_IPV6
	}
	return apiv1.IpVersion_IP_VERSION_IPV4
}

// toEffective is a rule as it is in force.
func toEffective(r *rule, policy string) *securityv1.EffectiveFirewallRule {
	return &securityv1.EffectiveFirewallRule{
		FirewallRuleId: ruleID(policy, r.id), Description: api.CutMarker(r.description), Action: r.action, Protocol: r.protocol,
		SourceIpAddress: r.source, DestinationIpAddress: r.destination, DestinationPort: r.ports,
	}
}

// anyRange is every address, as both products write it.
const anyRange = "0.0.0.0/0"

const anyRange6 = "::/0"

// cidr writes an address as a range; empty is every one of the family.
func cidr(address string, v6 bool) string {
	switch {
	case address == "" && v6:
		return anyRange6
	case address == "":
		return anyRange
	case strings.Contains(address, "/"):
		return address
	case strings.Contains(address, ":"):
		return address + "/128"
	}
	return address + "/32"
}

// toProtoAddress reads a range; every address is empty.
func toProtoAddress(text string) string {
	if text == anyRange || text == anyRange6 {
		return ""
	}
	return text
}

// fromProtoPorts writes a range of ports; none is what the product says instead.
func fromProtoPorts(ports *apiv1.PortRange, none string) string {
	if ports == nil {
		return none
	}
	return strconv.Itoa(int(ports.GetFirst())) + "/" + strconv.Itoa(int(max(ports.GetFirst(), ports.GetLast())))
}

// toProtoPorts reads a range of ports; all of them, or none, is absent.
func toProtoPorts(text string) *apiv1.PortRange {
	first, last, ok := strings.Cut(text, "/")
	if !ok {
		last = first
	}
	a, errA := strconv.ParseInt(first, 10, 32)
	b, errB := strconv.ParseInt(last, 10, 32)
	if errA != nil || errB != nil || a < 1 || (a == 1 && b == 65535) {
		return nil
	}
	return &apiv1.PortRange{First: int32(a), Last: int32(b)}
}

// keepsRule tells whether a rule fits the filters of a request.
func keepsRule(req *securityv1.ListFirewallRulesRequest, v *securityv1.FirewallRule) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" &&
		(req.GetFirewallPolicyId() == "" || req.GetFirewallPolicyId() == v.GetFirewallPolicyId()) &&
		(req.GetAction() == 0 || req.GetAction() == v.GetAction()) &&
		(req.GetProtocol() == 0 || req.GetProtocol() == v.GetProtocol())
}

func rejected(field, why string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, why))
}
