// Package network serves the network rpcs of the contract on Alibaba Cloud: VPC
// (Vpc 2016-04-28) and, for security groups and network interfaces, ECS
// (Ecs 2014-05-26).
//
// It owns the calls, and the mapping between the cloud's fields and the contract's
// messages (files *_map.go, pure functions). It does not own how calls are made
// and what the cloud's errors mean in general (package api), nor waiting: each rpc
// returns when the cloud has answered, and what takes several steps goes on by the
// trailer next-step.
//
// The contract's words and the cloud's:
//
//	network               VPC
//	subnet                vSwitch (交换机), in one zone
//	router                route table; the system table is shown, custom ones are made
//	router interface      association of a vSwitch with a route table
//	route                 custom route entry to a network interface
//	security group, rule  security group of type normal, permission
//	NIC                   elastic network interface (ENI), primary or secondary
//	public IP             elastic IP address (EIP)
//
// What differs from other clouds:
//   - All subnets of a network reach each other through its system route table
//     whatever routers there are: a router is policy here, not reachability.
//   - An external gateway would be a NAT gateway with EIPs and SNAT entries, which
//     cost money by the hour; the contract has no resource that shows it, so that
//     routers have none here. Public IPs on NICs are the way out.
//   - A new security group lets its members reach each other by default; the driver
//     switches that off, as on every other cloud. A rule that lets the whole group
//     in is that switch, shown as the rule "inner".
//   - A primary network interface is bound to an EIP by its instance's id.
//   - MTU, DHCP, DNS servers and gateway addresses are not in the API.
//
// Calls: a list is one call a page; Get of a router or security group adds one for
// its routes or rules; deleting a network reads what is in it first (five calls).
package network
