package sim

import "slices"

// checkDefaults are a server group's health check where its creation does not say.
func (p *zonal) checkDefaults() obj {
	if p.nlb {
		return obj{
			"HealthCheckEnabled": true, "HealthCheckType": "TCP", "HealthCheckConnectPort": 0, "HealthyThreshold": 2, "UnhealthyThreshold": 2,
			"HealthCheckConnectTimeout": 5, "HealthCheckInterval": 5, "HealthCheckDomain": "", "HealthCheckUrl": "", "HealthCheckHttpCode": []any{},
			"HttpCheckMethod": "",
		}
	}
	return obj{
		"HealthCheckEnabled": true, "HealthCheckProtocol": "HTTP", "HealthCheckConnectPort": 0, "HealthyThreshold": 3, "UnhealthyThreshold": 3,
		"HealthCheckTimeout": 5, "HealthCheckInterval": 2, "HealthCheckHost": "$SERVER_IP", "HealthCheckPath": "/", "HealthCheckCodes": []any{"http_2xx"},
		"HealthCheckMethod": "HEAD", "HealthCheckHttpVersion": "HTTP1.1",
	}
}

// likeIn are the members of an object parameter with the types of another object.
func likeIn(like, in obj) obj {
	out := obj{}
	for name, v := range in {
		switch like[name].(type) {
		case int:
			out[name] = number(v, 0)
		case bool:
			out[name] = isTrue(v)
		default:
			out[name] = v
		}
	}
	return out
}

func (p *zonal) createGroup(c *call) (obj, error) {
	if c.has("VpcId") && c.find(kindVpc, c.str("VpcId")) == nil {
		return nil, c.fail("ResourceNotFound.Vpc", "The specified VPC is not found.")
	}
	if err := c.quota(p.groups, 1000, "QuotaExceeded.ServerGroupsNum", "QuotaExceeded.QuotaInsufficient"); err != nil {
		return nil, err
	}
	protocol := "HTTP"
	if p.nlb {
		protocol = "TCP"
	}
	defaults := p.checkDefaults()
	check := merge(p.checkDefaults(), likeIn(defaults, c.member("HealthCheckConfig")))
	sticky := obj{"StickySessionEnabled": false, "StickySessionType": "Insert", "Cookie": "", "CookieTimeout": 1000}
	id := c.w.id("sgp-")
	r := c.create(p.groups, id, obj{
		"ServerGroupId": id, "ServerGroupName": c.str("ServerGroupName"), "ServerGroupStatus": "Creating", "ServerGroupType": c.or("ServerGroupType", "Instance"),
		"VpcId": c.str("VpcId"), "Scheduler": c.or("Scheduler", "Wrr"), "Protocol": c.or("Protocol", protocol), "CreateTime": c.stamp(seconds),
		"ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()), "HealthCheckConfig": check, "HealthCheck": check,
		"StickySessionConfig": merge(sticky, likeIn(sticky, c.member("StickySessionConfig"))), "PreserveClientIpEnabled": p.nlb && !c.is("PreserveClientIpEnabled", "false"),
		"AddressIPVersion": "ipv4", "ConnectionDrainEnabled": c.yes("ConnectionDrainEnabled"), "ConnectionDrainTimeout": c.num("ConnectionDrainTimeout", 0), "_servers": []any{},
	})
	return merge(p.job(c, r, "servergroup", "Create", func() { r.set("ServerGroupStatus", "Available") }), obj{"ServerGroupId": id}), nil
}

func (p *zonal) listGroups(c *call) (obj, error) {
	records := c.among(c.selected(p.groups, "ResourceGroupId", "VpcId", "ServerGroupType"), "ServerGroupIds")
	return c.listedAfter("ServerGroups", oneOfEach(c, records, "ServerGroupNames=ServerGroupName"), func(r *record) {
		related := []any{}
		for _, l := range c.with(p.listeners, "_pool", r.id) {
			if id := l.str("LoadBalancerId"); !slices.Contains(related, any(id)) {
				related = append(related, id)
			}
		}
		r.set("RelatedLoadBalancerIds", related)
		r.set("ServerCount", len(objects(r.attrs["_servers"])))
	})
}

// idleGroup finds the group of a call and refuses one that another job works on.
func (p *zonal) idleGroup(c *call) (*record, error) {
	r, err := p.group(c)
	if err != nil {
		return nil, err
	}
	return r, settled(c, r, "ServerGroupStatus", groupBusy, "Available")
}

// configure lets a job change a group, which is busy until then.
func (p *zonal) configure(c *call, r *record, apply func()) obj {
	r.set("ServerGroupStatus", "Configuring")
	answer := merge(p.job(c, r, "servergroup", "Update", func() {
		apply()
		r.set("ServerGroupStatus", "Available")
	}), obj{"ServerGroupId": r.id})
	return restrict(c.action.Response, answer).(obj)
}

func (p *zonal) updateGroup(c *call) (obj, error) {
	r, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	args := merge(obj{}, c.args)
	return p.configure(c, r, func() {
		for _, name := range []string{"ServerGroupName", "Scheduler"} {
			if v := text(args[name]); v != "" {
				r.set(name, v)
			}
		}
		if v := text(args["PreserveClientIpEnabled"]); v != "" {
			r.set("PreserveClientIpEnabled", isTrue(v))
		}
		for parameter, attrs := range map[string][]string{"HealthCheckConfig": {"HealthCheckConfig", "HealthCheck"}, "StickySessionConfig": {"StickySessionConfig"}} {
			if in, ok := args[parameter].(obj); ok {
				old, _ := r.attrs[attrs[0]].(obj)
				changed := merge(merge(obj{}, old), likeIn(old, in))
				for _, attr := range attrs {
					r.set(attr, changed)
				}
			}
		}
	}), nil
}

func (p *zonal) deleteGroup(c *call) (obj, error) {
	r, err := p.idleGroup(c)
	if err != nil {
		return nil, err
	}
	if len(c.with(p.listeners, "_pool", r.id)) > 0 {
		return nil, c.fail("ResourceInUse.ServerGroup", "The server group is used by a listener.")
	}
	r.set("ServerGroupStatus", "Deleting")
	return p.job(c, r, "servergroup", "Delete", func() { c.w.remove(r) }), nil
}
