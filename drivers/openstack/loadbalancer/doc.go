// Package loadbalancer serves the load balancer rpcs of the contract on Octavia
// v2: VIPs, listeners, pools with their health monitors, and members.
//
// It owns the calls, the mapping between Octavia's attributes and the contract's
// messages (files *_map.go, pure functions), and what to do about Octavia's lock.
// It does not own the session, nor NICs and public IPs: those of a VIP are read.
//
// What differs from other clouds:
//   - A VIP is an Octavia load balancer of any kind, in one subnet. What Octavia
//     does not hold is kept in tags that users do not see: a VIP's kind, a pool's
//     kind of members, a member's VM and NIC.
//   - Octavia locks a load balancer with all that belongs to it during every
//     change, and answers 409 to other changes meanwhile. A change or deletion then
//     goes on as the next step of the same request; a creation, which has no id to
//     answer with yet, waits a while for the lock.
//   - The health monitor of a pool is an object of its own at Octavia. It follows
//     the pool as the next step, and its id is not shown.
//   - Deleting a pool would unlink it from listeners that use it, without asking.
//     So the pool is read first.
//   - Octavia's protocol HTTPS, which passes TLS through, is TCP here; HTTPS and TLS
//     of a listener are its TERMINATED_HTTPS.
package loadbalancer
