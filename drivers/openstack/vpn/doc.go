// Package vpn serves the VPN rpcs of the contract on Neutron VPNaaS v2.0: VPN
// services, IKE and IPsec policies, and site connections with their endpoint
// groups.
//
// It owns the calls, and the mapping between VPNaaS's attributes and the contract's
// messages (files *_map.go, pure functions). It does not own the session, nor the
// routers and subnets that services and connections are at.
//
// What differs from other clouds:
//   - A service is at a router. Given a network, its only router with a gateway is
//     taken.
//   - What a connection joins are two objects of their own, endpoint groups, which
//     cannot change: CreateIpsecConnection makes both before the connection and
//     removes them if that is refused; UpdateIpsecConnection makes a new one,
//     switches, and removes the old one; DeleteIpsecConnection removes them as the
//     next step. Groups made elsewhere stay. Their ids are not shown.
//   - Nothing here has tags or times, so the request's marker ends the description.
//   - VPNaaS answers reads with the pre-shared key. It is never decoded.
//   - Which algorithms beyond the common ones work depends on the agent, which no
//     call tells: they are tried, and a refusal is UNSUPPORTED_FEATURE.
package vpn
