package loadbalancer

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// Protocols of listeners, as the cloud writes them in answers.
const (
	protocolTCP   = "tcp"
	protocolUDP   = "udp"
	protocolHTTP  = "http"
	protocolHTTPS = "https"
)

// fromProtoProtocol names a protocol; empty: the cloud has none such.
func fromProtoProtocol(p networkv1.LoadBalancerProtocol) string {
	switch p {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP:
		return protocolTCP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP:
		return protocolUDP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP:
		return protocolHTTP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return protocolHTTPS
	default:
		return ""
	}
}

func toProtoProtocol(name string) networkv1.LoadBalancerProtocol {
	switch strings.ToLower(name) {
	case protocolTCP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	case protocolUDP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	case protocolHTTP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	case protocolHTTPS:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
	default:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UNSPECIFIED
	}
}

// poolProtocol is what members get from a listener: HTTPS ends there.
func poolProtocol(listener string) networkv1.LoadBalancerProtocol {
	if strings.EqualFold(listener, protocolHTTPS) {
		listener = protocolHTTP
	}
	return toProtoProtocol(listener)
}

// Algorithms of the cloud.
const (
	weighted     = "wrr"
	roundRobin   = "rr"
	bySource     = "sch"
	byConnection = "tch"
)

func fromProtoAlgorithm(a networkv1.PoolAlgorithm) string {
	switch a {
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP:
		return bySource
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT:
		return byConnection
	default:
		return weighted
	}
}

func toProtoAlgorithm(name string) networkv1.PoolAlgorithm {
	switch strings.ToLower(name) {
	case weighted, roundRobin:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN
	case bySource:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP
	case byConnection:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT
	case "wlc":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS
	default:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_UNSPECIFIED
	}
}
