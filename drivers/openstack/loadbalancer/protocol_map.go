package loadbalancer

import networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

// attributeProtocol keeps Octavia's own word for a protocol.
const attributeProtocol = "protocol"

const (
	protocolTCP             = "TCP"
	protocolUDP             = "UDP"
	protocolHTTP            = "HTTP"
	protocolPassThrough     = "HTTPS"
	protocolTerminatedHTTPS = "TERMINATED_HTTPS"
	protocolTLS             = "TLS" // of our own, in a hidden tag
)

// toProtoPoolProtocol maps the protocol of a pool.
func toProtoPoolProtocol(protocol string, tls bool) networkv1.LoadBalancerProtocol {
	switch protocol {
	case protocolTCP, protocolPassThrough, "PROXY", "PROXYV2":
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	case protocolUDP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	case protocolHTTP:
		if tls {
			return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
		}
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	default:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UNSPECIFIED
	}
}

// fromProtoPoolProtocol is Octavia's protocol of a new pool, and whether it speaks
// TLS to the members; empty: pools have no such protocol.
func fromProtoPoolProtocol(p networkv1.LoadBalancerProtocol) (protocol string, tls bool) {
	switch p {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP:
		return protocolTCP, false
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP:
		return protocolUDP, false
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP:
		return protocolHTTP, false
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return protocolHTTP, true
	default:
		return "", false
	}
}

// toProtoListenerProtocol maps the protocol of a listener.
func toProtoListenerProtocol(protocol string, present []string) networkv1.LoadBalancerProtocol {
	switch protocol {
	case protocolTCP, protocolPassThrough:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	case protocolUDP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	case protocolHTTP:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	case protocolTerminatedHTTPS:
		if fact(present, factProtocol) == protocolTLS {
			return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS
		}
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
	default:
		return networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UNSPECIFIED
	}
}

// fromProtoListenerProtocol is Octavia's protocol of a new listener.
func fromProtoListenerProtocol(p networkv1.LoadBalancerProtocol) string {
	switch p {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP:
		return protocolUDP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP:
		return protocolHTTP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return protocolTerminatedHTTPS
	default:
		return protocolTCP
	}
}

// protocolAttributes shows Octavia's word where the contract's says less.
func protocolAttributes(protocol string) map[string]string {
	switch protocol {
	case protocolTCP, protocolUDP, protocolHTTP, protocolTerminatedHTTPS:
		return nil
	default:
		return map[string]string{attributeProtocol: protocol}
	}
}
