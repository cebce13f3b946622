package sim

import (
	"maps"
	"strconv"
)

func vpnConnections() actions {
	return actions{
		"CreateVpnConnection": createVpnConnection, "DeleteVpnConnection": deleteVpnConnection, "DescribeVpnConnections": listing("VpnConnections.VpnConnection", kindVpnConnection, "VpnGatewayId", "CustomerGatewayId", "VpnConnectionId", "ResourceGroupId"),
		"DescribeVpnConnection": showing((*call).vpnConnection), "ModifyVpnConnectionAttribute": modifyVpnConnection, "ModifyTunnelAttribute": modifyTunnel,
		"DescribeVpnConnectionLogs": vpnLogs,
	}
}

// ikeDefaults and ipsecDefaults are what the cloud takes for what is not said.
func (c *call) ikeDefaults() obj {
	return obj{
		"IkeVersion": "ikev2", "IkeMode": "main", "IkeEncAlg": "aes", "IkeAuthAlg": "md5", "IkePfs": "group2", "IkeLifetime": 86400,
		"LocalId": "", "RemoteId": "", "Psk": c.w.word(16),
	}
}

func ipsecDefaults() obj {
	return obj{"IpsecEncAlg": "aes", "IpsecAuthAlg": "md5", "IpsecPfs": "group2", "IpsecLifetime": 86400}
}

// settings lays what a call says over what was there; numbers stay numbers.
func settings(base, in obj) obj {
	out := maps.Clone(base)
	for name, v := range in {
		if _, isNumber := out[name].(int); isNumber {
			out[name] = number(v, 0)
		} else {
			out[name] = text(v)
		}
	}
	return out
}

func createVpnConnection(c *call) (obj, error) {
	g, err := c.vpnGateway()
	if err != nil {
		return nil, err
	}
	if g.is("IpsecVpn", "disable") {
		return nil, c.fail("VpnGateway.IpsecVpnDisabled", "IPsec is disabled.")
	}
	for _, name := range []string{"LocalSubnet", "RemoteSubnet"} {
		for _, cidr := range c.strs(name) {
			if _, ok := parseCIDR(cidr); !ok {
				return nil, c.fail("IllegalParam."+name, "The specified subnet is not valid.")
			}
		}
	}
	id := c.w.id("vco-")
	attrs := obj{
		"VpnConnectionId": id, "VpnGatewayId": g.id, "CustomerGatewayId": c.str("CustomerGatewayId"), "Name": c.str("Name"), "LocalSubnet": c.str("LocalSubnet"),
		"RemoteSubnet": c.str("RemoteSubnet"), "EffectImmediately": c.yes("EffectImmediately"), "Status": "ike_sa_not_established", "State": "init", "CreateTime": c.millis(),
		"EnableDpd": c.or("EnableDpd", "true") == "true", "EnableNatTraversal": c.or("EnableNatTraversal", "true") == "true",
		"IkeConfig": settings(c.ikeDefaults(), c.member("IkeConfig")), "IpsecConfig": settings(ipsecDefaults(), c.member("IpsecConfig")),
		"VcoHealthCheck": obj{"Enable": "false", "Status": "disable", "Interval": 3, "Retry": 3}, "VpnBgpConfig": obj{"Status": "false"},
		"AttachType": "vpnGateway", "NetworkType": g.str("NetworkType"), "InternetIp": g.str("InternetIp"), "EnableTunnelsBgp": c.yes("EnableTunnelsBgp"),
		"ResourceGroupId": g.str("ResourceGroupId"), "_auto": c.or("AutoConfigRoute", "true"),
	}
	if check := c.member("HealthCheckConfig"); len(check) > 0 {
		attrs["VcoHealthCheck"] = healthCheck(check)
	}
	tunnels := c.list("TunnelOptionsSpecification")
	if len(tunnels) > 0 {
		if err := c.addTunnels(g, attrs, tunnels); err != nil {
			return nil, err
		}
	} else if err := c.sameIKE(attrs); err != nil {
		return nil, err
	}
	if err := c.quota(kindVpnConnection, 100, "CreateVpnConnectionsQuotaFull.QuotaFull"); err != nil {
		return nil, err
	}
	r := c.create(kindVpnConnection, id, attrs)
	c.becomes(r, "State", "active")
	c.later(r, 1, func() { r.set("Status", "ipsec_sa_established") })
	g.set("Status", "updating")
	c.becomes(g, "Status", "active")
	return obj{"VpnConnectionId": id, "Name": c.str("Name"), "CreateTime": c.millis()}, nil
}

func healthCheck(in obj) obj {
	enabled := textOr(in["enable"], text(in["Enable"]))
	return obj{
		"Enable": enabled, "Dip": textOr(in["dip"], text(in["Dip"])), "Sip": textOr(in["sip"], text(in["Sip"])),
		"Interval": number(in["interval"], number(in["Interval"], 3)), "Retry": number(in["retry"], number(in["Retry"], 3)),
		"Status": map[bool]string{true: "success", false: "disable"}[enabled == "true"],
	}
}

// sameIKE holds the rule that connections of one pair of gateways share their key and
// IKE settings, and do not have the same subnets.
func (c *call) sameIKE(attrs obj) error {
	if _, err := c.need(kindCustomerGateway, text(attrs["CustomerGatewayId"]), "InvalidCustomerGatewayInstanceId.NotFound"); err != nil {
		return err
	}
	for _, other := range c.with(kindVpnConnection, "VpnGatewayId", text(attrs["VpnGatewayId"])) {
		if !other.is("CustomerGatewayId", text(attrs["CustomerGatewayId"])) {
			continue
		}
		a, _ := attrs["IkeConfig"].(obj)
		b, _ := other.attrs["IkeConfig"].(obj)
		if !maps.Equal(a, b) {
			return c.fail("VpnConnectionParamInvalid.SameVpnAndCgwDifferentIkeConfigs", "The connections of one customer gateway must have the same IKE settings.")
		}
		if other.is("LocalSubnet", text(attrs["LocalSubnet"])) && other.is("RemoteSubnet", text(attrs["RemoteSubnet"])) {
			return c.fail("VpnConnectionParamInvalid.SameVpnAndCgwTrafficSelectorOverlap", "The subnets overlap with those of another connection.")
		}
	}
	return nil
}

func (c *call) addTunnels(g *record, attrs obj, tunnels []obj) error {
	var options []any
	var customers []string
	for i, in := range tunnels {
		customer := text(in["CustomerGatewayId"])
		if _, err := c.need(kindCustomerGateway, customer, "InvalidCustomerGatewayInstanceId.NotFound"); err != nil {
			return err
		}
		customers = append(customers, customer)
		ike, _ := in["TunnelIkeConfig"].(obj)
		ipsec, _ := in["TunnelIpsecConfig"].(obj)
		options = append(options, obj{
			"TunnelId": c.w.id("tun-"), "TunnelIndex": i + 1, "CustomerGatewayId": customer, "Role": textOr(in["Role"], []string{"master", "slave"}[min(i, 1)]),
			"EnableDpd": textOr(in["EnableDpd"], "true"), "EnableNatTraversal": textOr(in["EnableNatTraversal"], "true"), "State": "active",
			"Status": "ipsec_sa_established", "InternetIp": []string{g.str("InternetIp"), g.str("DisasterRecoveryInternetIp")}[min(i, 1)],
			"TunnelIkeConfig": texts(settings(c.ikeDefaults(), ike)), "TunnelIpsecConfig": texts(settings(ipsecDefaults(), ipsec)), "TunnelBgpConfig": obj{"BgpStatus": "false"},
			"ZoneNo": c.sim.zones(c.region)[min(i, 1)],
		})
	}
	attrs["TunnelOptionsSpecification"] = obj{"TunnelOptions": options}
	attrs["_customers"] = customers
	return nil
}

// texts makes all members text: tunnels show their numbers so.
func texts(o obj) obj {
	for name, v := range o {
		o[name] = text(v)
	}
	return o
}

func (c *call) vpnConnection() (*record, error) {
	return c.need(kindVpnConnection, c.str("VpnConnectionId"), "InvalidVpnConnectionInstanceId.NotFound")
}

func deleteVpnConnection(c *call) (obj, error) {
	r, err := c.vpnConnection()
	if err != nil {
		return nil, err
	}
	g := c.find(kindVpnGateway, r.str("VpnGatewayId"))
	if g == nil || !g.is("Status", "active") || !r.is("State", "active") {
		return nil, c.fail("VpnGateway.Configuring", "The VPN gateway is being configured.")
	}
	for _, e := range c.with(kindVpnRoute, "NextHop", r.id) {
		c.w.remove(e)
	}
	r.set("State", "deleting")
	c.later(r, 1, func() { c.w.remove(r) })
	g.set("Status", "updating")
	c.becomes(g, "Status", "active")
	return obj{}, nil
}

func modifyVpnConnection(c *call) (obj, error) {
	r, err := c.vpnConnection()
	if err != nil {
		return nil, err
	}
	if !r.is("State", "active") {
		return nil, c.fail("VpnGateway.Configuring", "The connection is being configured.")
	}
	c.change(r, "Name", "Name", "LocalSubnet", "LocalSubnet", "RemoteSubnet", "RemoteSubnet", "EffectImmediately", "EffectImmediately",
		"EnableDpd", "EnableDpd", "EnableNatTraversal", "EnableNatTraversal")
	for _, name := range []string{"IkeConfig", "IpsecConfig"} {
		if c.has(name) {
			base, _ := r.attrs[name].(obj)
			r.set(name, settings(base, c.member(name)))
		}
	}
	if check := c.member("HealthCheckConfig"); len(check) > 0 {
		r.set("VcoHealthCheck", healthCheck(check))
	}
	for i, in := range c.list("TunnelOptionsSpecification") {
		c.changeTunnel(r, text(in["TunnelId"]), i, in)
	}
	r.set("State", "updating")
	c.becomes(r, "State", "active")
	out := c.show(r, "")
	if options, ok := out["TunnelOptionsSpecification"].(obj); ok {
		typed(options)
	}
	return out, nil
}

// typed turns what tunnels show as text into what a few actions show as numbers.
func typed(v any) {
	switch v := v.(type) {
	case obj:
		for name, m := range v {
			switch name {
			case "IkeLifetime", "IpsecLifetime":
				n, _ := strconv.Atoi(text(m))
				v[name] = n
			case "EnableDpd", "EnableNatTraversal", "EnableBgp":
				v[name] = isTrue(m)
			default:
				typed(m)
			}
		}
	case []any:
		for _, item := range v {
			typed(item)
		}
	}
}

func (c *call) changeTunnel(r *record, id string, index int, in obj) obj {
	all, _ := r.attrs["TunnelOptionsSpecification"].(obj)
	for i, t := range objects(all["TunnelOptions"]) {
		if id != "" && text(t["TunnelId"]) != id || id == "" && i != index {
			continue
		}
		for _, name := range []string{"CustomerGatewayId", "Role", "EnableDpd", "EnableNatTraversal", "RemoteCaCertificate"} {
			if v := text(in[name]); v != "" {
				t[name] = v
			}
		}
		for _, name := range []string{"TunnelIkeConfig", "TunnelIpsecConfig"} {
			if more, ok := in[name].(obj); ok {
				base, _ := t[name].(obj)
				t[name] = texts(settings(base, more))
			}
		}
		return t
	}
	return nil
}

func modifyTunnel(c *call) (obj, error) {
	r, err := c.vpnConnection()
	if err != nil {
		return nil, err
	}
	t := c.changeTunnel(r, c.str("TunnelId"), -1, c.member("TunnelOptionsSpecification"))
	if t == nil {
		return nil, c.failOne([]string{"IllegalParam.TunnelId", "InvalidVpnConnectionInstanceId.NotFound"}, "The specified tunnel does not exist.")
	}
	out, _ := restrict(c.action.Response, clone(t)).(obj)
	typed(out)
	return out, nil
}

func vpnLogs(c *call) (obj, error) {
	if _, err := c.vpnConnection(); err != nil {
		return nil, err
	}
	return obj{"IsCompleted": true, "PageNumber": 1, "PageSize": c.num("PageSize", 10)}, nil
}
