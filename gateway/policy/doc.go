// Package policy runs calls to clouds. There is one policy for each kind of
// operation (create, get, list, update, action, delete, query), which holds what
// all resources share: the account and its abilities, ids, protection,
// idempotency, paging over accounts. No policy knows a resource; what cannot be
// said in the contract is an override, all of them in overrides.go.
//
// It owns the translation between public and native messages. It does not own
// the work after a write is submitted (operation) nor who may do what (Access).
package policy
