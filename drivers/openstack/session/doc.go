// Package session is one open cloud account: the authenticated service clients,
// what the cloud can do, and the habits that all services of the driver share.
//
// It owns: reading an account's settings and credentials, authentication and
// token renewal, negotiation of microversions, the HTTP transport (limits,
// retries, request ids), the mapping of the cloud's errors to the contract's
// reasons, the idempotency marker, and small caches of slowly changing facts.
//
// It does not own: any resource. A Session is safe for concurrent use and holds
// nothing that must survive a restart.
package session
