package sim

// zonal is what ALB and NLB have in common: instances with an address in each of
// several zones, listeners, server groups, and jobs, which do the work after a call has
// been answered. They differ in names.
type zonal struct {
	balancers, listeners, groups, jobs kind
	prefix                             string // of instances: "alb-"
	nlb                                bool
}

func alb() *zonal {
	return &zonal{balancers: "alb", listeners: "alb_listener", groups: "alb_server_group", jobs: "alb_job", prefix: "alb-"}
}

func nlb() *zonal {
	return &zonal{balancers: "nlb", listeners: "nlb_listener", groups: "nlb_server_group", jobs: "nlb_job", prefix: "nlb-", nlb: true}
}

// albActions are those of Alb. Rules, ACLs and log delivery are not simulated.
func albActions() actions {
	p := alb()
	return join(p.actions(), tagActions("UnTagResources"), actions{
		"EnableDeletionProtection": p.protect(true), "DisableDeletionProtection": p.protect(false),
		"ReplaceServersInServerGroup": p.replaceServers, "ListAsynJobs": p.listJobs,
	})
}

// nlbActions are those of Nlb.
func nlbActions() actions {
	p := nlb()
	return join(p.actions(), tagActions("UntagResources"), actions{
		"UpdateLoadBalancerProtection": p.updateProtection, "GetJobStatus": p.jobStatus, "ListAsynJobs": p.listJobs,
	})
}

func (p *zonal) actions() actions {
	return actions{
		"CreateLoadBalancer": p.createBalancer, "DeleteLoadBalancer": p.deleteBalancer, "GetLoadBalancerAttribute": showing(p.balancer),
		"ListLoadBalancers": p.listBalancers, "UpdateLoadBalancerAttribute": p.updateBalancer, "MoveResourceGroup": moveGroup,
		"CreateListener": p.createListener, "DeleteListener": p.deleteListener, "GetListenerAttribute": showing(p.listener),
		"ListListeners": p.listListeners, "UpdateListenerAttribute": p.updateListener, "GetListenerHealthStatus": p.listenerHealth,
		"StartListener": p.switchListener("Running", "Starting"), "StopListener": p.switchListener("Stopped", "Stopping"),
		"CreateServerGroup": p.createGroup, "DeleteServerGroup": p.deleteGroup, "ListServerGroups": p.listGroups, "UpdateServerGroupAttribute": p.updateGroup,
		"AddServersToServerGroup": p.addServers, "RemoveServersFromServerGroup": p.removeServers, "UpdateServerGroupServersAttribute": p.updateServers,
		"ListServerGroupServers": p.listServers, "DescribeZones": zonalZones, "DescribeRegions": zonalRegions,
	}
}

func zonalZones(c *call) (obj, error) {
	var items []any
	for _, id := range c.sim.zones(c.region) {
		items = append(items, obj{"ZoneId": id, "LocalName": regionName(c.region)})
	}
	return obj{"Zones": items}, nil
}

func zonalRegions(c *call) (obj, error) {
	var items []any
	for _, id := range c.sim.opts.Regions {
		items = append(items, obj{"RegionId": id, "LocalName": regionName(id)})
	}
	return obj{"Regions": items}, nil
}

// absent says that something of a name does not exist: the products write the names
// with a capital letter or without.
func (p *zonal) absent(c *call, names ...string) error {
	var codes []string
	for _, name := range names {
		codes = append(codes, "ResourceNotFound."+name)
	}
	return c.failOne(codes, "The specified resource is not found.")
}

func (p *zonal) balancer(c *call) (*record, error) {
	if r := c.find(p.balancers, c.str("LoadBalancerId")); r != nil {
		return r, nil
	}
	return nil, p.absent(c, "LoadBalancer", "loadBalancer")
}

func (p *zonal) listener(c *call) (*record, error) {
	if r := c.find(p.listeners, c.str("ListenerId")); r != nil {
		return r, nil
	}
	return nil, p.absent(c, "Listener", "listener")
}

func (p *zonal) group(c *call) (*record, error) {
	if r := c.find(p.groups, c.str("ServerGroupId")); r != nil {
		return r, nil
	}
	return nil, p.absent(c, "ServerGroup", "serverGroup")
}

// Codes of something that another job works on.
var (
	balancerBusy = []string{"IncorrectStatus.LoadBalancer", "IncorrectStatus.loadbalancer", "ResourceInConfiguring.loadbalancer", "IncorrectStatus.LoadBalancer"}
	listenerBusy = []string{"IncorrectStatus.Listener", "IncorrectStatus.listener", "IncorrectStatus.Listener"}
	groupBusy    = []string{"IncorrectStatus.ServerGroup", "IncorrectStatus.serverGroup", "SystemBusy"}
)

// settled refuses a change of what is not in one of the states.
func settled(c *call, r *record, attr string, codes []string, states ...string) error {
	if contains(states, r.str(attr)) {
		return nil
	}
	return c.failOne(codes, "The status of %s does not allow the operation.", r.id)
}

// job does work after the call has been answered, and is what the call answers.
func (p *zonal) job(c *call, r *record, resource, operation string, apply func()) obj {
	id := c.w.word(8) + "-" + c.w.word(4) + "-" + c.w.word(12)
	job := c.create(p.jobs, id, obj{
		"Id": id, "Status": "Processing", "ApiName": c.action.Name, "ResourceId": r.id, "ResourceType": resource, "OperateType": operation,
		"CreateTime": c.millis(), "ModifyTime": c.millis(), "ErrorCode": "", "ErrorMessage": "",
	})
	c.touch(r.id)
	c.later(job, 1, func() {
		apply()
		job.set("Status", "Succeeded")
	})
	return obj{"JobId": id}
}

func (p *zonal) listJobs(c *call) (obj, error) {
	records := c.among(c.selected(p.jobs, "ResourceType", "ApiName"), "JobIds")
	if ids := c.strs("ResourceIds"); len(ids) > 0 {
		records = keep(records, func(r *record) bool { return contains(ids, r.str("ResourceId")) })
	}
	return c.listed("Jobs", records)
}

// jobStatus writes what goes on as the definitions of NLB do.
func (p *zonal) jobStatus(c *call) (obj, error) {
	r := c.find(p.jobs, c.str("JobId"))
	if r == nil {
		return nil, p.absent(c, "JobId")
	}
	if r.is("Status", "Processing") {
		return obj{"Status": "processing"}, nil
	}
	return obj{"Status": r.str("Status")}, nil
}
