// Package storage serves the storage rpcs of the contract: disks, disk types,
// snapshots and the quota on Cinder v3, images on Glance v2. Attaching and
// detaching, and images of VMs, go through Nova.
//
// It owns the calls and the mapping between the cloud's values and the contract's
// messages (files *_map.go, pure functions). It does not own the session
// (authentication, microversions, errors of the cloud in general) nor waiting:
// each rpc returns when the cloud has given an id or accepted the change.
//
// What differs from other clouds:
//   - Cinder answers a wrong state with 400, like a wrong value: the resource is
//     then read once to tell which it was.
//   - A disk type's id is its name: only new releases tell the id of a volume's
//     type.
//   - A disk that has snapshots cannot be deleted without them. Restoring works
//     with the latest snapshot of a disk that is not attached.
//   - An image of a snapshot holds no data but refers to the snapshot, as Nova
//     makes them for VMs that start from a volume.
//   - Users' tags are metadata of Cinder, and tags "key=value" of Glance. Creates
//     are marked by the metadata yunqiao-request; images get an id that derives
//     from the request.
package storage
