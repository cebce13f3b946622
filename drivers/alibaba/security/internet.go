package security

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// internetID is the id of the Internet border, of which an account has one.
const internetID = "inet"

// separator stands between name and description of a rule, for which Cloud
// Firewall has one field.
const separator = " | "

// controlPolicy is a rule of Cloud Firewall.
type controlPolicy struct {
	ACLUUID     string `json:"AclUuid"`
	ACLAction   string `json:"AclAction"`
	Direction   string
	Order       int32
	Description string
	Proto       string
	Source      string
	Destination string
	DestPort    string
	Release     api.Text
}

func controlPolicies() kind.Kind[controlPolicy] {
	return kind.Kind[controlPolicy]{
		Type: typeRule, Product: api.CloudFirewall, Action: "DescribeControlPolicy", Items: "Policys", Paging: kind.CurrentPage,
		MaxPage: 100, ID: func(v *controlPolicy) string { return v.ACLUUID },
	}
}

func (v *controlPolicy) toRule() rule {
	name, description, ok := strings.Cut(v.Description, separator)
	if !ok {
		// The marker alone follows a name without description.
		name = api.CutMarker(v.Description)
		description = strings.TrimPrefix(v.Description, name)
	}
	return rule{
		id: v.ACLUUID, name: name, description: description, action: toProtoACLAction(v.ACLAction), protocol: toProtoProtocol(v.Proto),
		source: toProtoAddress(v.Source), destination: toProtoAddress(v.Destination), ports: toProtoPorts(v.DestPort),
		enabled: v.Release == "" || v.Release == "true",
	}
}

// words joins a rule's name and description.
func (r *rule) words() string {
	if api.CutMarker(r.description) == "" {
		return r.name + r.description
	}
	return r.name + separator + r.description
}

func (r *rule) controlParams() api.Params {
	v6 := r.ipVersion() == apiv1.IpVersion_IP_VERSION_IPV6
	params := api.Params{}.Set("AclAction", fromProtoControlAction(r.action)).Set("Description", r.words()).
		Set("Proto", strings.TrimPrefix(r.protocol.String(), "FIREWALL_PROTOCOL_")).Set("ApplicationName", "ANY").
		Set("Source", cidr(r.source, v6)).Set("SourceType", "net").Set("Destination", cidr(r.destination, v6)).Set("DestinationType", "net").
		Bool("Release", r.enabled)
	if r.protocol != securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP {
		params.Set("DestPortType", "port").Set("DestPort", fromProtoPorts(r.ports, "0/0"))
	}
	return params
}

func fromProtoControlAction(a securityv1.FirewallAction) string {
	if a == securityv1.FirewallAction_FIREWALL_ACTION_LOG {
		return "log"
	}
	return fromProtoACLAction(a)
}

// internetRules are the rules of the Internet border in one direction.
type internetRules struct{ direction string }

func (l internetRules) check(r *rule) error {
	switch r.protocol {
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_GRE:
		return sdk.Unsupported("security.firewall_rule.protocol.gre")
	case securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMPV6:
		return sdk.Unsupported("security.firewall_rule.protocol.icmpv6")
	}
	if r.action == securityv1.FirewallAction_FIREWALL_ACTION_REJECT {
		return sdk.Unsupported("security.firewall_rule.action.reject")
	}
	return nil
}

// read reads the rules of both families, IPv4 first; each has an order of its own.
func (l internetRules) read(ctx context.Context, s *session.Session) ([]rule, error) {
	var out []rule
	for _, version := range []string{"4", "6"} {
		all, err := controlPolicies().All(ctx, s, api.Params{}.Set("Direction", l.direction).Set("IpVersion", version))
		if err != nil {
			return nil, internetError(err)
		}
		for i := range all {
			out = append(out, all[i].toRule())
		}
	}
	return out, nil
}

// internetError is what a refusal of Cloud Firewall means.
func internetError(err error) error {
	if notBought(err) {
		return api.As(apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, err, typeFirewall, internetID)
	}
	return api.Error(err, typeFirewall, internetID)
}

// notBought tells whether the account has no Cloud Firewall.
func notBought(err error) bool {
	return api.HasCode(err, "not buy user", "ErrorInstanceStatusNotNormal") || sdk.InfoOf(err)["provider_code"] == "not buy user"
}

func (l internetRules) add(ctx context.Context, s *session.Session, at []rule, r rule, position int) (string, error) {
	params := r.controlParams().Set("Direction", l.direction).Set("NewOrder", strconv.Itoa(min(position, familyLength(at, &r)+1)))
	params.Set("IpVersion", ipVersionWord(&r))
	var made struct {
		ACLUUID string `json:"AclUuid"`
	}
	if err := s.Call(ctx, api.CloudFirewall, "AddControlPolicy", params, &made); err != nil {
		return "", internetError(err)
	}
	if made.ACLUUID == "" {
		return findMarked(ctx, s, l)
	}
	return made.ACLUUID, nil
}

func ipVersionWord(r *rule) string {
	if r.ipVersion() == apiv1.IpVersion_IP_VERSION_IPV6 {
		return "6"
	}
	return "4"
}

// familyLength is how many rules there are of a rule's family.
func familyLength(at []rule, r *rule) int {
	n := 0
	for i := range at {
		if at[i].ipVersion() == r.ipVersion() {
			n++
		}
	}
	return n
}

func (l internetRules) change(ctx context.Context, s *session.Session, at []rule, r rule, position int) error {
	err := s.Call(ctx, api.CloudFirewall, "ModifyControlPolicy", r.controlParams().Set("AclUuid", r.id).Set("Direction", l.direction), nil)
	if err != nil {
		return internetError(err)
	}
	if position == placeOf(at, r.id) {
		return nil
	}
	params := api.Params{}.Set("AclUuid", r.id).Set("Order", strconv.Itoa(min(position, familyLength(at, &r))))
	return internetError(s.Call(ctx, api.CloudFirewall, "ModifyControlPolicyPriority", params, nil))
}

func (l internetRules) remove(ctx context.Context, s *session.Session, _ []rule, id string) error {
	err := s.Call(ctx, api.CloudFirewall, "DeleteControlPolicy", api.Params{}.Set("AclUuid", id).Set("Direction", l.direction), nil)
	if api.HasCode(err, "ErrorAclNotExist") {
		return nil
	}
	return internetError(err)
}

// service is what the account has bought of Cloud Firewall.
type service struct {
	InstanceID     string
	InstanceStatus string
	UserStatus     bool
}

// readService reads it. Errors: NOT_FOUND where there is none.
func readService(ctx context.Context, s *session.Session) (*service, error) {
	var v service
	err := s.Call(ctx, api.CloudFirewall, "DescribeUserBuyVersion", api.Params{}, &v)
	switch {
	case notBought(err), err == nil && (strings.EqualFold(v.InstanceStatus, "free") || cmp.Or(v.InstanceID, v.InstanceStatus) == ""):
		return nil, sdk.NotFound(typeFirewall, internetID, err)
	case err != nil:
		return nil, api.Error(err, typeFirewall, internetID)
	}
	return &v, nil
}

// toProtoInternet maps the Internet border, but for its effective rules.
func toProtoInternet(v *service, publicIPs []string, region string) *securityv1.Firewall {
	stateful := true
	return &securityv1.Firewall{
		Id:              internetID,
		Name:            internetID,
		State:           toProtoServiceState(v.InstanceStatus),
		ProviderState:   v.InstanceStatus,
		RegionId:        region,
		Scope:           securityv1.FirewallScope_FIREWALL_SCOPE_INTERNET,
		PublicIpIds:     publicIPs,
		IngressPolicyId: policyID(internetID, directionIn),
		EgressPolicyId:  policyID(internetID, directionOut),
		Enabled:         true,
		Stateful:        &stateful,
	}
}

// toProtoServiceState maps the status of the service. Source:
// DescribeUserBuyVersion, InstanceStatus.
func toProtoServiceState(status string) securityv1.FirewallState {
	switch strings.ToLower(status) {
	case "normal":
		return securityv1.FirewallState_FIREWALL_STATE_ACTIVE
	case "init":
		return securityv1.FirewallState_FIREWALL_STATE_CREATING
	case "deleting":
		return securityv1.FirewallState_FIREWALL_STATE_DELETING
	case "abnormal":
		return securityv1.FirewallState_FIREWALL_STATE_ERROR
	default:
		return securityv1.FirewallState_FIREWALL_STATE_UNSPECIFIED
	}
}
