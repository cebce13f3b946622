// Package tenants tests that organizations are apart, with the gateway's program
// and a driver process over HTTP.
//
// TestMatrix is generated from the contract: two organizations own a resource of
// every type that the simulated cloud makes, and the people of one use the ids of
// the other in every id parameter of every rpc. A new rpc is in it by itself; one
// for which no request can be made must be explained in unmade.
//
// TestCanaries sends marked secrets through everything that takes one, and looks
// for them wherever they must not be.
//
//	YUNQIAO_BIN=bin   folder of built programs; without it they are built
package tenants
