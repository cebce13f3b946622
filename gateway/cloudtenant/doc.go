// Package cloudtenant makes tenants at clouds for organizations: a project of its own,
// with credentials of its own, and the account by which the organization works in it.
//
//	CREATING  project ─▶ credentials ─▶ organization ─▶ ACTIVE ◀─ enable / disable ─▶ DISABLED
//	             │            │             │              │  ▲
//	             └────────────┴──────┬──────┘              │  └ refused: as it was
//	                              undone                 delete
//	                                 ▼                     ▼
//	FAILED ◀──────────────────  DELETING:  close ─▶ remove ─▶ forget ──▶ gone
//
// A step is stored before it is made, and every step may be made twice: what a gateway
// that ended has begun, another goes on with. The credentials pass from the driver to the
// account, which seals them; they stand nowhere else.
//
// It owns the table of tenants, their steps and CloudTenantService. It does not own
// accounts (account), which organization may use them (identity), nor what a tenant is
// at a cloud (the drivers' TenantService).
package cloudtenant
