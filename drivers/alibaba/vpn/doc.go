// Package vpn serves the rpcs of VPN services, IKE and IPsec policies and site
// connections on Alibaba Cloud's VPN gateways (Vpc 2016-04-28).
//
// It owns the calls, and the mapping between the cloud's fields and the contract's
// messages (files *_map.go, pure functions). It does not own how calls are made
// (package api), how policies are kept (package held), nor waiting.
//
// The contract's words and the cloud's:
//
//	VPN service      VPN gateway with IPsec, of one VPC
//	IKE policy       nothing: IkeConfig of each connection; kept by package held
//	IPsec policy     nothing: IpsecConfig of each connection; kept by package held
//	site connection  VPN connection and the customer gateway of the peer's address
//
// What differs from other clouds:
//   - A gateway is of a network, not of a router, and has a bandwidth that is paid for.
//   - A gateway with two subnets has two tunnels; both ends of a connection may have
//     a second address. A gateway with one has one tunnel, whose peer cannot change.
//   - The cloud's own defaults are weak (MD5, group 2, IKEv1); the contract's are
//     always sent.
//   - A change of a connection sends all of it again with the key that the cloud
//     knows, since it makes up a key where none is given. No answer of ours tells it.
//   - Customer gateways have an address for ever, and only one for each address: they
//     are looked for before they are made, and go with the last connection of ours.
//   - Connections and policies have no description.
package vpn
