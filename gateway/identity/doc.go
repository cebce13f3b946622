// Package identity says who a caller is and what the caller may do: organizations
// in a tree, users, roles, permission groups, grants, tokens, access keys.
// GY/T 355-2021, table 5.
//
//	organization ──below──▶ organization        user ──belongs to──▶ organization
//	     │ may use                                │ has, in an organization and below
//	     ▼                                        ▼
//	cloud account ──holds──▶ resource         role, permission group ──▶ permissions
//	                            │ owned by
//	                            ▼
//	                        organization
//
// A call is permitted if the caller's roles in the organization of its token hold
// the rpc's permission, and every account and resource in the request is within
// that organization or below it.
//
// It owns the tables of all these, the snapshot of them in memory, and the
// services of table 5. It does not own resources' ownership (inventory) nor the
// record of calls (audit).
package identity
