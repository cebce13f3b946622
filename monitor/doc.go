// Package monitor is the module of tables 7.1.4 / 7 of GY/T 355-2021: alarms, their
// history, and reporting them to third parties.
//
// It owns the tables monitor_*: alarms, the changes of alarms under serial numbers
// without gaps, and channels with the serial number up to which each has been told.
// All state is in the store: after a restart nothing is to be rebuilt, and replicas
// may share it. It does not own who a caller is: Access says.
package monitor
