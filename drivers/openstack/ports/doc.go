// Package ports is what compute and network both do to the network service's
// ports of VMs: reading those of many VMs in one call, changing their security
// groups, and making and removing the ports that belong to one VM's creation.
//
// It does not own: NICs as a resource of the contract (package network).
package ports
