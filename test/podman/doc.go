// Package podman tests the driver drivers/examples/podman-python, which is not
// written in Go, on the real podman: with the conformance suite in each way in
// which a driver can be reached, and through the gateway.
//
// It owns a podman service of its own, whose images and containers lie in a
// folder of the test. It needs root, and what scripts/setup test installs.
package podman
