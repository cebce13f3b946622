package sim

const kindResourceGroup kind = "resource_group"

func resourceGroups() actions {
	return actions{
		"CreateResourceGroup": createResourceGroup, "ListResourceGroups": listResourceGroups, "GetResourceGroup": getResourceGroup,
		"DeleteResourceGroup": deleteResourceGroup, "UpdateResourceGroup": updateResourceGroup, "ListResources": listResources,
		"MoveResources": moveResources, "GetAccount": getAccount, "ListAccounts": listAccounts,
		"AttachPolicy": attachInGroup, "DetachPolicy": detachFromGroup,
	}
}

// standardGroup is the group that every account has.
func (c *call) standardGroup() *record {
	return &record{id: c.defaultGroup(), account: c.who.account, attrs: obj{
		"Id": c.defaultGroup(), "Name": "default", "DisplayName": "default resource group", "Status": "OK", "AccountId": c.who.account.uid, "CreateDate": "2020-01-01T00:00:00+08:00",
	}}
}

func createResourceGroup(c *call) (obj, error) {
	for r := range c.all(kindResourceGroup) {
		if r.is("Name", c.str("Name")) {
			return nil, c.failOne([]string{"EntityAlreadyExists.ResourceGroup"}, "The resource group already exists.")
		}
	}
	if err := c.quota(kindResourceGroup, 30, "LimitExceeded.ResourceGroup"); err != nil {
		return nil, err
	}
	id := "rg-" + c.w.word(15)
	r := c.create(kindResourceGroup, id, obj{
		"Id": id, "Name": c.str("Name"), "DisplayName": c.str("DisplayName"), "Status": "Creating", "AccountId": c.who.account.uid, "CreateDate": c.stamp(seconds),
	})
	r.region = global
	c.becomes(r, "Status", "OK")
	return obj{"ResourceGroup": c.show(r, "ResourceGroup")}, nil
}

func listResourceGroups(c *call) (obj, error) {
	records := append([]*record{c.standardGroup()}, c.selected(kindResourceGroup)...)
	records = keep(records, func(r *record) bool {
		for _, name := range []string{"Status", "Name", "DisplayName", "ResourceGroupId=Id"} {
			if !c.matchOne(r, name) {
				return false
			}
		}
		return true
	})
	return c.listed("ResourceGroups.ResourceGroup", c.among(records, "ResourceGroupIds"))
}

func (c *call) resourceGroup() (*record, error) {
	if c.is("ResourceGroupId", c.defaultGroup()) {
		return c.standardGroup(), nil
	}
	return c.need(kindResourceGroup, c.str("ResourceGroupId"), "EntityNotExists.ResourceGroup")
}

func getResourceGroup(c *call) (obj, error) {
	r, err := c.resourceGroup()
	if err != nil {
		return nil, err
	}
	return obj{"ResourceGroup": c.show(r, "ResourceGroup")}, nil
}

// resourcesOf are the records of all kinds in a resource group.
func (c *call) resourcesOf(group string) []*record {
	var out []*record
	for _, k := range c.w.kinds() {
		for _, r := range c.w.records[k].order {
			of, known := r.attrs["ResourceGroupId"]
			if known && r.account == c.who.account && (group == "" || textOr(of, c.defaultGroup()) == group) {
				out = append(out, r)
			}
		}
	}
	return out
}

func deleteResourceGroup(c *call) (obj, error) {
	r, err := c.need(kindResourceGroup, c.str("ResourceGroupId"), "EntityNotExists.ResourceGroup")
	if err != nil {
		return nil, err
	}
	if len(c.resourcesOf(r.id)) > 0 {
		return nil, c.fail("DeleteConflict.ResourceGroup.Resource", "The resource group has resources.")
	}
	r.set("Status", "PendingDelete")
	out := obj{"ResourceGroup": c.show(r, "ResourceGroup")}
	c.later(r, 1, func() { c.w.remove(r) })
	return out, nil
}

func updateResourceGroup(c *call) (obj, error) {
	r, err := c.need(kindResourceGroup, c.str("ResourceGroupId"), "EntityNotExists.ResourceGroup")
	if err != nil {
		return nil, err
	}
	r.set("DisplayName", c.str("NewDisplayName"))
	return obj{"ResourceGroup": c.show(r, "ResourceGroup")}, nil
}

func listResources(c *call) (obj, error) {
	records := c.resourcesOf(c.str("ResourceGroupId"))
	for _, r := range records {
		r.set("ResourceId", r.id)
		r.set("ResourceType", string(r.kind))
		r.set("Service", "ecs")
	}
	if id := c.str("ResourceId"); id != "" {
		records = keep(records, func(r *record) bool { return r.id == id })
	}
	if region := c.str("Region"); region != "" {
		records = keep(records, func(r *record) bool { return r.region == region })
	}
	return c.listed("Resources.Resource", records)
}

func moveResources(c *call) (obj, error) {
	var done []any
	for _, in := range c.list("Resources") {
		if r := c.anyKind(text(in["ResourceId"])); r != nil {
			r.set("ResourceGroupId", c.str("ResourceGroupId"))
			done = append(done, obj{"ResourceId": r.id, "ResourceType": text(in["ResourceType"]), "Service": text(in["Service"]), "RegionId": r.region, "Status": "Finished"})
		}
	}
	path := "Responses.Response"
	if s := c.action.Response.Properties["Responses"]; s == nil || s.Type == "array" {
		path = "Responses"
	}
	items := make([]any, len(done))
	for i, d := range done {
		items[i] = restrict(c.at(path), d)
	}
	return wrap(path, items), nil
}

func (c *call) accountObj(a *account) obj {
	return obj{"AccountId": a.uid, "DisplayName": a.name, "AccountName": a.name, "Status": "CreateSuccess", "Type": "ResourceAccount", "JoinMethod": "created"}
}

func getAccount(c *call) (obj, error) {
	a := c.w.accounts[c.str("AccountId")]
	if a == nil {
		return nil, c.failOne([]string{"EntityNotExists.Account"}, "The account does not exist.")
	}
	return obj{"Account": restrict(c.at("Account"), c.accountObj(a))}, nil
}

func listAccounts(c *call) (obj, error) {
	var items []any
	for _, uid := range c.w.accountIDs() {
		items = append(items, restrict(c.at("Accounts.Account"), c.accountObj(c.w.accounts[uid])))
	}
	return merge(wrap("Accounts.Account", items), obj{"TotalCount": len(items), "PageNumber": 1, "PageSize": max(10, len(items))}), nil
}

// defaultGroup is the resource group that every account has.
func (c *call) defaultGroup() string {
	return "rg-acfm" + c.who.account.uid[:min(10, len(c.who.account.uid))]
}
