// Package compute serves the compute rpcs of the contract on Nova v2.1 (with the
// ports of VMs from Neutron, and boot volumes' images from Cinder): VMs, flavors,
// key pairs, zones, regions and the quota.
//
// It owns the calls, and the mapping between Nova's values and the contract's
// messages (files *_map.go, pure functions). It does not own waiting: each rpc
// returns when Nova has accepted, and leaves what is to be done later in
// next-step.
//
// What it needs from the account: the role member in its project.
//
// What differs from other clouds:
//   - A create is marked by the server tag "yqreq-<token>", set in the creating
//     call and looked up before a repeat only.
//   - Nova takes networks, not subnets. A NIC in a network with several subnets
//     of a family is a port that the driver makes before the server, named by its
//     marker; DeleteVm removes it when the server is gone.
//   - A resize waits at VERIFY_RESIZE until it is confirmed: a step of its own.
//   - Nova shows ACTIVE while it powers off: the state is a function of status
//     and task state together.
//   - A server's flavor has no id; it is found by its name, which is unique.
//   - The first password is given twice, as adminPass and as cloud-config.
//   - Key pairs belong to the user, not to the project, and their names are ASCII
//     letters, digits, space, - and _ before microversion 2.92.
//   - A forced stop cannot be asked for: Nova shuts down and pulls the plug after
//     the host's own time.
package compute
