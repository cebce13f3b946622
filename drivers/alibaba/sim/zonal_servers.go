package sim

import "slices"

// given reads servers of a call, as the server list keeps them.
func (p *zonal) given(c *call, g *record, name string) ([]obj, error) {
	var out []obj
	for _, in := range c.list(name) {
		id, k := text(in["ServerId"]), text(in["ServerType"])
		if (k == "Ip") != g.is("ServerGroupType", "Ip") {
			return nil, c.fail("Mismatch.ServerType", "The server does not fit the type of the server group.")
		}
		ip := text(in["ServerIp"])
		if k == "Ip" {
			ip = id
		} else {
			r := c.find(map[string]kind{"Ecs": kindInstance, "Eni": kindInterface, "Eci": kindContainerGroup}[k], id)
			if r == nil {
				return nil, p.absent(c, k)
			}
			if vpc := p.vpcOf(c, r); vpc != "" && vpc != g.str("VpcId") {
				return nil, c.fail("Mismatch.VpcId", "The server is not of the VPC of the server group.")
			}
			if ip == "" {
				ip = c.addressOf(r)
			}
		}
		c.w.seq++
		out = append(out, obj{
			"ServerId": id, "ServerType": k, "ServerIp": ip, "Port": number(in["Port"], 0), "Weight": number(in["Weight"], 100),
			"Description": text(in["Description"]), "Status": "Adding", "ServerGroupId": g.id, "_seq": c.w.seq,
		})
	}
	return out, nil
}

func (p *zonal) vpcOf(c *call, r *record) string {
	if nic := c.w.byID(kindInterface, r.str("_nic")); nic != nil {
		return nic.str("VpcId")
	}
	return r.str("VpcId")
}

// findServer is the server of a group that another one names; nil: there is none.
func findServer(g *record, s obj) obj {
	for _, o := range objects(g.attrs["_servers"]) {
		if text(o["ServerId"]) == text(s["ServerId"]) && text(o["Port"]) == text(s["Port"]) {
			return o
		}
	}
	return nil
}

func (p *zonal) addServers(c *call) (obj, error) {
	g, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	list, err := p.given(c, g, "Servers")
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if findServer(g, s) != nil {
			return nil, c.failOne([]string{"Conflict.BackendServer", "DuplicatedParam.Server"}, "The server is in the group already.")
		}
	}
	if limit := 1000; len(objects(g.attrs["_servers"]))+len(list) > limit {
		return nil, c.failOne([]string{"ResourceQuotaExceeded.ServerAddedNum", "QuotaExceeded.QuotaInsufficient"}, "The group has %d servers at most.", limit)
	}
	g.set("_servers", anys(append(objects(g.attrs["_servers"]), list...)))
	return p.configure(c, g, func() {
		for _, s := range list {
			s["Status"] = "Available"
		}
	}), nil
}

// named finds the servers that a call names, or says that one is missing.
func (p *zonal) named(c *call, g *record, name string) ([]obj, error) {
	var out []obj
	for _, in := range c.list(name) {
		s := findServer(g, in)
		if s == nil {
			return nil, p.absent(c, "BackendServer")
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *zonal) removeServers(c *call) (obj, error) {
	g, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	list, err := p.named(c, g, "Servers")
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		s["Status"] = "Removing"
	}
	return p.configure(c, g, func() { drop(g, list) }), nil
}

// drop takes servers out of a group.
func drop(g *record, list []obj) {
	left := slices.DeleteFunc(objects(g.attrs["_servers"]), func(o obj) bool {
		return slices.ContainsFunc(list, func(s obj) bool { return text(s["_seq"]) == text(o["_seq"]) })
	})
	g.set("_servers", anys(left))
}

func (p *zonal) updateServers(c *call) (obj, error) {
	g, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	list, err := p.named(c, g, "Servers")
	if err != nil {
		return nil, err
	}
	given := c.list("Servers")
	for _, s := range list {
		s["Status"] = "Configuring"
	}
	return p.configure(c, g, func() {
		for i, s := range list {
			s["Status"] = "Available"
			if v, ok := given[i]["Weight"]; ok {
				s["Weight"] = number(v, 100)
			}
			if v, ok := given[i]["Description"]; ok {
				s["Description"] = text(v)
			}
		}
	}), nil
}

func (p *zonal) replaceServers(c *call) (obj, error) {
	g, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	old, err := p.named(c, g, "RemovedServers")
	if err != nil {
		return nil, err
	}
	list, err := p.given(c, g, "AddedServers")
	if err != nil {
		return nil, err
	}
	g.set("_servers", anys(append(objects(g.attrs["_servers"]), list...)))
	return p.configure(c, g, func() {
		drop(g, old)
		for _, s := range list {
			s["Status"] = "Available"
		}
	}), nil
}

func (p *zonal) listServers(c *call) (obj, error) {
	g, err := p.group(c)
	if err != nil {
		return nil, err
	}
	schema := c.at("Servers")
	ids, ips := c.strs("ServerIds"), c.strs("ServerIps")
	var rows []row
	for _, s := range objects(g.attrs["_servers"]) {
		if len(ids) > 0 && !contains(ids, text(s["ServerId"])) || len(ips) > 0 && !contains(ips, text(s["ServerIp"])) {
			continue
		}
		item, _ := restrict(schema, s).(obj)
		rows = append(rows, row{number(s["_seq"], 0), item})
	}
	return c.listedRows("Servers", rows)
}
