package sim

// poolOf is the server group that a call sends a listener to.
func (p *zonal) poolOf(c *call) string {
	for _, a := range c.list("DefaultActions") {
		to, _ := a["ForwardGroupConfig"].(obj)
		for _, tuple := range objects(to["ServerGroupTuples"]) {
			return text(tuple["ServerGroupId"])
		}
	}
	return c.str("ServerGroupId")
}

func (p *zonal) createListener(c *call) (obj, error) {
	b, err := p.balancer(c)
	if err != nil {
		return nil, err
	}
	if err := settled(c, b, "LoadBalancerStatus", balancerBusy, "Active", "Inactive"); err != nil {
		return nil, err
	}
	protocol, port := c.str("ListenerProtocol"), c.num("ListenerPort", 0)
	for _, l := range c.with(p.listeners, "LoadBalancerId", b.id) {
		// UDP and QUIC have their own ports; all else shares TCP's.
		if l.num("ListenerPort") == port && datagrams(l.str("ListenerProtocol")) == datagrams(protocol) {
			return nil, c.failOne([]string{"ResourceAlreadyExist.Listener", "Conflict.Port"}, "There is already a listener on the port.")
		}
	}
	g, err := p.checkPool(c, b, protocol, p.poolOf(c))
	if err != nil {
		return nil, err
	}
	if err := p.checkCertificate(c, protocol); err != nil {
		return nil, err
	}
	id := c.w.id("lsn-")
	r := c.create(p.listeners, id, obj{
		"ListenerId": id, "LoadBalancerId": b.id, "ListenerProtocol": protocol, "ListenerPort": port, "ListenerStatus": "Provisioning",
		"ListenerDescription": c.str("ListenerDescription"), "IdleTimeout": c.num("IdleTimeout", 15), "RequestTimeout": c.num("RequestTimeout", 60),
		"GzipEnabled": !c.is("GzipEnabled", "false"), "Http2Enabled": !c.is("Http2Enabled", "false"), "SecurityPolicyId": c.or("SecurityPolicyId", "tls_cipher_policy_1_0"),
		"CaEnabled": false, "ServerGroupId": g.id, "DefaultActions": forwardTo(g.id), "Cps": c.num("Cps", 0), "Mss": c.num("Mss", 0),
		"Certificates": []any{}, "CertificateIds": []any{}, "_pool": g.id,
	})
	p.certify(c, r)
	b.set("LoadBalancerStatus", "Configuring")
	return merge(p.job(c, r, "listener", "Create", func() {
		r.set("ListenerStatus", "Running")
		b.set("LoadBalancerStatus", "Active")
	}), obj{"ListenerId": id}), nil
}

func datagrams(protocol string) bool { return protocol == "UDP" || protocol == "QUIC" }

func forwardTo(group string) []any {
	return []any{obj{"Type": "ForwardGroup", "ForwardGroupConfig": obj{"ServerGroupTuples": []any{obj{"ServerGroupId": group}}}}}
}

// checkPool finds the server group of a listener and refuses one that does not fit.
func (p *zonal) checkPool(c *call, b *record, protocol, id string) (*record, error) {
	g := c.find(p.groups, id)
	if g == nil {
		return nil, p.absent(c, "ServerGroup", "serverGroup", "ServerGroup")
	}
	if !g.is("VpcId", b.str("VpcId")) {
		return nil, c.fail("Mismatch.VpcId", "The server group is not of the VPC of the load balancer.")
	}
	speaks := g.str("Protocol")
	fits := map[string][]string{
		"HTTP": {"HTTP"}, "HTTPS": {"HTTP", "HTTPS", "gRPC"}, "QUIC": {"HTTP", "gRPC"}, "TCP": {"TCP", "TCP_UDP"}, "TCPSSL": {"TCP"}, "UDP": {"UDP", "TCP_UDP"},
	}
	switch {
	case !contains(fits[protocol], speaks):
		return nil, c.failOne([]string{"OperationDenied.ServerGroupProtocolNotSupport", "Mismatch.Protocol", "IllegalParam"}, "The protocol of the server group does not fit.")
	case protocol == "TCPSSL" && isTrue(g.attrs["PreserveClientIpEnabled"]):
		return nil, c.failOne([]string{"IllegalParam.PreserveClientIpSwitch", "IllegalParam"}, "The server group keeps client addresses.")
	}
	return g, nil
}

// checkCertificate wants one where TLS ends. Whether it exists is not checked: the
// service of certificates is not simulated.
func (p *zonal) checkCertificate(c *call, protocol string) error {
	switch {
	case protocol == "HTTPS" && len(c.list("Certificates")) == 0:
		return c.failOne([]string{"ResourceNotFound.Certificate"}, "A certificate is needed.")
	case protocol == "TCPSSL" && len(c.strs("CertificateIds")) == 0:
		return c.fail("MissingParam.Certificate", "A certificate is needed.")
	}
	return nil
}

func (p *zonal) certify(c *call, r *record) {
	if c.has("Certificates") {
		r.set("Certificates", anys(c.list("Certificates")))
	}
	if c.has("CertificateIds") {
		r.set("CertificateIds", c.strs("CertificateIds"))
	}
}

func (p *zonal) listListeners(c *call) (obj, error) {
	records := c.among(c.selected(p.listeners, "ListenerProtocol"), "ListenerIds")
	return c.listed("Listeners", oneOfEach(c, records, "LoadBalancerIds=LoadBalancerId"))
}

func (p *zonal) updateListener(c *call) (obj, error) {
	r, err := p.listener(c)
	if err != nil {
		return nil, err
	}
	if err := settled(c, r, "ListenerStatus", listenerBusy, "Running", "Stopped"); err != nil {
		return nil, err
	}
	was := r.str("ListenerStatus")
	if id := p.poolOf(c); id != "" {
		b := c.find(p.balancers, r.str("LoadBalancerId"))
		g, err := p.checkPool(c, b, r.str("ListenerProtocol"), id)
		if err != nil {
			return nil, err
		}
		merge(r.attrs, obj{"ServerGroupId": g.id, "DefaultActions": forwardTo(g.id), "_pool": g.id})
	}
	c.change(r, "ListenerDescription", "ListenerDescription", "IdleTimeout", "IdleTimeout", "RequestTimeout", "RequestTimeout", "SecurityPolicyId", "SecurityPolicyId",
		"GzipEnabled", "GzipEnabled", "Http2Enabled", "Http2Enabled", "Cps", "Cps")
	p.certify(c, r)
	r.set("ListenerStatus", "Configuring")
	return p.job(c, r, "listener", "Update", func() { r.set("ListenerStatus", was) }), nil
}

func (p *zonal) switchListener(to, by string) handler {
	return func(c *call) (obj, error) {
		r, err := p.listener(c)
		if err != nil {
			return nil, err
		}
		if err := settled(c, r, "ListenerStatus", listenerBusy, "Running", "Stopped"); err != nil {
			return nil, err
		}
		r.set("ListenerStatus", by)
		return p.job(c, r, "listener", "Update", func() { r.set("ListenerStatus", to) }), nil
	}
}

func (p *zonal) deleteListener(c *call) (obj, error) {
	r, err := p.listener(c)
	if err != nil {
		return nil, err
	}
	if err := settled(c, r, "ListenerStatus", listenerBusy, "Running", "Stopped"); err != nil {
		return nil, err
	}
	r.set("ListenerStatus", "Deleting")
	return p.job(c, r, "listener", "Delete", func() { c.w.remove(r) }), nil
}

// listenerHealth tells of the servers that are not healthy: a server is while it runs.
func (p *zonal) listenerHealth(c *call) (obj, error) {
	r, err := p.listener(c)
	if err != nil {
		return nil, err
	}
	g := c.find(p.groups, r.str("_pool"))
	watched := p.watched(g)
	onOff := map[bool]string{true: "on", false: "off"}[watched]
	info := obj{"ServerGroupId": g.id, "HealthCheckEnabled": onOff, "HeathCheckEnabled": watched, "ActionType": "ForwardGroup"}
	ill := []any{}
	for _, s := range objects(g.attrs["_servers"]) {
		status := p.healthOf(c, s, watched)
		if status == "" || status == "Unused" && p.nlb {
			continue
		}
		ill = append(ill, obj{
			"ServerId": text(s["ServerId"]), "ServerIp": text(s["ServerIp"]), "Port": number(s["Port"], 0), "Status": status,
			"Reason": obj{"ReasonCode": map[bool]string{true: "CONNECT_FAILED"}[status == "Unhealthy"]},
		})
	}
	info["NonNormalServers"] = ill
	infos := restrict(c.at("ListenerHealthStatus").Properties["ServerGroupInfos"], []any{info})
	out := obj{"ListenerHealthStatus": []any{obj{
		"ListenerId": r.id, "ListenerPort": r.num("ListenerPort"), "ListenerProtocol": r.str("ListenerProtocol"), "ServerGroupInfos": infos,
	}}}
	return out, nil
}

// watched tells whether a server group has its servers checked.
func (p *zonal) watched(g *record) bool {
	check, _ := g.attrs["HealthCheckConfig"].(obj)
	return isTrue(check["HealthCheckEnabled"])
}

// healthOf is what is wrong with a server, empty if nothing.
func (p *zonal) healthOf(c *call, s obj, watched bool) string {
	switch {
	case number(s["Weight"], 0) == 0:
		return "Unused"
	case !watched:
		return "Unavailable"
	case p.runs(c, text(s["ServerId"]), text(s["ServerIp"])):
		return ""
	}
	return "Unhealthy"
}

// runs tells whether the instance behind a server, by its id, its interface's id or
// its address, is running.
func (p *zonal) runs(c *call, id, ip string) bool {
	nic := c.w.byID(kindInterface, id)
	if nic == nil {
		for _, r := range c.with(kindInterface, "PrivateIpAddress", ip) {
			nic = r
		}
	}
	vm := c.w.byID(kindInstance, id)
	if vm == nil && nic != nil {
		vm = c.w.byID(kindInstance, nic.str("InstanceId"))
	}
	g := c.w.byID(kindContainerGroup, id)
	return vm != nil && vm.is("Status", "Running") || g != nil && g.is("Status", "Running")
}
