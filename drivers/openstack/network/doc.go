// Package network serves the network rpcs of the contract on Neutron v2.0:
// networks, subnets, routers with their interfaces and routes, security groups
// with their rules and members, NICs, public IPs and the quota. Joining a NIC to
// a VM goes through Nova.
//
// It owns the calls, and the mapping between Neutron's attributes and the
// contract's messages (files *_map.go, pure functions). It does not own the
// session (authentication, errors of the cloud in general) nor waiting: each rpc
// returns when Neutron has answered.
//
// What differs from other clouds:
//   - A create is marked by " [yq:<token>]" at the end of the description, since
//     Neutron takes no tags in the creating call; a repeat looks for exactly that
//     description. Reading strips the marker.
//   - Tags are set by a second call of the same rpc, as "key=value".
//   - Subnets, security groups and rules have no state; a subnet that exists is
//     AVAILABLE.
//   - Public IPs have no name. Security groups belong to no network.
//   - Two subnets reach each other only through a router.
//
// Answers are decoded into types of our own and not gophercloud's, because the
// difference between null and zero matters (ports and ICMP types of rules) and
// attributes of extensions stand beside the others.
package network
