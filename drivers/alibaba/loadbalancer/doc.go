// Package loadbalancer serves the load balancer rpcs of the contract on Alibaba
// Cloud's three load balancers: it passes each request to the product that the id
// tells, and joins their lists. It serves CLB (Slb 2014-05-15) itself; package zonal
// serves ALB and NLB.
//
// It owns the choice, the calls of CLB, and the mapping between the cloud's fields and
// the contract's messages (files *_map.go, pure functions). It does not own how calls
// are made (package api), nor waiting.
//
// # Which product
//
// An edition names its product: "alb", "alb.Basic", "nlb", or a specification of CLB.
// Without one the subnets decide. One subnet is a CLB, which takes layers 4 and 7 in one
// instance and has no asynchronous jobs. Two or more are an ALB for a VIP of layer 7, an
// NLB for one of layer 4. Least connections, members by address, HTTPS to members and
// TLS that ends at the listener are theirs alone.
//
// # CLB
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
// call, two with health. Lists of all products make a call of each.
package loadbalancer
