package referencecloud

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// defaults are what new firewall objects have beside what the request says.
var defaults = map[string]object{
	"fwaas/firewall_groups":   {"ports": []any{}, "admin_state_up": true, "shared": false, "ingress_firewall_policy_id": nil, "egress_firewall_policy_id": nil},
	"fwaas/firewall_policies": {"firewall_rules": []any{}, "audited": false, "shared": false},
	"fwaas/firewall_rules": {
		"protocol": nil, "action": "deny", "ip_version": 4, "source_ip_address": nil, "destination_ip_address": nil,
		"source_port": nil, "destination_port": nil, "enabled": true, "shared": false,
	},
}

func (c *Cloud) createFirewallObject(collection string, given object) (object, fault) {
	row := maps.Clone(defaults[collection])
	if row == nil {
		return nil, fault{http.StatusMethodNotAllowed, "HTTPMethodNotAllowed"}
	}
	for key := range given {
		if _, known := row[key]; !known && key != "name" && key != "description" {
			return nil, fault{http.StatusBadRequest, "HTTPBadRequest"}
		}
	}
	row["name"], row["description"], row["project_id"] = "", "", Project
	maps.Copy(row, given)
	if f := c.validate(collection, row, ""); f.name != "" {
		return nil, f
	}
	if collection == "fwaas/firewall_groups" {
		row["status"] = groupStatus(row, "PENDING_CREATE")
	}
	return c.table(collection).add(row), fault{}
}

func (c *Cloud) updateFirewallObject(one string, row, given object) fault {
	switch one {
	case "firewall_group":
		if strings.HasPrefix(text(row["status"]), "PENDING_") {
			return fault{http.StatusConflict, "FirewallGroupInPendingState"}
		}
	case "firewall_policy":
		if _, told := given["audited"]; !told {
			given["audited"] = false
		}
	case "firewall_rule":
		for _, p := range c.table("fwaas/firewall_policies").rows {
			if slices.Contains(texts(p["firewall_rules"]), text(row["id"])) {
				p["audited"] = false
			}
		}
	}
	next := maps.Clone(row)
	maps.Copy(next, given)
	if f := c.validate("fwaas/"+one, next, text(row["id"])); f.name != "" {
		return f
	}
	maps.Copy(row, given)
	if one == "firewall_group" {
		row["status"] = groupStatus(row, "PENDING_UPDATE")
	}
	return fault{}
}

// groupStatus: a group filters only if it is bound, has a policy and is switched on.
func groupStatus(row object, pending string) string {
	switch {
	case row["admin_state_up"] == false:
		return "DOWN"
	case len(texts(row["ports"])) == 0 || text(row["ingress_firewall_policy_id"]) == "" && text(row["egress_firewall_policy_id"]) == "":
		return "INACTIVE"
	}
	return pending
}

// settle moves a group one state on, as the agent's report would.
func (c *Cloud) settle(one string, row object) {
	if one == "firewall_group" && strings.HasPrefix(text(row["status"]), "PENDING_") {
		row["status"] = "ACTIVE"
	}
}

func (c *Cloud) validate(collection string, row object, id string) fault {
	switch strings.TrimPrefix(collection, "fwaas/") {
	case "firewall_groups", "firewall_group":
		return c.validateGroup(row, id)
	case "firewall_policies", "firewall_policy":
		for _, ruleID := range texts(row["firewall_rules"]) {
			if c.table("fwaas/firewall_rules").find(ruleID) == nil {
				return fault{http.StatusNotFound, "FirewallRuleNotFound"}
			}
		}
	default:
		return validateRule(row)
	}
	return fault{}
}

func (c *Cloud) validateGroup(row object, id string) fault {
	for _, end := range []string{"ingress_firewall_policy_id", "egress_firewall_policy_id"} {
		if policy := text(row[end]); policy != "" && c.table("fwaas/firewall_policies").find(policy) == nil {
			return fault{http.StatusNotFound, "FirewallPolicyNotFound"}
		}
	}
	for _, portID := range texts(row["ports"]) {
		port := c.table("ports").find(portID)
		if port == nil {
			return fault{http.StatusNotFound, "PortNotFound"}
		}
		owner := text(port["device_owner"])
		if owner != "network:router_interface" && !strings.HasPrefix(owner, "compute:") {
			return fault{http.StatusConflict, "FirewallGroupPortInvalid"}
		}
		for _, other := range c.table("fwaas/firewall_groups").rows {
			if text(other["id"]) != id && slices.Contains(texts(other["ports"]), portID) {
				return fault{http.StatusConflict, "FirewallGroupPortInUse"}
			}
		}
	}
	return fault{}
}

func validateRule(row object) fault {
	protocol := text(row["protocol"])
	hasPorts := row["source_port"] != nil || row["destination_port"] != nil
	switch {
	case row["protocol"] != nil && !slices.Contains([]string{"tcp", "udp", "icmp"}, protocol):
		return fault{http.StatusBadRequest, "FirewallRuleInvalidProtocol"}
	case !slices.Contains([]string{"allow", "deny", "reject"}, text(row["action"])):
		return fault{http.StatusBadRequest, "FirewallRuleInvalidAction"}
	case hasPorts && protocol == "icmp":
		return fault{http.StatusBadRequest, "FirewallRuleInvalidICMPParameter"}
	case hasPorts && protocol == "":
		return fault{http.StatusBadRequest, "FirewallRuleWithPortWithoutProtocolInvalid"}
	}
	for _, end := range []string{"source_ip_address", "destination_ip_address"} {
		// Numbers of a request are float64, those of defaults int.
		isSix := row["ip_version"] == 6 || row["ip_version"] == float64(6)
		if address := text(row[end]); address != "" && strings.Contains(address, ":") != isSix {
			return fault{http.StatusBadRequest, "FirewallIpAddressConflict"}
		}
	}
	return fault{}
}

// mayDelete refuses what is still in use.
func (c *Cloud) mayDelete(one string, row object) fault {
	id := text(row["id"])
	switch one {
	case "firewall_group":
		if strings.HasPrefix(text(row["status"]), "PENDING_") {
			return fault{http.StatusConflict, "FirewallGroupInPendingState"}
		}
		if len(texts(row["ports"])) > 0 {
			return fault{http.StatusConflict, "FirewallGroupInUse"}
		}
	case "firewall_policy":
		for _, g := range c.table("fwaas/firewall_groups").rows {
			if g["ingress_firewall_policy_id"] == id || g["egress_firewall_policy_id"] == id {
				return fault{http.StatusConflict, "FirewallPolicyInUse"}
			}
		}
	case "firewall_rule":
		for _, p := range c.table("fwaas/firewall_policies").rows {
			if slices.Contains(texts(p["firewall_rules"]), id) {
				return fault{http.StatusConflict, "FirewallRuleInUse"}
			}
		}
	}
	return fault{}
}

// changeRules serves insert_rule and remove_rule of a policy.
func (c *Cloud) changeRules(policy object, action string, body object) fault {
	ruleID := text(body["firewall_rule_id"])
	order := texts(policy["firewall_rules"])
	switch action {
	case "insert_rule":
		if c.table("fwaas/firewall_rules").find(ruleID) == nil {
			return fault{http.StatusNotFound, "FirewallRuleNotFound"}
		}
		if slices.Contains(order, ruleID) {
			return fault{http.StatusConflict, "FirewallRuleAlreadyAssociated"}
		}
		at := 0
		if before := text(body["insert_before"]); before != "" {
			at = slices.Index(order, before)
		} else if after := text(body["insert_after"]); after != "" {
			if at = slices.Index(order, after); at >= 0 {
				at++
			}
		}
		if at < 0 {
			return fault{http.StatusBadRequest, "FirewallRuleNotAssociatedWithPolicy"}
		}
		order = slices.Insert(order, at, ruleID)
	case "remove_rule":
		at := slices.Index(order, ruleID)
		if at < 0 {
			return fault{http.StatusBadRequest, "FirewallRuleNotAssociatedWithPolicy"}
		}
		order = slices.Delete(order, at, at+1)
	default:
		return fault{http.StatusNotFound, "HTTPNotFound"}
	}
	policy["firewall_rules"], policy["audited"] = order, false
	return fault{}
}
