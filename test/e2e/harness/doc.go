// Package harness runs the programs as users run them: the gateway's binary with
// its driver processes, and memcloud's server, on free ports and in folders of
// their own. Tests speak HTTP to them and kill them.
//
// It owns building, starting, killing and looking from outside (the log, /proc,
// the simulated cloud's dump). It imports no package of the product, so that
// nothing but the HTTP face can be tested with it.
package harness
