// Package account keeps the cloud accounts: one credential, one region, one
// project each. It stores them with sealed credentials, opens them at their
// drivers, opens them again when a driver restarts, and tells everybody else what
// an account can do.
//
// It owns the table of accounts, the registry in memory and AccountService. It
// does not own drivers' processes (driverhost) nor who may use an account
// (identity).
package account
