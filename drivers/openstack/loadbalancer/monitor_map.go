package loadbalancer

import networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

const monitorUDP = "UDP-CONNECT"

// toProtoMonitor maps a monitor; nil stays nil. What asks TLS hellos is TCP, and
// what pings has no type in the contract.
func toProtoMonitor(m *monitor) *networkv1.HealthMonitor {
	if m == nil {
		return nil
	}
	out := &networkv1.HealthMonitor{
		IntervalSeconds:    m.Delay,
		TimeoutSeconds:     m.Timeout,
		HealthyThreshold:   m.MaxRetries,
		UnhealthyThreshold: m.MaxRetriesDown,
	}
	switch m.Type {
	case "TCP", "TLS-HELLO", "SCTP":
		out.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP
	case monitorUDP:
		out.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP
	case "HTTP":
		out.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP
	case "HTTPS":
		out.Type = networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS
	}
	if m.Type == "HTTP" || m.Type == "HTTPS" {
		out.HttpMethod, out.UrlPath, out.Host, out.ExpectedCodes = m.HTTPMethod, m.URLPath, m.DomainName, m.ExpectedCodes
	}
	return out
}

func fromProtoMonitorType(t networkv1.HealthMonitorType) string {
	switch t {
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP:
		return monitorUDP
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP:
		return "HTTP"
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS:
		return "HTTPS"
	default:
		return "TCP"
	}
}

// fromProtoMonitor are the attributes of a monitor but for pool and type, which
// cannot change. What the contract has defaults for is always sent, so that a
// change replaces it.
func fromProtoMonitor(m *networkv1.HealthMonitor) map[string]any {
	attributes := map[string]any{
		"delay": m.GetIntervalSeconds(), "timeout": m.GetTimeoutSeconds(),
		"max_retries": m.GetHealthyThreshold(), "max_retries_down": m.GetUnhealthyThreshold(),
	}
	switch m.GetType() {
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP, networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS:
		attributes["http_method"] = orElse(m.GetHttpMethod(), "GET")
		attributes["url_path"] = orElse(m.GetUrlPath(), "/")
		attributes["expected_codes"] = orElse(m.GetExpectedCodes(), "200")
		attributes["domain_name"], attributes["http_version"] = nil, nil
		if m.GetHost() != "" {
			attributes["domain_name"], attributes["http_version"] = m.GetHost(), 1.1
		}
	}
	return attributes
}

func orElse(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}
