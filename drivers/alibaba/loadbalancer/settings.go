package loadbalancer

import (
	"fmt"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
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

// check refuses what a listener of the pool's protocol cannot do, before anything
// is made. Errors: UNSUPPORTED_FEATURE, PARAMETER_REJECTED.
func (s settings) check() error {
	web := isWeb(s.protocol)
	switch {
	case s.protocol == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return sdk.Unsupported("network.pool.tls")
	case s.algorithm == networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("network.pool.least_connections"), sdk.Field("algorithm"))
	case web && fromProtoAlgorithm(s.algorithm) != weighted:
		return rejected("algorithm", "of HTTP must be ROUND_ROBIN on this cloud")
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
			return rejected("session_persistence.type", "SOURCE_IP is for TCP on this cloud")
		}
		if s.sticky.GetTimeoutSeconds() > maxSourceTimeout {
			return rejected("session_persistence.timeout_seconds", fmt.Sprintf("must be at most %d for SOURCE_IP on this cloud", maxSourceTimeout))
		}
	case !web:
		return rejected("session_persistence.type", "cookies need HTTP")
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
		return rejected("health_monitor.type", "does not fit the pool's protocol on this cloud")
	}
	if _, ok := fromProtoCodes(m.GetExpectedCodes()); !ok {
		return rejected("health_monitor.expected_codes", "must be whole hundreds on this cloud, such as 200-299,300-399")
	}
	return nil
}

func rejected(field, why string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, why))
}

// fromProtoCodes maps status codes: the cloud knows whole hundreds. "200", which is
// the contract's default, is read as all that begin with 2.
func fromProtoCodes(codes string) (string, bool) {
	if codes == "" || codes == "200" {
		return "http_2xx", true
	}
	var out []string
	for part := range strings.SplitSeq(codes, ",") {
		if len(part) != len("200-299") || part[1:5] != "00-"+part[0:1] || part[5:] != "99" || part[0] < '2' {
			return "", false
		}
		out = append(out, "http_"+part[:1]+"xx")
	}
	return strings.Join(out, ","), true
}

func toProtoCodes(classes string) string {
	var out []string
	for class := range strings.SplitSeq(classes, ",") {
		if digit, ok := strings.CutPrefix(strings.TrimSuffix(class, "xx"), "http_"); ok {
			out = append(out, digit+"00-"+digit+"99")
		}
	}
	return strings.Join(out, ",")
}
