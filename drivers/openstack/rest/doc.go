// Package rest is what the resources of the network and load balancer services
// have in common: reading, writing and listing them, the mark of the request that
// made one at the end of its description, and how an error names blockers.
//
// It owns the calls and their wrapping in JSON, and that an account sees and changes
// what a member of its project would, whatever the roles of its credentials. It does not own any resource's
// attributes, nor what a refusal means for one: a Collection is told both.
package rest
