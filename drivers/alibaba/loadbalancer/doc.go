// Package loadbalancer serves the load balancer rpcs of the contract on Alibaba
// Cloud's classic load balancer, CLB (Slb 2014-05-15).
//
// It owns the calls, and the mapping between the cloud's fields and the contract's
// messages (files *_map.go, pure functions). It does not own how calls are made
// (package api), nor waiting.
//
// # Why CLB
//
// Alibaba has three load balancers. CLB takes layer 4 and layer 7 in one instance
// and one zone, as the contract's VIP of any kind does, and its parts are made
// without asynchronous jobs. ALB works at layer 7 only and NLB at layer 4 only, both
// in two zones at least. VIPs are therefore CLB instances; the edition says of which
// size. What only ALB or NLB has is not offered: LEAST_CONNECTIONS, TLS at layer 4,
// HTTPS to members, members by address.
//
// The contract's words and the cloud's:
//
//	VIP        CLB instance
//	listener   listener: protocol and port of an instance, which are its id
//	pool       VServer group
//	member     backend server of a VServer group: server and port are its id
//
// What differs from other clouds:
//   - Algorithm, stickiness and health check belong to the listener, not to the
//     group. The pool keeps them in hidden tags of the group, and every listener
//     that sends its traffic to the pool gets them: when it is made and when the pool
//     changes. Pools that were made elsewhere show those of their first listener.
//   - An instance has one address: private, in the VIP's one subnet, or public, and
//     then the subnet tells the zone only.
//   - VIPs, pools and listeners have no description. A listener's name is its
//     description there, a member's too.
//   - Expected status codes are whole hundreds.
//   - Listeners and groups take no ClientToken: the listener's key is its port, a
//     group is looked for by its hidden tag before a repeat.
//
// Calls: a list of VIPs or listeners is one call a page; a list of pools is one call
// for each load balancer, which is all that the API offers; a list of members is one
// call, two with health.
package loadbalancer
