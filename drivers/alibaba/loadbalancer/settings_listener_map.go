package loadbalancer

import (
	"cmp"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
)

const (
	on  = "on"
	off = "off"
)

// params are what settings say of a listener of the protocol. making tells a
// creating action, which spells the interval of layer 4 in another way.
func (s settings) params(protocol string, making bool) api.Params {
	params := api.Params{}.Set("Scheduler", fromProtoAlgorithm(s.algorithm))
	if protocol == protocolHTTP || protocol == protocolHTTPS {
		s.webParams(params)
	} else {
		s.streamParams(params, protocol, making)
	}
	return params
}

func (s settings) webParams(params api.Params) {
	params.Set("StickySession", off).Set("HealthCheck", off)
	switch s.sticky.GetType() {
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT:
		params.Set("StickySession", on).Set("StickySessionType", "insert").
			Int("CookieTimeout", cmp.Or(s.sticky.GetTimeoutSeconds(), defaultCookieTimeout))
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP:
		params.Set("StickySession", on).Set("StickySessionType", "server").Set("Cookie", s.sticky.GetCookieName())
	}
	if m := s.monitor; m != nil {
		params.Set("HealthCheck", on).Int("HealthCheckInterval", m.GetIntervalSeconds()).Int("HealthCheckTimeout", m.GetTimeoutSeconds()).
			Set("HealthCheckMethod", strings.ToLower(cmp.Or(m.GetHttpMethod(), "GET")))
		thresholds(params, m)
		webCheck(params, m)
	}
}

func (s settings) streamParams(params api.Params, protocol string, making bool) {
	if protocol == protocolTCP && s.sticky.GetType() == networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP {
		params.Int("PersistenceTimeout", cmp.Or(s.sticky.GetTimeoutSeconds(), maxSourceTimeout))
	} else if protocol == protocolTCP && !making {
		params["PersistenceTimeout"] = "0"
	}
	m := s.monitor
	if m == nil {
		params.Set("HealthCheckSwitch", off)
		return
	}
	interval := "HealthCheckInterval"
	if making {
		interval = "healthCheckInterval"
	}
	params.Set("HealthCheckSwitch", on).Int(interval, m.GetIntervalSeconds()).Int("HealthCheckConnectTimeout", m.GetTimeoutSeconds())
	thresholds(params, m)
	if protocol != protocolTCP {
		return
	}
	if m.GetType() == networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP {
		webCheck(params.Set("HealthCheckType", "http"), m)
	} else {
		params.Set("HealthCheckType", "tcp")
	}
}

func thresholds(params api.Params, m *networkv1.HealthMonitor) {
	params.Int("HealthyThreshold", m.GetHealthyThreshold()).Int("UnhealthyThreshold", m.GetUnhealthyThreshold()).
		Int("HealthCheckConnectPort", m.GetPort())
}

// webCheck adds what is asked of members by HTTP. A domain of "$_ip" is the
// member's own address.
func webCheck(params api.Params, m *networkv1.HealthMonitor) {
	codes, _ := balance.FromProtoCodes(m.GetExpectedCodes())
	params.Set("HealthCheckURI", cmp.Or(m.GetUrlPath(), "/")).Set("HealthCheckHttpCode", strings.Join(codes, ",")).
		Set("HealthCheckDomain", cmp.Or(m.GetHost(), "$_ip"))
}

// config is the part of a listener that its protocol has.
func (v *listener) config() *listenerConfig {
	switch strings.ToLower(v.ListenerProtocol) {
	case protocolUDP:
		return &v.UDPListenerConfig
	case protocolHTTP:
		return &v.HTTPListenerConfig
	case protocolHTTPS:
		return &v.HTTPSListenerConfig
	default:
		return &v.TCPListenerConfig
	}
}

// fromListener reads settings off a listener, for groups that have none of ours.
func fromListener(v *listener) settings {
	c := v.config()
	s := settings{protocol: poolProtocol(v.ListenerProtocol), algorithm: toProtoAlgorithm(v.Scheduler)}
	switch {
	case strings.EqualFold(c.StickySession, on) && c.StickySessionType == "server":
		s.sticky = &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: c.Cookie,
		}
	case strings.EqualFold(c.StickySession, on):
		s.sticky = &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT, TimeoutSeconds: int32(c.CookieTimeout),
		}
	case c.PersistenceTimeout > 0:
		s.sticky = &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP, TimeoutSeconds: int32(c.PersistenceTimeout),
		}
	}
	if strings.EqualFold(c.HealthCheck, on) {
		s.monitor = toProtoMonitor(v.ListenerProtocol, c)
	}
	return s
}

func toProtoMonitor(protocol string, c *listenerConfig) *networkv1.HealthMonitor {
	m := &networkv1.HealthMonitor{
		Type:               networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP,
		IntervalSeconds:    int32(c.HealthCheckInterval),
		TimeoutSeconds:     int32(cmp.Or(c.HealthCheckTimeout, c.HealthCheckConnectTimeout)),
		HealthyThreshold:   int32(c.HealthyThreshold),
		UnhealthyThreshold: int32(c.UnhealthyThreshold),
		Port:               max(int32(c.HealthCheckConnectPort), 0),
	}
	switch {
	case strings.EqualFold(protocol, protocolUDP):
		m.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP
	case strings.EqualFold(protocol, protocolTCP) && !strings.EqualFold(c.HealthCheckType, protocolHTTP):
	default:
		m.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP
		m.HttpMethod = strings.ToUpper(c.HealthCheckMethod)
		m.UrlPath = c.HealthCheckURI
		m.ExpectedCodes = balance.ToProtoCodes(strings.Split(c.HealthCheckHTTPCode, ","))
		if c.HealthCheckDomain != "$_ip" {
			m.Host = c.HealthCheckDomain
		}
	}
	return m
}
