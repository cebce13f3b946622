//go:build unix && !linux

package driverhost

// apply does nothing: limits of another process can be set on Linux only.
func (Limits) apply(int) error { return nil }
