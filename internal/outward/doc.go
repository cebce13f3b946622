// Package outward makes connections to addresses that users name: webhooks, places of
// logs, receivers of alarms. Unless the configuration allows it, loopback and private
// addresses are refused, after names have been resolved.
//
// It does not own what is said over the connections.
package outward
