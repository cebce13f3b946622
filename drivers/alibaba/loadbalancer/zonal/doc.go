// Package zonal serves the load balancer rpcs of the contract on the two products
// whose instances have an address in each of several zones: ALB (Alb 2020-06-16),
// which works at layer 7, and NLB (Nlb 2022-04-30), which works at layer 4. They
// differ in a few names, which type Product holds.
//
// It owns their calls and the mapping (files *_map.go, pure functions). It does not
// own which product a VIP is made with, nor the joining of lists: package
// loadbalancer does.
//
// The contract's words and the cloud's:
//
//	VIP        ALB or NLB instance
//	listener   listener
//	pool       server group; the hidden tag yunqiao-vip says of which VIP
//	member     server of a server group: server and port are its id
//
// Ids of listeners and server groups do not tell their product, so that ours do:
// "alb~~lsn-…", "nlb~~sgp-…", "nlb~~sgp-…~~i-…~~80".
//
// What changes something takes a ClientToken and begins a job. The rpc goes on with
// the step "job" until the job has ended, and ends with its error; the state of the
// resource comes after that. While another job changes the same thing the cloud
// refuses, which is RESOURCE_BUSY. Only the making of an instance has no job: its
// state tells.
//
// What differs from CLB:
//   - LEAST_CONNECTIONS, members by address, HTTPS to members (ALB), TLS that ends at
//     the listener (NLB). NLB keeps no clients with a member, ALB by cookies only.
//   - An instance has two subnets at least, in different zones.
//   - It cannot be switched off.
//   - TLS needs a pool that does not show members the client's address: making such a
//     listener turns that off in the pool.
//   - Lists of ALB instances have no addresses and no subnets, lists of ALB listeners
//     no certificates: the cloud tells them only for one at a time.
//   - GetVip does not tell health, which the cloud tells by listener only.
//
// Calls: a list is one call a page; the health of members, which GetMember tells too, is
// one call for the pool, one for the listeners of its VIPs and one for each listener
// that sends to it. A write is one call (of a new pool 2, of a listener 2, of a NIC as a
// member 2, of a change 2) and one for each look at the job. DeleteVip is one for the
// instance, then one for the list of its pools and one for each.
package zonal
