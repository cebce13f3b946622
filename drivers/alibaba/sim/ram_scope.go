package sim

import (
	"cmp"
	"encoding/json"
	"path"
	"strings"
)

// scoped finds the policy and the RAM user of a call, and the scope: a resource group, or
// "" for the account.
func (c *call) scoped() (policy, to, old *record, scope string, err error) {
	if scope = c.str("ResourceGroupId"); scope == c.who.account.uid {
		scope = ""
	} else if _, err = c.resourceGroup(); err != nil {
		return nil, nil, nil, "", err
	}
	name, domain, _ := strings.Cut(c.str("PrincipalName"), "@")
	if c.str("PrincipalType") != "IMSUser" || domain != c.who.account.uid+".onaliyun.com" {
		return nil, nil, nil, "", c.fail("InvalidParameter.PrincipalName", "The specified principal is invalid.")
	}
	if to, err = c.need(kindUser, c.ramID(name), "EntityNotExist.User"); err != nil {
		return nil, nil, nil, "", err
	}
	if policy, err = c.policy(); err != nil {
		return nil, nil, nil, "", err
	}
	for _, a := range c.with(kindAttachment, "_to", string(kindUser)+to.id) {
		if a.is("_policy", policy.id) && a.str("_scope") == scope {
			old = a
		}
	}
	return policy, to, old, scope, nil
}

func attachInGroup(c *call) (obj, error) {
	policy, to, old, scope, err := c.scoped()
	if err != nil {
		return nil, err
	}
	if old != nil {
		return nil, c.fail("EntityAlreadyExists.PolicyAttachment", "The policy is already attached.")
	}
	r := c.create(kindAttachment, c.w.id("att-"), obj{
		"_to": string(kindUser) + to.id, "_policy": policy.id, "_scope": scope, "PolicyName": policy.str("PolicyName"), "PolicyType": policy.str("PolicyType"),
		"DefaultVersion": "v1", "Description": policy.str("Description"), "AttachDate": c.stamp(seconds),
	})
	r.region = global
	return obj{}, nil
}

func detachFromGroup(c *call) (obj, error) {
	_, _, old, _, err := c.scoped()
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, c.fail("EntityNotExist.PolicyAttachment", "The policy is not attached.")
	}
	c.w.remove(old)
	return obj{}, nil
}

// permitted refuses what the policies of a RAM user do not let it do. Of a policy the
// effects and actions count, and the resource group in which it holds; its resources and
// conditions do not. Accounts and roles may do everything.
func (c *call) permitted() error {
	if c.who.kind != "RAMUser" || c.name() == "Sts.GetCallerIdentity" {
		return nil
	}
	var groups []string
	for _, user := range c.where(kindUser, func(r *record) bool { return r.is("UserId", c.who.principalID) }) {
		for _, a := range c.with(kindAttachment, "_to", string(kindUser)+user.id) {
			switch {
			case !c.allowedBy(a):
			case a.str("_scope") == "":
				return nil
			default:
				groups = append(groups, a.str("_scope"))
			}
		}
	}
	if len(groups) > 0 && c.staysWithin(groups) {
		return nil
	}
	return c.fail("Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.")
}

// ramCode is what policies call a product.
func ramCode(product string) string {
	switch product {
	case "Cloudfw":
		return "yundun-cloudfirewall"
	case "waf-openapi":
		return "yundun-waf"
	case "Sas":
		return "yundun-sas"
	case "ResourceManager":
		return "ram"
	}
	return strings.ToLower(product)
}

// allowedBy tells whether an attached policy allows the call's action.
func (c *call) allowedBy(attachment *record) bool {
	action := ramCode(c.action.Product.Name) + ":" + strings.ToLower(c.action.Name)
	if attachment.is("PolicyType", "System") {
		switch name := attachment.str("PolicyName"); name {
		case "AdministratorAccess":
			return true
		case "ReadOnlyAccess":
			return c.action.Reads
		default:
			return strings.EqualFold(name, "Aliyun"+ramCode(c.action.Product.Name)+"FullAccess")
		}
	}
	policy := c.find(kindPolicy, attachment.str("_policy"))
	if policy == nil {
		return false
	}
	var document struct {
		Statement []struct {
			Effect string
			Action any
		}
	}
	if json.Unmarshal([]byte(policy.str("PolicyDocument")), &document) != nil {
		return false
	}
	allowed := false
	for _, statement := range document.Statement {
		patterns, one := statement.Action.(string)
		list := []string{patterns}
		if !one {
			list = stringList(statement.Action)
		}
		for _, pattern := range list {
			if matched, err := path.Match(strings.ToLower(pattern), action); err != nil || !matched {
				continue
			}
			if statement.Effect != "Allow" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// staysWithin tells whether a call is about these resource groups alone: it names one of
// them, or things in them, and nothing that is in another.
func (c *call) staysWithin(groups []string) bool {
	named := c.str("ResourceGroupId")
	if named != "" && !contains(groups, named) {
		return false
	}
	within := named != ""
	for _, id := range idsIn(map[string]any(c.args)) {
		r := c.anyKind(id)
		if r == nil {
			continue
		}
		group, has := r.attrs["ResourceGroupId"]
		if !has { // it goes with something else
			continue
		}
		if !contains(groups, cmp.Or(text(group), c.defaultGroup())) {
			return false
		}
		within = true
	}
	return within
}

// idsIn are all texts in parameters, of which some may be ids.
func idsIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			out = append(out, idsIn(member)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, idsIn(item)...)
		}
	case string:
		return stringList(v)
	}
	return out
}
