// Package contract reads the options of the .proto files into plain structs:
// for every public rpc its routes, kind, permission, rows of the standard and
// the resource it acts on; for every message the paths of its id fields.
//
// It owns the reading of descriptors and nothing else: no HTTP, no driver, no
// store. Everything it returns is built once and never changes, so it may be
// shared between goroutines.
package contract
