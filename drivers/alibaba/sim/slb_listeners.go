package sim

import "strings"

const kindListener kind = "listener"

func slbListeners() actions {
	all := actions{
		"DeleteLoadBalancerListener": deleteListener, "StartLoadBalancerListener": setListener("running", "starting"),
		"StopLoadBalancerListener": setListener("stopped", "stopping"), "DescribeLoadBalancerListeners": describeListeners,
		"CreateRules": createRules, "DeleteRules": deleteRules, "DescribeRules": describeRules, "SetRule": setRule, "DescribeRuleAttribute": showing((*call).forwardRule),
		"UploadServerCertificate": uploadCertificate, "DescribeServerCertificates": listing("ServerCertificates.ServerCertificate", kindCertificate, "ServerCertificateId", "ResourceGroupId"), "DeleteServerCertificate": deleteCertificate,
		"SetServerCertificateName": renameCertificate,
	}
	for _, protocol := range []string{"TCP", "UDP", "HTTP", "HTTPS"} {
		all["CreateLoadBalancer"+protocol+"Listener"] = createListener(strings.ToLower(protocol))
		all["SetLoadBalancer"+protocol+"ListenerAttribute"] = modifyListener
		all["DescribeLoadBalancer"+protocol+"ListenerAttribute"] = showing((*call).listener)
	}
	return all
}

// listenerDefaults are what a listener has where its creation does not say.
func listenerDefaults(protocol string) obj {
	common := obj{
		"Scheduler": "wrr", "HealthyThreshold": 3, "UnhealthyThreshold": 3, "HealthCheckInterval": 2, "AclStatus": "off", "VServerGroupId": "",
		"MasterSlaveServerGroupId": "", "BackendServerPort": 0, "Description": "", "HealthCheckConnectPort": 0,
	}
	switch protocol {
	case "http", "https":
		return merge(common, obj{
			"HealthCheckTimeout": 5, "StickySession": "off", "XForwardedFor": "on", "Gzip": "on", "IdleTimeout": 15, "RequestTimeout": 60,
			"HealthCheckURI": "/", "HealthCheckHttpCode": "http_2xx", "HealthCheckMethod": "head", "ListenerForward": "off", "EnableHttp2": "on",
			"XForwardedFor_SLBIP": "off", "XForwardedFor_SLBID": "off", "XForwardedFor_proto": "off", "XForwardedFor_SLBPORT": "off",
			"XForwardedFor_ClientSrcPort": "off", "CookieTimeout": 0, "Cookie": "", "TLSCipherPolicy": "tls_cipher_policy_1_0",
		})
	}
	return merge(common, obj{
		"HealthCheck": "on", "HealthCheckType": "tcp", "HealthCheckConnectTimeout": 5, "PersistenceTimeout": 0, "EstablishedTimeout": 900,
		"ConnectionDrain": "off", "ConnectionDrainTimeout": 0, "ProxyProtocolV2Enabled": false, "SynProxy": "disable",
	})
}

// listenerArgs lays a call's parameters over a listener's attributes.
func (c *call) listenerArgs(attrs obj) {
	for _, p := range c.action.Parameters {
		v, sent := c.args[p.Name]
		if !sent || p.Type == "array" || p.Name == "LoadBalancerId" || p.Name == "RegionId" || p.Name == "VServerGroup" {
			continue
		}
		name := strings.ToUpper(p.Name[:1]) + p.Name[1:]
		if name == "HealthCheckSwitch" {
			name = "HealthCheck"
		}
		attrs[name] = coerce(&p.Schema, v)
	}
	if c.is("VServerGroup", "off") {
		attrs["VServerGroupId"] = ""
	}
}

func createListener(protocol string) handler {
	return func(c *call) (obj, error) {
		r, err := c.balancer()
		if err != nil {
			return nil, err
		}
		port := c.num("ListenerPort", 0)
		if port < 1 || port > 65535 {
			return nil, c.failOne([]string{"InvalidParam.ListenerPort", "InvalidParameter"}, "The specified port is not valid.")
		}
		for _, l := range c.with(kindListener, "LoadBalancerId", r.id) {
			// UDP has its own ports; all else shares TCP's.
			if l.num("ListenerPort") == port && (l.is("ListenerProtocol", "udp") == (protocol == "udp")) {
				return nil, c.failOne([]string{"ListenerPortConflict", "InvalidParameter.ListenerPortConflict"}, "There is already a listener on the port.")
			}
		}
		if id := c.str("VServerGroupId"); id != "" && c.find(kindServerGroup, id) == nil {
			return nil, c.failOne([]string{"ResourceNotFound.VServerGroup", "InvalidParameter.VServerGroupId"}, "The specified server group does not exist.")
		}
		if protocol == "https" && c.find(kindCertificate, c.str("ServerCertificateId")) == nil {
			return nil, c.failOne([]string{"CertificateNotExist", "ResourceNotFound.Certificate"}, "The specified certificate does not exist.")
		}
		attrs := listenerDefaults(protocol)
		c.listenerArgs(attrs)
		attrs["ListenerProtocol"], attrs["LoadBalancerId"], attrs["Status"] = protocol, r.id, "stopped"
		if text(attrs["HealthCheckConnectPort"]) == "0" {
			attrs["HealthCheckConnectPort"] = attrs["BackendServerPort"]
		}
		c.create(kindListener, r.id+"/"+protocol+"/"+text(port), attrs)
		return obj{}, nil
	}
}

// listener finds the one that a call names by load balancer, port and protocol.
func (c *call) listener() (*record, error) {
	r, err := c.balancer()
	if err != nil {
		return nil, err
	}
	protocol := strings.ToLower(c.str("ListenerProtocol"))
	for _, p := range []string{"UDP", "HTTPS", "HTTP", "TCP"} {
		if protocol == "" && strings.Contains(c.action.Name, "LoadBalancer"+p+"Listener") {
			protocol = strings.ToLower(p)
		}
	}
	for _, l := range c.with(kindListener, "LoadBalancerId", r.id) {
		if l.num("ListenerPort") == c.num("ListenerPort", 0) && (protocol == "" || l.is("ListenerProtocol", protocol)) {
			return l, nil
		}
	}
	return nil, c.failOne([]string{"ResourceNotFound.Listener", "InvalidParameter"}, "The specified resource does not exist.")
}

func deleteListener(c *call) (obj, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	for _, rule := range c.with(kindForwardRule, "_listener", l.id) {
		c.w.remove(rule)
	}
	c.w.remove(l)
	return obj{}, nil
}

func setListener(to, by string) handler {
	return func(c *call) (obj, error) {
		l, err := c.listener()
		if err != nil {
			return nil, err
		}
		l.set("Status", by)
		c.becomes(l, "Status", to)
		return obj{}, nil
	}
}

func modifyListener(c *call) (obj, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	if id := c.str("VServerGroupId"); id != "" && c.find(kindServerGroup, id) == nil {
		return nil, c.failOne([]string{"ResourceNotFound.VServerGroup", "InvalidParameter.VServerGroupId", "InvalidParameter"}, "The specified server group does not exist.")
	}
	c.listenerArgs(l.attrs)
	return obj{}, nil
}

func describeListeners(c *call) (obj, error) {
	records := c.selected(kindListener, "ListenerProtocol", "ListenerPort", "Description")
	if ids := c.strs("LoadBalancerId"); len(ids) > 0 {
		records = keep(records, func(r *record) bool { return contains(ids, r.str("LoadBalancerId")) })
	}
	schema := c.at("Listeners")
	for _, r := range records {
		for _, protocol := range []string{"TCP", "UDP", "HTTP", "HTTPS"} {
			delete(r.attrs, protocol+"ListenerConfig")
		}
		name := strings.ToUpper(r.str("ListenerProtocol")) + "ListenerConfig"
		r.set(name, showAs(schema.Properties[name], r))
	}
	return c.listed("Listeners", records)
}

const kindForwardRule kind = "forward_rule"

func createRules(c *call) (obj, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	list, ok := c.jsonObjects("RuleList")
	if !ok || len(list) == 0 {
		return nil, c.fail("InvalidParameter", "The specified RuleList is not valid.")
	}
	var made []any
	for _, in := range list {
		for _, other := range c.with(kindForwardRule, "_listener", l.id) {
			if other.is("Domain", text(in["Domain"])) && other.is("Url", text(in["Url"])) {
				return nil, c.fail("DomainExist", "The rule already exists.")
			}
		}
		id := c.w.id("rule-")
		attrs := merge(obj{"RuleId": id, "_listener": l.id, "ListenerSync": "on"}, in)
		c.create(kindForwardRule, id, attrs)
		made = append(made, obj{"RuleId": id, "RuleName": text(in["RuleName"])})
	}
	return wrap("Rules.Rule", made), nil
}

func deleteRules(c *call) (obj, error) {
	for _, id := range c.strs("RuleIds") {
		if r := c.find(kindForwardRule, id); r != nil {
			c.w.remove(r)
		}
	}
	return obj{}, nil
}

func describeRules(c *call) (obj, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	return c.listed("Rules.Rule", c.with(kindForwardRule, "_listener", l.id))
}

func (c *call) forwardRule() (*record, error) {
	return c.need(kindForwardRule, c.str("RuleId"), "InvalidRuleId.NotFound")
}

func setRule(c *call) (obj, error) {
	r, err := c.forwardRule()
	if err != nil {
		return nil, err
	}
	for name, v := range c.args {
		if name != "RuleId" && name != "RegionId" {
			r.set(name, v)
		}
	}
	return obj{}, nil
}

const kindCertificate kind = "server_certificate"

func uploadCertificate(c *call) (obj, error) {
	if !strings.Contains(c.str("ServerCertificate"), "BEGIN CERTIFICATE") && c.str("AliCloudCertificateId") == "" {
		return nil, c.fail("CertificateFormatInvalid", "The specified certificate is not valid.")
	}
	id := c.w.digits(16) + "_" + c.w.word(10) + "_-" + c.w.digits(9)
	r := c.create(kindCertificate, id, obj{
		"ServerCertificateId": id, "ServerCertificateName": c.str("ServerCertificateName"), "CreateTime": c.stamp(seconds), "CreateTimeStamp": c.millis(),
		"ExpireTime": c.now.AddDate(1, 0, 0).UTC().Format(seconds), "ExpireTimeStamp": int(c.now.AddDate(1, 0, 0).UnixMilli()),
		"ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()), "IsAliCloudCertificate": 0, "AliCloudCertificateId": c.str("AliCloudCertificateId"),
	})
	return c.show(r, ""), nil
}

func (c *call) certificate() (*record, error) {
	return c.need(kindCertificate, c.str("ServerCertificateId"), "CertificateNotExist")
}

func deleteCertificate(c *call) (obj, error) {
	r, err := c.certificate()
	if err != nil {
		return nil, err
	}
	if len(c.with(kindListener, "ServerCertificateId", r.id)) > 0 {
		return nil, c.failOne([]string{"CertificateAndPrivateKeyIsRefered", "InvalidParameter"}, "The certificate is used by a listener.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func renameCertificate(c *call) (obj, error) {
	r, err := c.certificate()
	if err != nil {
		return nil, err
	}
	r.set("ServerCertificateName", c.str("ServerCertificateName"))
	return obj{}, nil
}
