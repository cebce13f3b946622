// Package metrics serves what Ceilometer measures at servers and keeps in Gnocchi.
//
// It needs a Gnocchi in the catalogue (type "metric") and Ceilometer's own resource
// types: instance, and instance_disk and instance_network_interface, whose figures are
// added up to those of the server. A project sees its own with any role.
//
// Ceilometer measures counters ("cpu" is processor time in nanoseconds since the start,
// bytes and requests likewise), and Gnocchi keeps the mean of each window of time. A
// rate is the difference of the means of two windows, divided by the time between them,
// which is right whatever the pace of measuring; where a counter begins anew, there is
// none. Only windows that have ended count: their time is the window's end. Sizes are
// those of Nova's flavor. Figures of the guest's file systems are not measured, and a
// metric is left out of a page where a resource of it keeps no mean: Gnocchi then refuses
// to answer for all of them.
//
// Sources: Ceilometer, "Measurements" and gnocchi_resources.yaml; Gnocchi REST API,
// "Dynamic Aggregates".
package metrics
