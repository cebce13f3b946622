package security

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// Types of resources of the contract.
const (
	typeFirewall  = "security.firewall"
	typePolicy    = "security.firewall_policy"
	typeRule      = "security.firewall_rule"
	typeIPS       = "security.ips"
	typeWAF       = "security.waf"
	typeAntivirus = "security.antivirus"
	typeNetwork   = "network.network"
	typeSubnet    = "network.subnet"
	typePublicIP  = "network.public_ip"
	typeVM        = "compute.vm"
)

// Directions, as ids and Cloud Firewall write them.
const (
	directionIn  = "in"
	directionOut = "out"
)

// rule is a rule of either product.
type rule struct {
	id          string // the product's own
	name        string
	description string // with a marker where the driver made it
	action      securityv1.FirewallAction
	protocol    securityv1.FirewallProtocol
	source      string // empty: any
	destination string // empty: any
	ports       *apiv1.PortRange
	enabled     bool
}

// rules is the list of rules of one firewall in one direction: a policy.
type rules interface {
	// read reads the list in order.
	read(ctx context.Context, s *session.Session) ([]rule, error)
	// check refuses what the product cannot say.
	check(r *rule) error
	// add puts a rule at a position from 1, behind the end is the end; at is what
	// read told before.
	add(ctx context.Context, s *session.Session, at []rule, r rule, position int) (id string, err error)
	// change gives a rule of the list new content and a position.
	change(ctx context.Context, s *session.Session, at []rule, r rule, position int) error
	// remove takes a rule out of the list.
	remove(ctx context.Context, s *session.Session, at []rule, id string) error
}

// policyID is the id of a firewall's rules in one direction.
func policyID(firewallID, direction string) string { return nativeid.Join(firewallID, direction) }

// splitPolicyID takes a policy's id apart. Errors: NOT_FOUND.
func splitPolicyID(id string) (firewallID, direction string, list rules, err error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 2 || (parts[1] != directionIn && parts[1] != directionOut) {
		return "", "", nil, sdk.NotFound(typePolicy, id, err)
	}
	list, ok := rulesOf(parts[0], parts[1])
	if !ok {
		return "", "", nil, sdk.NotFound(typePolicy, id, nil)
	}
	return parts[0], parts[1], list, nil
}

// rulesOf is the list of a firewall in one direction; ok is false where the id is
// none of a firewall.
func rulesOf(firewallID, direction string) (list rules, ok bool) {
	switch {
	case firewallID == internetID:
		return internetRules{direction}, true
	case strings.HasPrefix(firewallID, aclPrefix):
		return aclRules{firewallID, direction}, true
	}
	return nil, false
}

// splitRuleID takes a rule's id apart. Errors: NOT_FOUND.
func splitRuleID(id string) (policy, own string, list rules, err error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 3 {
		return "", "", nil, sdk.NotFound(typeRule, id, err)
	}
	policy = policyID(parts[0], parts[1])
	if _, _, list, err = splitPolicyID(policy); err != nil {
		return "", "", nil, sdk.NotFound(typeRule, id, err)
	}
	return policy, parts[2], list, nil
}

// placeOf is the position of a rule in a list, from 1; 0: it is not in it.
func placeOf(at []rule, id string) int {
	return slices.IndexFunc(at, func(r rule) bool { return r.id == id }) + 1
}
