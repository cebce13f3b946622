package metrics

import (
	"slices"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/compute"
)

// kind is a type of resources of Gnocchi.
type kind struct {
	name string
	// server is the attribute that holds the server's id.
	server string
}

// source is one metric of the contract and what it is made of.
type source struct {
	metric  monitorv1.Metric
	name    string // in Gnocchi
	kind    kind   // of what has it
	counter bool   // only ever grows
	// unit is how much of the contract's unit one of Ceilometer's is at a server; 0:
	// not known.
	unit func(compute.Size) float64
}

func same(compute.Size) float64 { return 1 }

// ofProcessors turns nanoseconds a second into percent of all processors.
func ofProcessors(s compute.Size) float64 { return percentOf(s.VCPUs) / 1e9 }

// ofMemory turns MiB into percent of the memory.
func ofMemory(s compute.Size) float64 { return percentOf(s.MemoryMiB) }

func percentOf(whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 / float64(whole)
}

// catalog lists what is measured, by kind.
func catalog() []source {
	server := kind{"instance", "id"}
	disk := kind{"instance_disk", "instance_id"}
	nic := kind{"instance_network_interface", "instance_id"}
	return []source{
		{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, "cpu", server, true, ofProcessors},
		{monitorv1.Metric_METRIC_MEMORY_UTILIZATION_PERCENT, "memory.usage", server, false, ofMemory},
		{monitorv1.Metric_METRIC_MEMORY_USED_MIB, "memory.usage", server, false, same},
		{monitorv1.Metric_METRIC_DISK_READ_BYTES_PER_SECOND, "disk.device.read.bytes", disk, true, same},
		{monitorv1.Metric_METRIC_DISK_WRITE_BYTES_PER_SECOND, "disk.device.write.bytes", disk, true, same},
		{monitorv1.Metric_METRIC_DISK_READS_PER_SECOND, "disk.device.read.requests", disk, true, same},
		{monitorv1.Metric_METRIC_DISK_WRITES_PER_SECOND, "disk.device.write.requests", disk, true, same},
		{monitorv1.Metric_METRIC_NETWORK_RECEIVE_BYTES_PER_SECOND, "network.incoming.bytes", nic, true, same},
		{monitorv1.Metric_METRIC_NETWORK_SEND_BYTES_PER_SECOND, "network.outgoing.bytes", nic, true, same},
		{monitorv1.Metric_METRIC_NETWORK_RECEIVE_PACKETS_PER_SECOND, "network.incoming.packets", nic, true, same},
		{monitorv1.Metric_METRIC_NETWORK_SEND_PACKETS_PER_SECOND, "network.outgoing.packets", nic, true, same},
	}
}

// wanted are the sources of the metrics asked for; none asked for: all.
func wanted(metrics []monitorv1.Metric) []source {
	if len(metrics) == 0 {
		return catalog()
	}
	return slices.DeleteFunc(catalog(), func(s source) bool { return !slices.Contains(metrics, s.metric) })
}
