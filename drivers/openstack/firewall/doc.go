// Package firewall serves firewalls, firewall policies and firewall rules on Neutron's
// firewall service, version 2 (extension fwaas_v2).
//
// It owns the mapping of firewall groups, policies and rules. It does not own routers
// and ports: a firewall that stands at routers is bound to the ports that they have
// now, and one of an interface that is added later must be updated.
//
// What differs from other clouds: a rule has one address family, IPv4 unless its
// addresses say otherwise; ICMP of IPv6 is the protocol icmp with version 6; GRE is not
// known; there are no tags. A group that is bound cannot be deleted, so that deletion
// unbinds it first. The account needs the role member.
//
// Source: Networking API v2, "FWaaS v2.0"; neutron_fwaas, extensions/firewall_v2.py and
// services/firewall/fwaas_plugin_v2.py. No Debian release has this service: it is
// tested against drivers/openstack/referencecloud.
package firewall
