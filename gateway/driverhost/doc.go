// Package driverhost launches driver processes and keeps them running.
//
// It owns the processes: that their files are those of their manifest, handshake,
// ceilings, health, restart with backoff, replacement
// by another version, their logs, and that none outlives the gateway. Each
// driver is one grpc.ClientConnInterface whose calls wait while its process is
// away. It does not own accounts (Options.OnReady lets their owner open them
// again), repeats of calls, or what calls mean.
//
// A driver ends with the gateway in two ways, each enough: the kernel signals
// it when the thread that started it dies (one locked thread that lives as long
// as the Host), and an inherited pipe reaches its end, which drivers/sdk obeys.
package driverhost
