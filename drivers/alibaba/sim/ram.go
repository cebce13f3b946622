package sim

import (
	"encoding/json"
	"slices"
)

// RAM is global: its records have no region. A name is unique in its account, so ids
// are the account and the name.
const (
	kindUser       kind = "ram_user"
	kindRole       kind = "ram_role"
	kindPolicy     kind = "ram_policy"
	kindGroup      kind = "ram_group"
	kindAttachment kind = "ram_attachment"
)

func ramUsers() actions {
	return actions{
		"CreateUser": createUser, "GetUser": getNamed(kindUser, "User"), "ListUsers": listMarked(kindUser, "Users.User"), "UpdateUser": updateUser,
		"DeleteUser": deleteUser, "CreateAccessKey": createKey, "ListAccessKeys": listKeys, "UpdateAccessKey": updateKey, "DeleteAccessKey": deleteKey,
		"CreateGroup": createRAMGroup, "GetGroup": getNamed(kindGroup, "Group"), "DeleteGroup": deleteNamed(kindGroup), "ListGroups": listMarked(kindGroup, "Groups.Group"),
		"AddUserToGroup": addToGroup, "RemoveUserFromGroup": removeFromGroup, "ListUsersForGroup": usersOfGroup, "ListGroupsForUser": groupsOfUser,
		"CreateRole": createRole, "GetRole": getNamed(kindRole, "Role"), "UpdateRole": updateRole, "DeleteRole": deleteNamed(kindRole), "ListRoles": listMarked(kindRole, "Roles.Role"),
	}
}

// nameOf is the parameter and the word of errors for a kind.
func nameOf(k kind) (parameter, word string) {
	switch k {
	case kindUser:
		return "UserName", "User"
	case kindRole:
		return "RoleName", "Role"
	case kindGroup:
		return "GroupName", "Group"
	}
	return "PolicyName", "Policy"
}

func (c *call) ramID(name string) string { return c.who.account.uid + "/" + name }

// named finds a RAM record by the parameter that names its kind.
func (c *call) named(k kind) (*record, error) {
	parameter, word := nameOf(k)
	name := c.str(parameter)
	if name == "" {
		return nil, c.fail("MissingParameter", "%s is required.", parameter)
	}
	return c.need(k, c.ramID(name), "EntityNotExist."+word)
}

// createNamed adds a RAM record whose name is free.
func (c *call) createNamed(k kind, attrs obj) (*record, error) {
	parameter, word := nameOf(k)
	name := c.str(parameter)
	if name == "" {
		return nil, c.fail("MissingParameter", "%s is required.", parameter)
	}
	if c.find(k, c.ramID(name)) != nil {
		return nil, c.fail("EntityAlreadyExists."+word, "The %s already exists.", word)
	}
	attrs[parameter], attrs["CreateDate"], attrs["UpdateDate"] = name, c.stamp(seconds), c.stamp(seconds)
	r := c.create(k, c.ramID(name), attrs)
	r.region = global
	for _, t := range objects(c.args["Tag"]) {
		r.tags[text(t["Key"])] = text(t["Value"])
	}
	return r, nil
}

func getNamed(k kind, member string) handler {
	return func(c *call) (obj, error) {
		r, err := c.named(k)
		if err != nil {
			return nil, err
		}
		return obj{member: c.show(r, member)}, nil
	}
}

// deleteNamed deletes what has no members and no policies.
func deleteNamed(k kind) handler {
	return func(c *call) (obj, error) {
		r, err := c.named(k)
		if err != nil {
			return nil, err
		}
		_, word := nameOf(k)
		if len(c.with(kindAttachment, "_to", string(k)+r.id)) > 0 {
			return nil, c.fail("DeleteConflict."+word+".Policy", "The %s has policies.", word)
		}
		if len(r.in("_users")) > 0 {
			return nil, c.fail("DeleteConflict.Group.User", "The group has users.")
		}
		c.w.remove(r)
		return obj{}, nil
	}
}

// listMarked lists by Marker and MaxItems.
func listMarked(k kind, path string) handler {
	return func(c *call) (obj, error) { return c.marked(path, c.where(k, func(*record) bool { return true })) }
}

func (c *call) marked(path string, records []*record) (obj, error) {
	if m := c.str("Marker"); m != "" {
		i := slices.IndexFunc(records, func(r *record) bool { return r.id == m })
		records = records[i+1:]
	}
	out := obj{"IsTruncated": false}
	if limit := c.num("MaxItems", 100); len(records) > limit {
		records = records[:limit]
		out["IsTruncated"], out["Marker"] = true, records[limit-1].id
	}
	items := make([]any, len(records))
	for i, r := range records {
		items[i] = c.show(r, path)
	}
	for _, name := range []string{"IsTruncated", "Marker"} {
		if c.action.Response.Properties[name] == nil {
			delete(out, name)
		}
	}
	return merge(out, wrap(path, items)), nil
}

func createUser(c *call) (obj, error) {
	r, err := c.createNamed(kindUser, obj{
		"UserId": c.w.digits(18), "DisplayName": c.str("DisplayName"), "Email": c.str("Email"), "MobilePhone": c.str("MobilePhone"), "Comments": c.str("Comments"),
	})
	if err != nil {
		return nil, err
	}
	return obj{"User": c.show(r, "User")}, nil
}

func updateUser(c *call) (obj, error) {
	r, err := c.named(kindUser)
	if err != nil {
		return nil, err
	}
	c.change(r, "NewDisplayName", "DisplayName", "NewEmail", "Email", "NewMobilePhone", "MobilePhone", "NewComments", "Comments")
	return obj{"User": c.show(r, "User")}, nil
}

func deleteUser(c *call) (obj, error) {
	r, err := c.named(kindUser)
	if err != nil {
		return nil, err
	}
	for _, k := range c.w.credentials {
		if k.principalID == r.str("UserId") {
			return nil, c.fail("DeleteConflict.User.AccessKey", "The user has access keys.")
		}
	}
	for g := range c.all(kindGroup) {
		if contains(g.in("_users"), r.id) {
			return nil, c.fail("DeleteConflict.User.Group", "The user is in a group.")
		}
	}
	return deleteNamed(kindUser)(c)
}

// owner is the principal whose keys a call is about.
func (c *call) owner() (id, arn, kindOf string, err error) {
	if c.str("UserName") == "" {
		return c.who.account.uid, rootARN(c.who.account.uid), "Account", nil
	}
	r, err := c.named(kindUser)
	if err != nil {
		return "", "", "", err
	}
	return r.str("UserId"), "acs:ram::" + c.who.account.uid + ":user/" + r.str("UserName"), "RAMUser", nil
}

// maxKeys is how many access keys a user may have.
const maxKeys = 2

func createKey(c *call) (obj, error) {
	id, arn, kindOf, err := c.owner()
	if err != nil {
		return nil, err
	}
	n := 0
	for _, k := range c.w.credentials {
		if k.principalID == id && k.token == "" {
			n++
		}
	}
	if n >= maxKeys {
		return nil, c.fail("LimitExceeded.User.AccessKey", "The user has too many access keys.")
	}
	k := &credential{
		id: "LTAI5t" + c.w.word(18), secret: c.w.word(30), account: c.who.account, principal: arn, kind: kindOf, principalID: id, created: c.now,
	}
	c.w.credentials[k.id] = k
	c.touch(k.id)
	return obj{"AccessKey": obj{"AccessKeyId": k.id, "AccessKeySecret": k.secret, "Status": "Active", "CreateDate": c.stamp(seconds)}}, nil
}

func (k *credential) status() string {
	if k.inactive {
		return "Inactive"
	}
	return "Active"
}

func listKeys(c *call) (obj, error) {
	id, _, _, err := c.owner()
	if err != nil {
		return nil, err
	}
	var items []obj
	for _, k := range c.w.credentials {
		if k.principalID == id && k.token == "" {
			items = append(items, obj{"AccessKeyId": k.id, "Status": k.status(), "CreateDate": k.created.UTC().Format(seconds)})
		}
	}
	slices.SortFunc(items, func(a, b obj) int { return compareText(a["AccessKeyId"], b["AccessKeyId"]) })
	return wrap("AccessKeys.AccessKey", anys(items)), nil
}

func (c *call) accessKey() (*credential, error) {
	id, _, _, err := c.owner()
	if err != nil {
		return nil, err
	}
	k := c.w.credentials[c.str("UserAccessKeyId")]
	if k == nil || k.principalID != id {
		return nil, c.fail("EntityNotExist.User.AccessKey", "The access key does not exist.")
	}
	c.touch(k.id)
	return k, nil
}

func updateKey(c *call) (obj, error) {
	k, err := c.accessKey()
	if err != nil {
		return nil, err
	}
	k.inactive = c.is("Status", "Inactive")
	return obj{}, nil
}

func deleteKey(c *call) (obj, error) {
	k, err := c.accessKey()
	if err != nil {
		return nil, err
	}
	delete(c.w.credentials, k.id)
	return obj{}, nil
}

func createRAMGroup(c *call) (obj, error) {
	r, err := c.createNamed(kindGroup, obj{"GroupId": "g-" + c.w.word(14), "Comments": c.str("Comments")})
	if err != nil {
		return nil, err
	}
	return obj{"Group": c.show(r, "Group")}, nil
}

func (c *call) groupAndUser() (g, u *record, err error) {
	if u, err = c.named(kindUser); err != nil {
		return nil, nil, err
	}
	g, err = c.named(kindGroup)
	return g, u, err
}

func addToGroup(c *call) (obj, error) {
	g, u, err := c.groupAndUser()
	if err != nil {
		return nil, err
	}
	if contains(g.in("_users"), u.id) {
		return nil, c.fail("EntityAlreadyExists.User.Group", "The user is in the group.")
	}
	g.set("_users", append(slices.Clone(g.in("_users")), u.id))
	return obj{}, nil
}

func removeFromGroup(c *call) (obj, error) {
	g, u, err := c.groupAndUser()
	if err != nil {
		return nil, err
	}
	if !contains(g.in("_users"), u.id) {
		return nil, c.fail("EntityNotExist.User.Group", "The user is not in the group.")
	}
	g.set("_users", without(g.in("_users"), u.id))
	return obj{}, nil
}

func usersOfGroup(c *call) (obj, error) {
	g, err := c.named(kindGroup)
	if err != nil {
		return nil, err
	}
	return c.marked("Users.User", c.where(kindUser, func(r *record) bool { return contains(g.in("_users"), r.id) }))
}

func groupsOfUser(c *call) (obj, error) {
	u, err := c.named(kindUser)
	if err != nil {
		return nil, err
	}
	return c.marked("Groups.Group", c.where(kindGroup, func(r *record) bool { return contains(r.in("_users"), u.id) }))
}

func createRole(c *call) (obj, error) {
	if !json.Valid([]byte(c.str("AssumeRolePolicyDocument"))) {
		return nil, c.fail("MalformedPolicyDocument", "The policy document is not valid.")
	}
	r, err := c.createNamed(kindRole, obj{
		"RoleId": c.w.digits(18), "Arn": "acs:ram::" + c.who.account.uid + ":role/" + c.str("RoleName"), "Description": c.str("Description"),
		"AssumeRolePolicyDocument": c.str("AssumeRolePolicyDocument"), "MaxSessionDuration": c.num("MaxSessionDuration", 3600),
	})
	if err != nil {
		return nil, err
	}
	return obj{"Role": c.show(r, "Role")}, nil
}

func updateRole(c *call) (obj, error) {
	r, err := c.named(kindRole)
	if err != nil {
		return nil, err
	}
	c.change(r, "NewAssumeRolePolicyDocument", "AssumeRolePolicyDocument", "NewDescription", "Description", "NewMaxSessionDuration", "MaxSessionDuration")
	return obj{"Role": c.show(r, "Role")}, nil
}
