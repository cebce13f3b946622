// Package vmaction explains refusals of the compute service's actions on VMs to
// the services that run them on a VM's disks and NICs. It does not own VMs as a
// resource of the contract (package compute).
package vmaction
