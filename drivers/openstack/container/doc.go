// Package container serves containers on Zun.
//
// It owns the mapping of containers. It does not own their ports, which Zun makes and
// removes, nor images, which are references of a registry.
//
// What differs from other clouds: tags and description are labels, which Zun keeps as
// they were at creation; the NIC is in the network of the given subnet, which must be
// the network's only one of its family, for Zun chooses the subnet; security groups are
// told to Zun by name, so that a name must not repeat in the project. A container that
// ended by itself and one that was stopped look alike, but for the exit code. The
// account needs the role member.
//
// Source: Application Container Service API v1. No Debian release has this service: it
// is tested against drivers/openstack/referencecloud.
package container
