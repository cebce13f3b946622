// Package database serves the rpcs of database instances, engines and sizes on
// OpenStack's Trove, API v1.0, of Victoria (2020) or later.
//
// It owns the calls, and the mapping between Trove's fields and the contract's
// messages (files *_map.go, pure functions). It does not own the session, nor
// waiting, which is the gateway's.
//
// The contract's words and Trove's:
//
//	instance       instance: a VM with a volume that Trove keeps
//	administrator  root, enabled when the instance runs
//	size           flavor; a version of a datastore may allow only some
//	engine         version of a datastore
//
// What differs from other clouds:
//   - Trove has neither tokens nor metadata. The mark of a request stands at the end
//     of the name, which is long enough, and is taken off where names are read.
//   - Other users that Trove makes have no rights but to databases that are named, so
//     that the administrator is root and its name cannot be chosen.
//   - Operators name datastores and versions as they like. A datastore is of the kind
//     whose word its name contains; others are not engines.
//   - There is no word for "being deleted": such an instance is in SHUTDOWN.
//   - An instance whose network access changes is ACTIVE without operating status.
//   - Lists do not tell the administrator, which would take a call for each instance.
//   - Tags have no place, nor has a description, which is not kept; zone and type of
//     storage are not told.
package database
