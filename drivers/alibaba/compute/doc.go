// Package compute serves VMs as ECS instances, containers as ECI container groups of
// one container, flavors as instance types, and key pairs, zones and regions.
//
// What needs more than one call of the cloud, or a look before it, says so at its
// method. Lists are one call for a page; what they would need a call for each item
// for (disks of a VM, subnets of its further NICs) is told by the Get methods only.
package compute
