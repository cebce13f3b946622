// Package telemetry shows where the time of a call goes: traces from the client
// through gateway and driver to the cloud (W3C trace context, exported by OTLP),
// and a metric of every call to a driver.
//
// It owns the tracer, the propagation and the instrumented connection. It does not
// own what is counted elsewhere (edge: requests; driverhost: processes).
package telemetry
