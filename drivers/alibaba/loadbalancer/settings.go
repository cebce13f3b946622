package loadbalancer

import (
	"fmt"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
)

// settings are what the contract says of a pool and the cloud says of a listener.
type settings struct {
	protocol  networkv1.LoadBalancerProtocol
	algorithm networkv1.PoolAlgorithm
	sticky    *networkv1.SessionPersistence
	monitor   *networkv1.HealthMonitor
}

// maxSourceTimeout is the longest that a TCP listener keeps a client, in seconds.
const maxSourceTimeout = 3600

// defaultCookieTimeout is how long an inserted cookie lasts where none is asked
// for: the cloud wants to be told.
const defaultCookieTimeout = 86400

func fromProtoCreatePool(req *networkv1.CreatePoolRequest) settings {
	return settings{req.GetProtocol(), req.GetAlgorithm(), req.GetSessionPersistence(), req.GetHealthMonitor()}
}

// updated are the settings with what a request changes.
func (s settings) updated(req *networkv1.UpdatePoolRequest) settings {
	if req.Algorithm != nil {
		s.algorithm = req.GetAlgorithm()
	}
	if req.GetSessionPersistence() != nil {
		s.sticky = req.GetSessionPersistence()
	}
	if req.GetHealthMonitor() != nil {
		s.monitor = req.GetHealthMonitor()
	}
	if req.GetRemoveHealthMonitor() {
		s.monitor = nil
	}
	return s
}

// needsZones says of something that CLB does not have it.
const needsZones = "needs a VIP in several subnets on this cloud"

// check refuses what a listener of the pool's protocol cannot do, before anything
// is made. Errors: UNSUPPORTED_FEATURE, PARAMETER_REJECTED.
func (s settings) check() error {
	web := balance.IsWeb(s.protocol)
	switch {
	case s.protocol == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return balance.Rejected("protocol", "HTTPS to members "+needsZones)
	case s.algorithm == networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS:
		return balance.Rejected("algorithm", "LEAST_CONNECTIONS "+needsZones)
	case web && fromProtoAlgorithm(s.algorithm) != weighted:
		return balance.Rejected("algorithm", "of HTTP must be ROUND_ROBIN on this cloud")
	}
	if err := s.checkSticky(web); err != nil {
		return err
	}
	return s.checkMonitor(web)
}

func (s settings) checkSticky(web bool) error {
	switch kind := s.sticky.GetType(); {
	case kind <= networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE:
		return nil
	case kind == networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP:
		if s.protocol != networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP {
			return balance.Rejected("session_persistence.type", "SOURCE_IP is for TCP on this cloud")
		}
		if s.sticky.GetTimeoutSeconds() > maxSourceTimeout {
			return balance.Rejected("session_persistence.timeout_seconds", fmt.Sprintf("must be at most %d for SOURCE_IP on this cloud", maxSourceTimeout))
		}
	case !web:
		return balance.Rejected("session_persistence.type", "cookies need HTTP")
	}
	return nil
}

func (s settings) checkMonitor(web bool) error {
	m := s.monitor
	if m == nil {
		return nil
	}
	udp := s.protocol == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	fits := false
	switch m.GetType() {
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP:
		fits = !udp
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP:
		fits = !udp && !web
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP:
		fits = udp
	}
	if !fits {
		return balance.Rejected("health_monitor.type", "does not fit the pool's protocol on this cloud")
	}
	if _, ok := balance.FromProtoCodes(m.GetExpectedCodes()); !ok {
		return balance.Rejected("health_monitor.expected_codes", "must be whole hundreds on this cloud, such as 200-299,300-399")
	}
	return nil
}
