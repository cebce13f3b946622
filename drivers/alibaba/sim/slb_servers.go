package sim

import "slices"

const kindServerGroup kind = "server_group"

func slbServers() actions {
	return actions{
		"CreateVServerGroup": createServerGroup, "DeleteVServerGroup": deleteServerGroup, "DescribeVServerGroups": describeServerGroups,
		"DescribeVServerGroupAttribute": describeServerGroup, "SetVServerGroupAttribute": setServerGroup,
		"AddVServerGroupBackendServers": addGroupServers, "RemoveVServerGroupBackendServers": removeGroupServers,
		"ModifyVServerGroupBackendServers": modifyGroupServers,
		"AddBackendServers":                changeServers(addServers), "SetBackendServers": changeServers(updateServers), "RemoveBackendServers": changeServers(removeServers),
		"DescribeHealthStatus": describeHealth,
	}
}

// servers reads a list of servers from JSON text and checks that they exist.
func (c *call) servers(name string) ([]obj, error) {
	list, ok := c.jsonObjects(name)
	if !ok {
		return nil, c.fail("InvalidParameter", "The specified %s is not valid.", name)
	}
	out := make([]obj, 0, len(list))
	for _, in := range list {
		id := text(in["ServerId"])
		target, k := kindInstance, textOr(in["Type"], "ecs")
		if k == "eni" {
			target = kindInterface
		}
		r := c.find(target, id)
		if r == nil && target == kindInstance {
			r = c.find(kindContainerGroup, id)
		}
		if r == nil && k != "ip" {
			return nil, c.failOne([]string{"InvalidServerId.NotExist", "InvalidParameter", "InvalidServerId.NotExist"}, "The specified server does not exist.")
		}
		given := text(in["ServerIp"])
		ip := given
		if ip == "" && r != nil {
			ip = c.addressOf(r)
		}
		out = append(out, obj{
			"ServerId": id, "Weight": number(in["Weight"], 100), "Type": k, "Port": number(in["Port"], 0), "Description": text(in["Description"]), "ServerIp": given, "_ip": ip,
		})
	}
	return out, nil
}

func (c *call) addressOf(r *record) string {
	if nic := c.w.byID(kindInterface, r.str("_nic")); nic != nil {
		return nic.str("PrivateIpAddress")
	}
	return textOr(r.attrs["PrivateIpAddress"], r.str("IntranetIp"))
}

func sameServer(a, b obj) bool {
	return text(a["ServerId"]) == text(b["ServerId"]) && text(a["Port"]) == text(b["Port"]) && text(a["_ip"]) == text(b["_ip"])
}

// Changes of a list of servers.
func addServers(have, list []obj) []obj {
	for _, s := range list {
		if !slices.ContainsFunc(have, func(o obj) bool { return sameServer(o, s) }) {
			have = append(have, s)
		}
	}
	return have
}

func updateServers(have, list []obj) []obj {
	for _, s := range list {
		for _, o := range have {
			if sameServer(o, s) {
				o["Weight"], o["Description"] = s["Weight"], s["Description"]
			}
		}
	}
	return have
}

func removeServers(have, list []obj) []obj {
	return slices.DeleteFunc(have, func(o obj) bool {
		return slices.ContainsFunc(list, func(s obj) bool {
			return text(o["ServerId"]) == text(s["ServerId"]) && (number(s["Port"], 0) == 0 || text(o["Port"]) == text(s["Port"]))
		})
	})
}

func changeServers(change func(have, list []obj) []obj) handler {
	return func(c *call) (obj, error) {
		r, err := c.balancer()
		if err != nil {
			return nil, err
		}
		list, err := c.serverList("BackendServers")
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			o["Port"] = 0
		}
		r.set("_servers", anys(change(objects(r.attrs["_servers"]), list)))
		return c.serverAnswer(r, obj{"LoadBalancerId": r.id}), nil
	}
}

// serverList reads servers to add or to remove; those to remove need not exist, and
// may be a list of ids.
func (c *call) serverList(name string) ([]obj, error) {
	if c.action.Name != "RemoveBackendServers" && c.action.Name != "RemoveVServerGroupBackendServers" {
		return c.servers(name)
	}
	if list, ok := c.jsonObjects(name); ok && len(list) > 0 {
		return list, nil
	}
	var list []obj
	for _, id := range c.strs(name) {
		list = append(list, obj{"ServerId": id})
	}
	return list, nil
}

func (c *call) serverAnswer(r *record, out obj) obj {
	schema := c.at("BackendServers.BackendServer")
	items := []any{}
	for _, o := range objects(r.attrs["_servers"]) {
		items = append(items, restrict(schema, o))
	}
	return merge(out, wrap("BackendServers.BackendServer", items))
}

func createServerGroup(c *call) (obj, error) {
	b, err := c.balancer()
	if err != nil {
		return nil, err
	}
	list, err := c.servers("BackendServers")
	if err != nil {
		return nil, err
	}
	id := c.w.id("rsp-")
	r := c.create(kindServerGroup, id, obj{
		"VServerGroupId": id, "VServerGroupName": c.or("VServerGroupName", "Group1"), "LoadBalancerId": b.id, "CreateTime": c.stamp(seconds),
		"_servers": anys(addServers(nil, list)),
	})
	return c.serverAnswer(r, obj{"VServerGroupId": id}), nil
}

func (c *call) serverGroup() (*record, error) {
	return c.need(kindServerGroup, c.str("VServerGroupId"), "ResourceNotFound.VServerGroup", "InvalidParameter.VServerGroupId", "InvalidParameter")
}

func deleteServerGroup(c *call) (obj, error) {
	r := c.find(kindServerGroup, c.str("VServerGroupId"))
	if r == nil {
		return nil, c.fail("InvalidParameter", "The specified VServerGroupId does not exist.")
	}
	if len(c.with(kindListener, "VServerGroupId", r.id)) > 0 || len(c.with(kindForwardRule, "VServerGroupId", r.id)) > 0 {
		return nil, c.fail("RspoolVipExist", "The server group is used by a listener or a rule.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func describeServerGroups(c *call) (obj, error) {
	records := c.selected(kindServerGroup, "LoadBalancerId")
	for _, r := range records {
		listeners := []any{}
		for _, l := range c.with(kindListener, "VServerGroupId", r.id) {
			listeners = append(listeners, obj{"Port": l.num("ListenerPort"), "Protocol": l.str("ListenerProtocol")})
		}
		r.set("AssociatedObjects", obj{"Listeners": obj{"Listener": listeners}, "Rules": obj{"Rule": []any{}}})
		r.set("ServerCount", len(objects(r.attrs["_servers"])))
	}
	return c.listed("VServerGroups.VServerGroup", records)
}

func describeServerGroup(c *call) (obj, error) {
	r, err := c.serverGroup()
	if err != nil {
		return nil, err
	}
	return c.serverAnswer(r, c.show(r, "")), nil
}

func setServerGroup(c *call) (obj, error) {
	r, err := c.serverGroup()
	if err != nil {
		return nil, err
	}
	c.change(r, "VServerGroupName", "VServerGroupName")
	list, err := c.servers("BackendServers")
	if err != nil {
		return nil, err
	}
	r.set("_servers", anys(updateServers(objects(r.attrs["_servers"]), list)))
	return c.serverAnswer(r, obj{"VServerGroupId": r.id, "VServerGroupName": r.str("VServerGroupName")}), nil
}

func addGroupServers(c *call) (obj, error) { return c.changeGroup(addServers) }

func removeGroupServers(c *call) (obj, error) { return c.changeGroup(removeServers) }

func (c *call) changeGroup(change func(have, list []obj) []obj) (obj, error) {
	r, err := c.serverGroup()
	if err != nil {
		return nil, err
	}
	list, err := c.serverList("BackendServers")
	if err != nil {
		return nil, err
	}
	r.set("_servers", anys(change(objects(r.attrs["_servers"]), list)))
	return c.serverAnswer(r, obj{"VServerGroupId": r.id}), nil
}

func modifyGroupServers(c *call) (obj, error) {
	r, err := c.serverGroup()
	if err != nil {
		return nil, err
	}
	old, ok := c.jsonObjects("OldBackendServers")
	if !ok {
		return nil, c.fail("InvalidParameter", "The specified OldBackendServers is not valid.")
	}
	list, err := c.servers("NewBackendServers")
	if err != nil {
		return nil, err
	}
	r.set("_servers", anys(addServers(removeServers(objects(r.attrs["_servers"]), old), list)))
	return c.serverAnswer(r, obj{"VServerGroupId": r.id}), nil
}

// describeHealth finds a server healthy while it runs and its listener does.
func describeHealth(c *call) (obj, error) {
	b, err := c.balancer()
	if err != nil {
		return nil, err
	}
	var items []any
	for _, l := range c.with(kindListener, "LoadBalancerId", b.id) {
		if port := c.num("ListenerPort", 0); port != 0 && l.num("ListenerPort") != port {
			continue
		}
		servers := objects(b.attrs["_servers"])
		if g := c.find(kindServerGroup, l.str("VServerGroupId")); g != nil {
			servers = objects(g.attrs["_servers"])
		}
		for _, s := range servers {
			port := number(s["Port"], 0)
			if port == 0 {
				port = l.num("BackendServerPort")
			}
			items = append(items, obj{
				"ServerId": text(s["ServerId"]), "ServerIp": text(s["_ip"]), "Port": port, "ListenerPort": l.num("ListenerPort"),
				"Protocol": l.str("ListenerProtocol"), "ServerHealthStatus": c.health(l, text(s["ServerId"])),
			})
		}
	}
	return wrap("BackendServers.BackendServer", items), nil
}

func (c *call) health(l *record, server string) string {
	if l.is("HealthCheck", "off") || !l.is("Status", "running") {
		return "unavailable"
	}
	vm := c.w.byID(kindInstance, server)
	if nic := c.w.byID(kindInterface, server); nic != nil {
		vm = c.w.byID(kindInstance, nic.str("InstanceId"))
	}
	if g := c.w.byID(kindContainerGroup, server); g != nil && g.is("Status", "Running") {
		return "normal"
	}
	if vm != nil && vm.is("Status", "Running") {
		return "normal"
	}
	return "abnormal"
}
