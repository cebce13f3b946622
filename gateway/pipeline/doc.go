// Package pipeline is the way of one call between the HTTP edge and whatever runs
// it: typed middleware over a decoded request.
//
// It owns the Call, the chain, validation, the resolution of public ids into one
// account and native ids, and the way back. It does not own HTTP, permissions'
// meaning, drivers or the store: those come in through small interfaces.
package pipeline
