// Package app is the gateway put together: the typed configuration, the wiring of
// all parts, and the order in which they start and stop.
//
// It is the only package that imports modules. It has no logic of its own.
package app
