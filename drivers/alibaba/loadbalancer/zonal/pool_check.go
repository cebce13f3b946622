package zonal

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
)

// checkAlgorithm refuses what the product does not have. Errors: PARAMETER_REJECTED.
func (p *Product) checkAlgorithm(a networkv1.PoolAlgorithm, change bool) error {
	byHash := a == networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP || a == networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT
	switch {
	case p.isNLB() && change && byHash:
		return balance.Rejected("algorithm", "a pool of layer 4 can be changed to ROUND_ROBIN or LEAST_CONNECTIONS only on this cloud")
	case !p.isNLB() && a == networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT:
		return balance.Rejected("algorithm", "SOURCE_IP_PORT is for TCP and UDP on this cloud")
	}
	return nil
}

// checkSticky refuses what the product does not have. Errors: PARAMETER_REJECTED.
func (p *Product) checkSticky(s *networkv1.SessionPersistence) error {
	switch t := s.GetType(); {
	case t <= networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE:
		return nil
	case p.isNLB():
		return balance.Rejected("session_persistence.type", "a VIP of layer 4 in several subnets keeps no clients on this cloud; use the algorithm SOURCE_IP")
	case t == networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP:
		return balance.Rejected("session_persistence.type", "SOURCE_IP is for TCP on this cloud; use the algorithm SOURCE_IP")
	}
	return nil
}

// checkMonitor refuses what the product does not have. Errors: PARAMETER_REJECTED.
func (p *Product) checkMonitor(m *networkv1.HealthMonitor, protocol networkv1.LoadBalancerProtocol) error {
	if m == nil {
		return nil
	}
	udp := protocol == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	fits := false
	switch m.GetType() {
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP, networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP:
		fits = !udp
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP:
		fits = udp
	case networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS:
		fits = !p.isNLB()
	}
	if !fits {
		return balance.Rejected("health_monitor.type", "does not fit the pool's protocol on this cloud")
	}
	if _, ok := balance.FromProtoCodes(m.GetExpectedCodes()); !ok {
		return balance.Rejected("health_monitor.expected_codes", "must be whole hundreds on this cloud, such as 200-299,300-399")
	}
	return nil
}
