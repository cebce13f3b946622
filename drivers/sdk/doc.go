// Package sdk is what the author of a driver imports: the body of main, the
// server, constructors for the errors of the contract, the metadata of a call,
// the set of open accounts, a string type for secrets, pages, markers, and work in
// steps. Beside it: pace, how fast a cloud is asked; cache, what changes rarely;
// nativeid, ids of several parts; plugin, the handshake.
//
// It owns how a driver process behaves (handshake, logging, panics, the end of
// the process with its gateway). It does not own what a driver says to its
// cloud, nor any state: what must survive is at the cloud or in the gateway.
//
// A driver's main is one call:
//
//	func main() { sdk.Serve(driver.New()) }
package sdk
