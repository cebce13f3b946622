// Package admin serves the gateway's own face of its drivers: their state, files,
// restarts and log.
//
// It owns the rpcs of cloud.account.v1.DriverService and who may call them. The
// processes are package driverhost's.
package admin
