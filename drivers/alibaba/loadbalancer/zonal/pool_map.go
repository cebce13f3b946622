package zonal

import (
	"cmp"
	"strconv"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// tagVIP is the hidden tag of a pool that says of which VIP it is.
const tagVIP = api.ReservedPrefix + "vip"

// Kinds of server groups.
const (
	groupOfInstances = "Instance"
	groupOfAddresses = "Ip"
)

// Algorithms, as both products write them in some case.
const (
	byWeight     = "Wrr"
	byLoad       = "Wlc"
	bySource     = "Sch"
	byConnection = "Tch"
)

// scheduler names an algorithm as the product takes it. NLB writes hashes in lower case.
func (p *Product) scheduler(a networkv1.PoolAlgorithm) string {
	name := byWeight
	switch a {
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS:
		name = byLoad
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP:
		name = bySource
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT:
		name = byConnection
	}
	if p.isNLB() && (name == bySource || name == byConnection) {
		return strings.ToLower(name)
	}
	return name
}

func toProtoAlgorithm(name string) networkv1.PoolAlgorithm {
	switch strings.ToLower(name) {
	case "wrr", "rr":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN
	case "wlc":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS
	case "sch":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP
	case "tch":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT
	default:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_UNSPECIFIED
	}
}

// poolProtocol names what members get; false: not on this product.
func (p *Product) poolProtocol(v networkv1.LoadBalancerProtocol) (string, bool) {
	switch v {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP:
		return "TCP", p.isNLB()
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP:
		return "UDP", p.isNLB()
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP:
		return "HTTP", !p.isNLB()
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return "HTTPS", !p.isNLB()
	default:
		return "", false
	}
}

// toProtoProtocol maps the protocol of a listener or pool; QUIC and gRPC, which the
// contract does not have, are unspecified.
func toProtoProtocol(name string) networkv1.LoadBalancerProtocol {
	switch strings.ToUpper(name) {
	case "TCP", "TCP_UDP":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	case "UDP":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	case "TCPSSL":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS
	case "HTTP":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	case "HTTPS":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
	default:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UNSPECIFIED
	}
}

// stickyParams are what ALB is told of session persistence.
func stickyParams(s *networkv1.SessionPersistence) api.Params {
	switch s.GetType() {
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT:
		return api.Params{"StickySessionEnabled": "true", "StickySessionType": "Insert"}.
			Int("CookieTimeout", cmp.Or(s.GetTimeoutSeconds(), defaultCookieTimeout))
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP:
		return api.Params{"StickySessionEnabled": "true", "StickySessionType": "Server", "Cookie": s.GetCookieName()}
	default:
		return api.Params{"StickySessionEnabled": "false"}
	}
}

// defaultCookieTimeout is how long an inserted cookie lasts where none is asked for,
// in seconds: the cloud wants to be told.
const defaultCookieTimeout = 86400

func (v *stickySession) toProto() *networkv1.SessionPersistence {
	switch {
	case !v.StickySessionEnabled:
		return nil
	case strings.EqualFold(v.StickySessionType, "Server"):
		return &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: v.Cookie,
		}
	default:
		return &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT, TimeoutSeconds: v.CookieTimeout,
		}
	}
}

// monitorParams are what a server group is told of a health monitor; nil: none.
func (p *Product) monitorParams(m *networkv1.HealthMonitor) api.Params {
	if m == nil {
		return api.Params{"HealthCheckEnabled": "false"}
	}
	params := api.Params{
		"HealthCheckEnabled": "true", p.checkType: strings.TrimPrefix(m.GetType().String(), "HEALTH_MONITOR_TYPE_"),
		"HealthCheckConnectPort": strconv.Itoa(int(m.GetPort())),
	}.Int("HealthCheckInterval", m.GetIntervalSeconds()).Int(p.checkWait, m.GetTimeoutSeconds()).
		Int("HealthyThreshold", m.GetHealthyThreshold()).Int("UnhealthyThreshold", m.GetUnhealthyThreshold())
	if m.GetType() < networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP {
		return params
	}
	codes, _ := balance.FromProtoCodes(m.GetExpectedCodes())
	return params.Set(p.checkMethod, cmp.Or(m.GetHttpMethod(), "GET")).Set(p.checkPath, cmp.Or(m.GetUrlPath(), "/")).
		Set(p.checkHost, cmp.Or(m.GetHost(), p.ownAddress)).List(p.codes, codes...)
}

func (v *healthCheck) toProto() *networkv1.HealthMonitor {
	if !v.HealthCheckEnabled {
		return nil
	}
	m := &networkv1.HealthMonitor{
		IntervalSeconds: v.HealthCheckInterval, TimeoutSeconds: cmp.Or(v.HealthCheckTimeout, v.HealthCheckConnectTimeout),
		HealthyThreshold: v.HealthyThreshold, UnhealthyThreshold: v.UnhealthyThreshold, Port: v.HealthCheckConnectPort,
	}
	name := strings.ToUpper(cmp.Or(v.HealthCheckProtocol, v.HealthCheckType))
	m.Type = networkv1.HealthMonitorType(networkv1.HealthMonitorType_value["HEALTH_MONITOR_TYPE_"+name])
	if m.GetType() < networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP {
		return m
	}
	m.HttpMethod = strings.ToUpper(cmp.Or(v.HealthCheckMethod, v.HTTPCheckMethod))
	m.UrlPath = cmp.Or(v.HealthCheckPath, v.HealthCheckURL)
	m.ExpectedCodes = balance.ToProtoCodes(append(v.HealthCheckCodes, v.HealthCheckHTTPCode...))
	if host := cmp.Or(v.HealthCheckHost, v.HealthCheckDomain); !strings.HasPrefix(host, "$") {
		m.Host = host
	}
	return m
}

// vipID is the VIP of a pool: that which it was made for, else the first that sends
// to it; empty: none.
func (v *serverGroup) vipID() string {
	if id := v.Tags.All()[tagVIP]; id != "" {
		return id
	}
	if len(v.RelatedLoadBalancerIDs) > 0 {
		return v.RelatedLoadBalancerIDs[0]
	}
	return ""
}

func (p *Product) toProtoPool(v *serverGroup, region string) *networkv1.Pool {
	out := &networkv1.Pool{
		Id:                 p.publicID(v.ServerGroupID),
		Name:               v.ServerGroupName,
		Tags:               v.Tags.ToProto(),
		State:              toProtoState(v.ServerGroupStatus),
		ProviderState:      v.ServerGroupStatus,
		CreatedAt:          kind.ToProtoTime(v.CreateTime),
		RegionId:           region,
		VipId:              v.vipID(),
		Protocol:           toProtoProtocol(v.Protocol),
		Algorithm:          toProtoAlgorithm(v.Scheduler),
		SessionPersistence: v.StickySessionConfig.toProto(),
		MemberKind:         networkv1.MemberKind_MEMBER_KIND_VM_OR_NIC,
	}
	if v.ServerGroupType == groupOfAddresses {
		out.MemberKind = networkv1.MemberKind_MEMBER_KIND_ADDRESS
	}
	if p.isNLB() {
		out.HealthMonitor = v.HealthCheck.toProto()
	} else {
		out.HealthMonitor = v.HealthCheckConfig.toProto()
	}
	return out
}
