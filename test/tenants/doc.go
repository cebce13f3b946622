// Package tenants tests that organizations are apart, with the gateway's program
// and a driver process over HTTP.
//
// TestMatrix is generated from the contract: two organizations own a thing of every
// type that the simulated cloud and the gateway's modules make, and the people of one
// use the ids of the other in every id parameter of every rpc. All is refused, and as
// an id of nothing would be. A new rpc is in it by itself, and none can be left out:
// where the generator cannot make its request, the test says which table wants a row
// (fitting, beside, typesByName, nobodys, or with an explanation unmade).
//
// TestCanaries sends marked secrets through everything that takes one, and looks
// for them wherever they must not be.
//
//	YUNQIAO_BIN=bin   folder of built programs; without it they are built
package tenants
