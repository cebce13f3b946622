// Package kit is what the developers of a content service platform need to build and
// test their side of GY/T 345—2021: a client of the four interfaces of an integration
// platform, and a server for the two emergency interfaces that keeps what it was told.
//
// It owns the memory of a small receiver and the command line `yunqiao programs`. The
// wire is gyt345's. A production platform gives gyt345.NewReceiver its own store.
package kit
