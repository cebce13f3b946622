// Package metrics serves what CloudMonitor (CMS) measures at ECS instances. Figures of
// processors, disks and networks come from the host; those of memory and file
// systems from an agent in the guest, and are left out where there is none.
package metrics
