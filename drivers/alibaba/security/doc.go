// Package security serves the rpcs of firewalls with their policies and rules, of
// intrusion prevention, WAF and antivirus on Alibaba Cloud: network ACLs of VPC
// (Vpc 2016-04-28), Cloud Firewall (Cloudfw 2017-12-07), WAF 3.0 (waf-openapi
// 2021-10-01) and Security Center (Sas 2018-12-03).
//
// It owns the calls, and the mapping between the cloud's fields and the contract's
// messages (files *_map.go, pure functions). It does not own how calls are made
// (package api), nor waiting.
//
// The contract's words and the cloud's:
//
//	firewall, scope SUBNET    network ACL, associated with vSwitches
//	firewall, scope INTERNET  the Internet border of Cloud Firewall, id "inet"
//	firewall policy           the rules of a firewall in one direction: they come and go
//	                          with the firewall, id "<firewall>~~in" or "~~out"
//	firewall rule             entry of the ACL; access control policy of Cloud Firewall
//	IPS                       the intrusion prevention of the Internet border
//	WAF                       domain in CNAME mode; its id is the domain
//	antivirus                 edition of Security Center bound to a server
//
// What differs from other clouds:
//   - A policy cannot be made, changed or deleted by itself, as neither product has
//     lists of rules without a firewall: CreateFirewallPolicy, UpdateFirewallPolicy and
//     DeleteFirewallPolicy are not offered, and a firewall takes no policy ids.
//   - A network ACL is stateless: return traffic needs a rule of its own. Its rules
//     have one end, the other's address; they cannot be off.
//   - The Internet border exists once Cloud Firewall is bought; it is not made or
//     deleted. A public IP is protected when it is among public_ip_ids.
//   - Neither product takes a token for a rule: a marker stands at the end of its
//     description, and a repeat looks for it.
//   - Borders between VPCs and at NAT gateways are not offered: what they need to be
//     made (route tables of both sides, vSwitches of their own) the contract does not say.
//   - WAF is of the cloud account and not of a region: it is reached in the mainland's
//     or in the international center, whichever the account's region belongs to.
package security
