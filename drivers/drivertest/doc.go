// Package drivertest is the conformance suite of drivers: it asks a driver what
// it declares and shows, against a real or simulated cloud, that this holds.
//
// It owns the rules (Rules), the plan of requests that exercises them, and the
// report. It knows the contract only: no driver, no cloud, no gateway. What it
// makes carries the name prefix of Options and is removed again at the end.
//
// In a test:
//
//	func TestConformance(t *testing.T) {
//		drivertest.Run(t, drivertest.Harness{Program: "bin/drivers/x"})
//	}
//
// The program conform beside this package does the same for drivers in any language.
//
// Limits. The client's side of gRPC returns on a cancel by itself; what is
// checked of the driver is that it answers when the deadline that it was told
// has passed, and that it still answers after a cancel. A driver is killed only
// where the suite itself has started it.
package drivertest
