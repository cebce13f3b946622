package sim

const (
	kindWafInstance kind = "waf_instance"
	kindWafDomain   kind = "waf_domain"
	kindWafCert     kind = "waf_certificate"
)

func wafDomains() actions {
	return actions{
		"DescribeInstance": wafDescribeInstance, "CreatePostpaidInstance": wafBuy, "ReleaseInstance": wafRelease,
		"CreateDomain": wafCreateDomain, "ModifyDomain": wafModifyDomain, "DeleteDomain": wafDeleteDomain, "DescribeDomains": wafDomainsList,
		"DescribeDomainDetail": wafDomain, "CreateCerts": wafCreateCert, "DescribeCerts": listing("Certs", kindWafCert), "DescribeCertDetail": wafCert,
		"DescribeDefenseResources": wafResources, "DescribeDefenseResource": wafResource, "DescribePauseProtectionStatus": showing((*call).wafOwned),
		"ModifyPauseProtectionStatus": changing((*call).wafOwned, "PauseStatus", "PauseStatus"), "DescribeCnameCount": wafCount, "DescribeWafSourceIpSegment": wafSources,
	}
}

// wafInstance is the account's instance, which is there unless the service is unsold
// or it was given back; nil without.
func (c *call) wafInstance() *record {
	id := "waf_v2_public_cn-" + c.who.account.uid[:11]
	if r := c.w.byID(kindWafInstance, id); r != nil || contains(c.sim.faults.Unsold, "waf") || c.w.released[id] {
		return r
	}
	return c.newWafInstance(id)
}

func (c *call) newWafInstance(id string) *record {
	return c.w.add(&record{kind: kindWafInstance, id: id, account: c.who.account, region: global, created: c.now, tags: map[string]string{}, attrs: obj{
		"InstanceId": id, "Status": 1, "PayType": "POSTPAY", "Edition": "default_version", "InDebt": "0", "StartTime": c.millis(), "EndTime": 4809859200000,
		"RegionId": c.region, "Details": obj{"CnameResourceMaxCount": 1000, "BackendMaxCount": 20, "HttpPorts": "80,8080", "HttpsPorts": "443,8443"}, "PauseStatus": 0,
	}})
}

func wafRelease(c *call) (obj, error) {
	r, err := c.wafOwned()
	if err != nil {
		return nil, err
	}
	c.w.released[r.id] = true
	c.w.remove(r)
	return obj{}, nil
}

// wafOwned checks the instance that a call names.
func (c *call) wafOwned() (*record, error) {
	r := c.wafInstance()
	if r == nil || r.id != c.str("InstanceId") || r.account != c.who.account {
		return nil, c.fail("Waf.Instance.ValidFaild", "WAF instance check failed. Check whether the instance ID is correct.")
	}
	return r, nil
}

func wafDescribeInstance(c *call) (obj, error) {
	r := c.wafInstance()
	if r == nil {
		return obj{asIs: true}, nil
	}
	return c.show(r, ""), nil
}

func wafBuy(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	r := c.wafInstance()
	if r == nil {
		r = c.newWafInstance("waf_v2_public_cn-" + c.who.account.uid[:11])
	}
	return obj{"InstanceId": r.id}, nil
}

// wafArgs lays the JSON parameters over a domain's attributes.
func (c *call) wafArgs(attrs obj) {
	listen, redirect := c.member("Listen"), c.member("Redirect")
	attrs["Listen"] = merge(obj{
		"HttpPorts": []any{}, "HttpsPorts": []any{}, "Http2Enabled": false, "XffHeaderMode": 0, "IPv6Enabled": false, "ProtectionResource": "share", "TLSVersion": "tlsv1",
		"EnableTLSv3": true, "CipherSuite": 1, "FocusHttps": false, "ExclusiveIp": false,
	}, numbers(listen))
	backends := []any{}
	for _, b := range stringList(redirect["Backends"]) {
		backends = append(backends, obj{"Backend": b})
	}
	shown := merge(obj{"Loadbalance": "iphash", "ConnectTimeout": 5, "ReadTimeout": 120, "WriteTimeout": 120, "Keepalive": true, "Retry": true, "KeepaliveRequests": 1000, "KeepaliveTimeout": 15}, numbers(redirect))
	shown["Backends"], shown["BackendList"] = backends, stringList(redirect["Backends"])
	backups := []any{}
	for _, b := range stringList(redirect["BackupBackends"]) {
		backups = append(backups, obj{"Backend": b})
	}
	shown["AllBackends"] = append(stringList(redirect["Backends"]), stringList(redirect["BackupBackends"])...)
	shown["BackupBackends"], shown["BackUpBackendList"] = backups, stringList(redirect["BackupBackends"])
	attrs["Redirect"] = shown
}

// numbers turns what JSON decoding left as text into what answers show.
func numbers(o obj) obj {
	out, _ := plain(o).(obj)
	return out
}

func wafCreateDomain(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	name := c.str("Domain")
	for _, uid := range c.w.accountIDs() {
		if c.w.byID(kindWafDomain, uid+"/"+name) != nil {
			return nil, c.fail("Waf.Pullin.ResourceExsit", "Access resource already exists, resource:%s.", name)
		}
	}
	listen := c.member("Listen")
	if https, _ := listen["HttpsPorts"].([]any); len(https) > 0 && c.w.byID(kindWafCert, text(listen["CertId"])) == nil {
		return nil, c.failOne([]string{"Waf.Pullin.CertNotExist"}, "The certificate does not exist.")
	}
	attrs := obj{
		"Domain": name, "DomainId": name + "-waf", "Status": 2, "Cname": c.w.word(32) + ".c.yundunwaf2.example", "InstanceId": c.str("InstanceId"),
		"ResourceManagerResourceGroupId": c.or("ResourceManagerResourceGroupId", c.defaultGroup()),
	}
	c.wafArgs(attrs)
	r := c.create(kindWafDomain, c.ramID(name), attrs)
	r.region = global
	c.later(r, 1, func() { r.set("Status", 1) })
	return obj{"DomainInfo": restrict(c.at("DomainInfo"), attrs)}, nil
}

// wafDomain shows a domain. Of one that is not there it shows nothing, which is no
// error.
func wafDomain(c *call) (obj, error) {
	r, err := c.wafFound()
	if err != nil || r == nil {
		return obj{asIs: true}, err
	}
	return c.show(r, ""), nil
}

// wafFound finds the domain of a call by its name or id; nil if there is none.
func (c *call) wafFound() (*record, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	if c.str("Domain") == "" && c.str("DomainId") == "" {
		return nil, c.failOne([]string{"Waf.Pullin.DomainAndDomainIdBothEmpty", "Waf.Control.DomainAndDomainIdBothEmpty"}, "domain and domainId cannot be empty at the same time.")
	}
	for r := range c.all(kindWafDomain) {
		if r.is("Domain", c.str("Domain")) || r.is("DomainId", c.str("DomainId")) {
			c.touch(r.str("Domain"))
			return r, nil
		}
	}
	return nil, nil
}

// wafNamed finds the domain of a call, which must be there.
func (c *call) wafNamed() (*record, error) {
	r, err := c.wafFound()
	if err == nil && r == nil {
		err = c.failOne([]string{"Waf.Pullin.DomainIdIsIllegal", "Waf.Control.DomainIdIsIllegal"}, "The domain does not exist.")
	}
	return r, err
}

func wafModifyDomain(c *call) (obj, error) {
	r, err := c.wafNamed()
	if err != nil {
		return nil, err
	}
	c.wafArgs(r.attrs)
	r.set("Status", 3)
	c.later(r, 1, func() { r.set("Status", 1) })
	return obj{"DomainInfo": restrict(c.at("DomainInfo"), r.attrs)}, nil
}

func wafDeleteDomain(c *call) (obj, error) {
	r, err := c.wafNamed()
	if err != nil {
		return nil, err
	}
	r.set("Status", 4)
	c.later(r, 1, func() { c.w.remove(r) })
	return obj{}, nil
}

func wafDomainsList(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	records := c.selected(kindWafDomain, "Domain")
	for _, r := range records {
		listen, _ := r.attrs["Listen"].(obj)
		redirect, _ := r.attrs["Redirect"].(obj)
		r.set("ListenPorts", obj{"Http": listen["HttpPorts"], "Https": listen["HttpsPorts"]})
		r.set("Backeds", obj{"Http": redirect["Backends"], "Https": redirect["Backends"]})
	}
	return c.listed("Domains", records)
}

func wafCreateCert(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	id := c.w.digits(8) + "-cn-hangzhou"
	c.create(kindWafCert, id, obj{
		"CertIdentifier": id, "CertName": c.str("CertName"), "CommonName": c.str("CertName"), "AfterDate": int(c.now.AddDate(1, 0, 0).UnixMilli()), "BeforeDate": c.millis(), "IsChainCompleted": true,
	}).region = global
	return obj{"CertIdentifier": id}, nil
}

func wafCert(c *call) (obj, error) {
	r, err := c.need(kindWafCert, c.str("CertIdentifier"), "Waf.Pullin.InvalidCertIdentifier")
	if err != nil {
		return nil, err
	}
	return obj{"CertDetail": c.show(r, "CertDetail")}, nil
}

// wafGuarded shows a domain as the object that templates defend.
func (c *call) wafGuarded(r *record) obj {
	return obj{
		"Resource": r.str("DomainId"), "Pattern": "domain", "Product": "waf", "Detail": obj{"domain": r.str("Domain")}, "GmtCreate": int(r.created.UnixMilli()), "GmtModified": int(r.created.UnixMilli()),
		"OwnerUserId": r.account.uid, "ResourceOrigin": "custom", "ResourceManagerResourceGroupId": r.str("ResourceManagerResourceGroupId"), "XffStatus": 0,
	}
}

func wafResources(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	items := []any{}
	for _, r := range c.selected(kindWafDomain) {
		items = append(items, restrict(c.at("Resources"), c.wafGuarded(r)))
	}
	return obj{"Resources": items, "TotalCount": len(items)}, nil
}

func wafResource(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	for _, r := range c.with(kindWafDomain, "DomainId", c.str("Resource")) {
		return obj{"Resource": restrict(c.at("Resource"), c.wafGuarded(r))}, nil
	}
	return nil, c.fail("Defense.Control.DefenseResourceNotExist", "The resource does not exist.")
}

func wafCount(c *call) (obj, error) { return obj{}, nil }

func wafSources(c *call) (obj, error) { return obj{}, nil }
