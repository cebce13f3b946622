// Command memory is the driver for memcloud, the simulated cloud beside it. It
// is what the project's own tests, and everyone who tries the gateway without a
// cloud, work with.
//
// An account needs nothing: without settings all accounts of one driver process
// share a cloud in memory, each with a project of its own. With data_file the
// cloud is embedded and durable; accounts that name the same file share it, and
// no other process can open it meanwhile. With endpoint the cloud is a separate
// memcloud server.
//
// It owns the way from the gateway's call to the cloud's: the project of the
// account, and what makes a repeated create safe. On a cloud with client tokens
// that is a token; on one without, a tag in the create and a look for it before
// a repeat. It does not own any behaviour of resources, which is memcloud's.
//
// Differences from other drivers: requests and answers are the contract's own
// messages at the cloud too, so that nothing is mapped.
package main
