// Package limit stands between the gateway and one account's driver: it keeps the
// calls of all callers together within the rates that the account's cloud allows,
// and stops calling a cloud that does not answer.
//
// It owns the rates, the circuit breaker and the reading of their settings. It does
// not own retries (operation) nor what the cloud itself refuses (the driver).
package limit
