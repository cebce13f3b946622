package sim

const kindSecurityGroup kind = "security_group"

func ecsGroups() actions {
	return actions{
		"CreateSecurityGroup": createGroup, "DescribeSecurityGroups": describeGroups, "DescribeSecurityGroupAttribute": describeGroupAttribute,
		"DeleteSecurityGroup": deleteGroup, "ModifySecurityGroupAttribute": changing((*call).group, "SecurityGroupName", "SecurityGroupName", "Description", "Description"), "ModifySecurityGroupPolicy": modifyGroupPolicy,
		"AuthorizeSecurityGroup": authorize("ingress"), "AuthorizeSecurityGroupEgress": authorize("egress"),
		"RevokeSecurityGroup": revoke("ingress"), "RevokeSecurityGroupEgress": revoke("egress"),
		"ModifySecurityGroupRule": modifyGroupRule, "ModifySecurityGroupEgressRule": modifyGroupRule,
		"JoinSecurityGroup": joinGroup, "LeaveSecurityGroup": leaveGroup, "DescribeSecurityGroupReferences": describeReferences,
	}
}

func createGroup(c *call) (obj, error) {
	vpc := c.str("VpcId")
	if vpc != "" {
		v, err := c.need(kindVpc, vpc, noVpc...)
		if err != nil {
			return nil, err
		}
		if !v.is("Status", "Available") {
			return nil, c.fail("IncorrectVpcStatus", "Current VPC status does not support this operation.")
		}
	}
	if err := c.quota(kindSecurityGroup, 100, "QuotaExceed.SecurityGroup"); err != nil {
		return nil, err
	}
	policy := "Accept"
	if c.is("SecurityGroupType", "enterprise") {
		policy = "Drop"
	}
	id := c.w.id("sg-")
	c.create(kindSecurityGroup, id, obj{
		"SecurityGroupId": id, "SecurityGroupName": c.str("SecurityGroupName"), "Description": c.str("Description"), "VpcId": vpc,
		"SecurityGroupType": c.or("SecurityGroupType", "normal"), "CreationTime": c.stamp(seconds), "ResourceGroupId": c.str("ResourceGroupId"),
		"InnerAccessPolicy": policy, "ServiceManaged": false, "AvailableInstanceAmount": 2000,
	})
	return obj{"SecurityGroupId": id}, nil
}

func (c *call) group() (*record, error) {
	return c.need(kindSecurityGroup, c.str("SecurityGroupId"), "InvalidSecurityGroupId.NotFound", "InvalidSecurityGroup.NotFound", "InvalidSecurityGroupId.NotFound")
}

// membersOf are the interfaces in a group.
func (c *call) membersOf(id string) []*record {
	return c.where(kindInterface, func(r *record) bool { return contains(groupsOf(r), id) })
}

func (c *call) rulesOf(id string) []*record { return c.with(kindGroupRule, "_group", id) }

func describeGroups(c *call) (obj, error) {
	records := c.selected(kindSecurityGroup, "VpcId", "SecurityGroupType", "SecurityGroupName", "ResourceGroupId", "SecurityGroupId")
	records = c.among(records, "SecurityGroupIds")
	for _, r := range records {
		seen := map[string]bool{}
		for _, nic := range c.membersOf(r.id) {
			seen[nic.str("InstanceId")] = true
		}
		delete(seen, "")
		r.set("EcsCount", len(seen))
		r.set("RuleCount", len(c.rulesOf(r.id)))
	}
	out, err := c.listed("SecurityGroups.SecurityGroup", records)
	if err != nil {
		return nil, err
	}
	out["RegionId"] = c.region
	return out, nil
}

func describeGroupAttribute(c *call) (obj, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	rules := keep(c.rulesOf(g.id), func(r *record) bool {
		return c.or("Direction", "all") == "all" || r.is("Direction", c.str("Direction"))
	})
	out := c.show(g, "")
	items := make([]any, 0, len(rules))
	page, more, err := paged(c, rules, func(r *record) int { return r.seq })
	if err != nil {
		return nil, err
	}
	if !c.has("MaxResults") {
		page, more = rules, obj{}
	}
	for _, r := range page {
		items = append(items, c.show(r, "Permissions.Permission"))
	}
	return merge(merge(out, more), wrap("Permissions.Permission", items)), nil
}

func deleteGroup(c *call) (obj, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if len(c.membersOf(g.id)) > 0 || len(c.with(kindContainerGroup, "SecurityGroupId", g.id)) > 0 {
		return nil, c.fail("DependencyViolation", "There is still instance(s) in the specified security group.")
	}
	for r := range c.all(kindGroupRule) {
		if !r.is("_group", g.id) && (r.is("SourceGroupId", g.id) || r.is("DestGroupId", g.id)) {
			return nil, c.fail("DependencyViolation", "The specified security group has been authorized in another one.")
		}
	}
	for _, r := range c.rulesOf(g.id) {
		c.w.remove(r)
	}
	c.w.remove(g)
	return obj{}, nil
}

func modifyGroupPolicy(c *call) (obj, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	policy := c.str("InnerAccessPolicy")
	if policy != "Accept" && policy != "Drop" {
		return nil, c.fail("InvalidPolicy.Malformed", "The specified policy is not valid.")
	}
	g.set("InnerAccessPolicy", policy)
	return obj{}, nil
}

// nicToJoin is the interface that a call adds to a group or takes out of it.
func (c *call) nicToJoin() (*record, error) {
	if id := c.str("NetworkInterfaceId"); id != "" {
		return c.need(kindInterface, id, "InvalidEniId.NotFound")
	}
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if vm.is("Status", "Pending") {
		return nil, c.failOne([]string{"Forbidden.InstanceIsBeingCreated", "IncorrectInstanceStatus"}, "The instance is being created.")
	}
	return c.need(kindInterface, vm.str("_nic"), "InvalidEniId.NotFound")
}

func (c *call) groupAndNic() (g, nic *record, err error) {
	if g, err = c.group(); err != nil {
		return nil, nil, err
	}
	nic, err = c.nicToJoin()
	return g, nic, err
}

// maxGroups is how many groups an interface may be in.
const maxGroups = 5

func joinGroup(c *call) (obj, error) {
	g, nic, err := c.groupAndNic()
	if err != nil {
		return nil, err
	}
	groups := groupsOf(nic)
	switch {
	case contains(groups, g.id):
		return nil, c.fail("InvalidInstanceId.AlreadyExists", "The specified instance already exists in the specified security group.")
	case !nic.is("VpcId", g.str("VpcId")):
		return nil, c.failOne([]string{"InvalidOperation.VpcMismatch", "InvalidInstanceId.Mismatch"}, "The instance and the security group are not in the same VPC.")
	case len(groups) >= maxGroups:
		return nil, c.fail("InstanceSecurityGroupLimitExceeded", "The instance is in too many security groups.")
	}
	nic.set("SecurityGroupIds", obj{"SecurityGroupId": append(append([]string{}, groups...), g.id)})
	return obj{}, nil
}

func leaveGroup(c *call) (obj, error) {
	g, nic, err := c.groupAndNic()
	if err != nil {
		return nil, err
	}
	groups := groupsOf(nic)
	switch {
	case !contains(groups, g.id) && c.has("NetworkInterfaceId"):
		return nil, c.fail("InvalidSecurityGroupAssociation.NotFound", "The interface is not in the security group.")
	case !contains(groups, g.id):
		return nil, c.fail("InstanceNotInSecurityGroup", "The instance is not in the security group.")
	case len(groups) == 1 && c.has("NetworkInterfaceId"):
		return nil, c.fail("InvalidOperation.AtLeastInOneGroup", "The interface must be in at least one security group.")
	case len(groups) == 1:
		return nil, c.fail("InstanceLastSecurityGroup", "The instance must be in at least one security group.")
	}
	nic.set("SecurityGroupIds", obj{"SecurityGroupId": without(groups, g.id)})
	return obj{}, nil
}

func describeReferences(c *call) (obj, error) {
	var items []any
	for _, id := range c.strs("SecurityGroupId") {
		var by []any
		for r := range c.all(kindGroupRule) {
			if r.is("SourceGroupId", id) || r.is("DestGroupId", id) {
				by = append(by, obj{"SecurityGroupId": r.str("_group"), "AliUid": r.account.uid})
			}
		}
		if by != nil {
			items = append(items, obj{"SecurityGroupId": id, "ReferencingSecurityGroups": obj{"ReferencingSecurityGroup": by}})
		}
	}
	return wrap("SecurityGroupReferences.SecurityGroupReference", items), nil
}
