// Package monitor has tests of alarms with the gateway's program and the programs of
// others: amtool and Prometheus, unmodified, and kills of the gateway while many alarms
// are active.
package monitor
