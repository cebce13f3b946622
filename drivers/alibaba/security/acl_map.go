package security

import (
	"cmp"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	aclPrefix     = "nacl-"
	customEntry   = "custom"
	noPorts       = "-1/-1"
	vSwitchWord   = "VSwitch"
	boundResource = "BINDED"
)

// acl is a network ACL, as far as the driver reads it. encoding/json compares
// names without case.
type acl struct {
	NetworkACLID      string
	NetworkACLName    string
	Description       string
	Status            string
	VpcID             string
	CreationTime      string
	Tags              tags.List
	IngressACLEntries struct{ IngressACLEntry []entry }
	EgressACLEntries  struct{ EgressACLEntry []entry }
	Resources         struct{ Resource []aclResource }
}

type entry struct {
	NetworkACLEntryID   string
	NetworkACLEntryName string
	EntryType           string
	Description         string
	Policy              string
	Protocol            string
	Port                string
	SourceCidrIP        string
	DestinationCidrIP   string
}

type aclResource struct {
	ResourceID   string
	ResourceType string
	Status       string
}

func acls() kind.Kind[acl] {
	return kind.Kind[acl]{
		Type: typeFirewall, Product: api.VPC, Action: "DescribeNetworkAcls", Items: "NetworkAcls.NetworkAcl", IDs: "NetworkAclId",
		MaxPage: 50, ID: func(v *acl) string { return v.NetworkACLID },
	}
}

// entries are the entries of one direction, without those that the cloud made.
func (v *acl) entries(direction string) []entry {
	all := v.IngressACLEntries.IngressACLEntry
	if direction == directionOut {
		all = v.EgressACLEntries.EgressACLEntry
	}
	var out []entry
	for i := range all {
		if cmp.Or(strings.ToLower(all[i].EntryType), customEntry) == customEntry {
			out = append(out, all[i])
		}
	}
	return out
}

// toRule reads an entry. Its address is that of the other end.
func (e *entry) toRule() rule {
	return rule{
		id: e.NetworkACLEntryID, name: e.NetworkACLEntryName, description: e.Description,
		action: toProtoACLAction(e.Policy), protocol: toProtoProtocol(e.Protocol),
		source: toProtoAddress(e.SourceCidrIP), destination: toProtoAddress(e.DestinationCidrIP),
		ports: toProtoPorts(e.Port), enabled: true,
	}
}

// entryParams are the members of an entry in a request.
func entryParams(r *rule, direction string) api.Params {
	v6 := r.ipVersion() == apiv1.IpVersion_IP_VERSION_IPV6
	params := api.Params{}.Set("NetworkAclEntryId", r.id).Set("NetworkAclEntryName", r.name).Set("Description", r.description).
		Set("EntryType", customEntry).Set("Policy", fromProtoACLAction(r.action)).Set("Protocol", fromProtoACLProtocol(r.protocol)).
		Set("Port", aclPorts(r)).Set("IpVersion", "ipv4")
	if v6 {
		params.Set("IpVersion", "ipv6")
	}
	if direction == directionOut {
		return params.Set("DestinationCidrIp", cidr(r.destination, v6))
	}
	return params.Set("SourceCidrIp", cidr(r.source, v6))
}

func aclPorts(r *rule) string {
	switch r.protocol {
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP, securityv1.FirewallProtocol_FIREWALL_PROTOCOL_UDP:
		return fromProtoPorts(r.ports, "1/65535")
	}
	return noPorts
}

func fromProtoACLAction(a securityv1.FirewallAction) string {
	if a == securityv1.FirewallAction_FIREWALL_ACTION_ALLOW {
		return "accept"
	}
	return "drop"
}

func toProtoACLAction(word string) securityv1.FirewallAction {
	switch strings.ToLower(word) {
	case "accept":
		return securityv1.FirewallAction_FIREWALL_ACTION_ALLOW
	case "drop":
		return securityv1.FirewallAction_FIREWALL_ACTION_DENY
	case "log":
		return securityv1.FirewallAction_FIREWALL_ACTION_LOG
	default:
		return securityv1.FirewallAction_FIREWALL_ACTION_UNSPECIFIED
	}
}

func fromProtoACLProtocol(p securityv1.FirewallProtocol) string {
	if p == securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ANY {
		return "all"
	}
	return strings.ToLower(strings.TrimPrefix(p.String(), "FIREWALL_PROTOCOL_"))
}

// toProtoProtocol reads a protocol of either product.
func toProtoProtocol(word string) securityv1.FirewallProtocol {
	if strings.EqualFold(word, "all") {
		return securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ANY
	}
	return securityv1.FirewallProtocol(securityv1.FirewallProtocol_value["FIREWALL_PROTOCOL_"+strings.ToUpper(word)])
}

// toProtoACL maps a network ACL, but for its effective rules.
func toProtoACL(v *acl, region string) *securityv1.Firewall {
	stateful := false
	out := &securityv1.Firewall{
		Id:              v.NetworkACLID,
		Name:            v.NetworkACLName,
		Description:     strings.TrimSpace(v.Description),
		Tags:            v.Tags.ToProto(),
		State:           toProtoACLState(v),
		ProviderState:   v.Status,
		CreatedAt:       kind.ToProtoTime(v.CreationTime),
		RegionId:        region,
		Scope:           securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET,
		NetworkId:       v.VpcID,
		IngressPolicyId: policyID(v.NetworkACLID, directionIn),
		EgressPolicyId:  policyID(v.NetworkACLID, directionOut),
		Enabled:         true,
		Stateful:        &stateful,
	}
	for _, r := range v.Resources.Resource {
		out.SubnetIds = append(out.SubnetIds, r.ResourceID)
	}
	return out
}

// toProtoACLState tells what an ACL is doing: it changes while an association
// does, and filters nothing without one. Source: DescribeNetworkAcls, Status and
// Resources.
func toProtoACLState(v *acl) securityv1.FirewallState {
	switch strings.ToLower(v.Status) {
	case "modifying":
		return securityv1.FirewallState_FIREWALL_STATE_UPDATING
	case "deleting":
		return securityv1.FirewallState_FIREWALL_STATE_DELETING
	case "available":
	default:
		return securityv1.FirewallState_FIREWALL_STATE_UNSPECIFIED
	}
	for _, r := range v.Resources.Resource {
		if !strings.EqualFold(r.Status, boundResource) && r.Status != "" {
			return securityv1.FirewallState_FIREWALL_STATE_UPDATING
		}
	}
	if len(v.Resources.Resource) == 0 {
		return securityv1.FirewallState_FIREWALL_STATE_INACTIVE
	}
	return securityv1.FirewallState_FIREWALL_STATE_ACTIVE
}

// checkEntry refuses what an entry cannot say.
func checkEntry(r *rule, direction string) error {
	switch {
	case r.action > securityv1.FirewallAction_FIREWALL_ACTION_DENY:
		return sdk.Unsupported("security.firewall_rule.action." + strings.ToLower(strings.TrimPrefix(r.action.String(), "FIREWALL_ACTION_")))
	case !r.enabled:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.firewall_rule.disable"), sdk.Field("enabled"))
	case direction == directionIn && r.destination != "":
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.firewall_rule.both_ends"), sdk.Field("destination_ip_address"))
	case direction == directionOut && r.source != "":
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.firewall_rule.both_ends"), sdk.Field("source_ip_address"))
	}
	return nil
}
