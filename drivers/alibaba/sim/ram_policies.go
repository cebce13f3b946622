package sim

import (
	"cmp"
	"encoding/json"
)

func ramPolicies() actions {
	return actions{
		"CreatePolicy": createPolicy, "GetPolicy": getPolicy, "DeletePolicy": deletePolicy, "ListPolicies": listPolicies,
		"AttachPolicyToUser": attachPolicy(kindUser), "DetachPolicyFromUser": detachPolicy(kindUser), "ListPoliciesForUser": policiesOf(kindUser),
		"AttachPolicyToRole": attachPolicy(kindRole), "DetachPolicyFromRole": detachPolicy(kindRole), "ListPoliciesForRole": policiesOf(kindRole),
		"AttachPolicyToGroup": attachPolicy(kindGroup), "DetachPolicyFromGroup": detachPolicy(kindGroup), "ListPoliciesForGroup": policiesOf(kindGroup),
	}
}

func compareText(a, b any) int { return cmp.Compare(text(a), text(b)) }

// systemPolicies are the cloud's own that are known here.
func systemPolicies() []string {
	return []string{
		"AdministratorAccess", "ReadOnlyAccess", "AliyunECSFullAccess", "AliyunECSReadOnlyAccess", "AliyunVPCFullAccess", "AliyunSLBFullAccess",
		"AliyunRDSFullAccess", "AliyunSTSAssumeRoleAccess", "AliyunRAMFullAccess", "AliyunBSSReadOnlyAccess", "AliyunResourceDirectoryFullAccess",
	}
}

func createPolicy(c *call) (obj, error) {
	if !json.Valid([]byte(c.str("PolicyDocument"))) {
		return nil, c.fail("MalformedPolicyDocument", "The policy document is not valid.")
	}
	r, err := c.createNamed(kindPolicy, obj{
		"PolicyType": "Custom", "Description": c.str("Description"), "DefaultVersion": "v1", "PolicyDocument": c.str("PolicyDocument"), "AttachmentCount": 0,
	})
	if err != nil {
		return nil, err
	}
	return obj{"Policy": c.show(r, "Policy")}, nil
}

// policy finds the policy of a call, the cloud's own too.
func (c *call) policy() (*record, error) {
	name := c.str("PolicyName")
	if c.is("PolicyType", "System") && contains(systemPolicies(), name) {
		return &record{kind: kindPolicy, id: "System/" + name, account: c.who.account, attrs: obj{
			"PolicyName": name, "PolicyType": "System", "DefaultVersion": "v1", "Description": "", "PolicyDocument": "{}", "CreateDate": "2015-04-28T10:26:42Z",
		}}, nil
	}
	if c.is("PolicyType", "System") {
		return nil, c.fail("EntityNotExist.Policy", "The policy does not exist.")
	}
	return c.named(kindPolicy)
}

func getPolicy(c *call) (obj, error) {
	r, err := c.policy()
	if err != nil {
		return nil, err
	}
	return obj{"Policy": c.show(r, "Policy"), "DefaultPolicyVersion": obj{
		"IsDefaultVersion": true, "VersionId": "v1", "PolicyDocument": r.str("PolicyDocument"), "CreateDate": r.str("CreateDate"),
	}}, nil
}

func deletePolicy(c *call) (obj, error) {
	r, err := c.named(kindPolicy)
	if err != nil {
		return nil, err
	}
	if len(c.with(kindAttachment, "_policy", r.id)) > 0 {
		return nil, c.fail("DeleteConflict.Policy.User", "The policy is attached.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func listPolicies(c *call) (obj, error) {
	var records []*record
	if c.or("PolicyType", "System") == "System" {
		for _, name := range systemPolicies() {
			records = append(records, &record{id: "System/" + name, attrs: obj{"PolicyName": name, "PolicyType": "System", "DefaultVersion": "v1"}})
		}
	}
	if c.or("PolicyType", "Custom") == "Custom" {
		records = append(records, c.where(kindPolicy, func(*record) bool { return true })...)
	}
	return c.marked("Policies.Policy", records)
}

func (c *call) attachment(k kind) (policy, to, old *record, err error) {
	if to, err = c.named(k); err != nil {
		return nil, nil, nil, err
	}
	if policy, err = c.policy(); err != nil {
		return nil, nil, nil, err
	}
	for _, a := range c.with(kindAttachment, "_to", string(k)+to.id) {
		if a.is("_policy", policy.id) {
			old = a
		}
	}
	return policy, to, old, nil
}

func attachPolicy(k kind) handler {
	return func(c *call) (obj, error) {
		policy, to, old, err := c.attachment(k)
		if err != nil {
			return nil, err
		}
		_, word := nameOf(k)
		if old != nil {
			return nil, c.fail("EntityAlreadyExists."+word+".Policy", "The policy is already attached.")
		}
		r := c.create(kindAttachment, c.w.id("att-"), obj{
			"_to": string(k) + to.id, "_policy": policy.id, "PolicyName": policy.str("PolicyName"), "PolicyType": policy.str("PolicyType"),
			"DefaultVersion": "v1", "Description": policy.str("Description"), "AttachDate": c.stamp(seconds),
		})
		r.region = global
		return obj{}, nil
	}
}

func detachPolicy(k kind) handler {
	return func(c *call) (obj, error) {
		_, _, old, err := c.attachment(k)
		if err != nil {
			return nil, err
		}
		_, word := nameOf(k)
		if old == nil {
			return nil, c.fail("EntityNotExist."+word+".Policy", "The policy is not attached.")
		}
		c.w.remove(old)
		return obj{}, nil
	}
}

func policiesOf(k kind) handler {
	return func(c *call) (obj, error) {
		to, err := c.named(k)
		if err != nil {
			return nil, err
		}
		return c.marked("Policies.Policy", c.with(kindAttachment, "_to", string(k)+to.id))
	}
}
