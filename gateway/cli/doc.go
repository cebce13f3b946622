// Package cli is the command yunqiao: it serves the gateway, and it is a client
// of a running one.
//
// It owns flags, environment names and output. Every client command is one call
// of the HTTP interface, so that whatever it does can be done by any client. The
// commands are a table (commands.go) over one mechanism (rpc.go) that works from
// the contract: a new rpc can be called without a change here.
package cli
