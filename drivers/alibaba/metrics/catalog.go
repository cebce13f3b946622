package metrics

import (
	"slices"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// namespace is CMS's word for ECS.
const namespace = "acs_ecs_dashboard"

const bitsPerByte = 8

// source is one metric of the contract and what it is made of.
type source struct {
	metric monitorv1.Metric
	// names are CMS's metrics, whose values are added up: traffic of the private
	// network and of a public address are counted apart.
	names []string
	// divisor turns their unit into ours.
	divisor float64
}

// catalog lists what is measured. Source: CloudMonitor, "Metrics of ECS".
func catalog() []source {
	return []source{
		{monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, []string{"CPUUtilization"}, 1},
		{monitorv1.Metric_METRIC_MEMORY_UTILIZATION_PERCENT, []string{"memory_usedutilization"}, 1},
		{monitorv1.Metric_METRIC_DISK_UTILIZATION_PERCENT, []string{"diskusage_utilization"}, 1},
		{monitorv1.Metric_METRIC_DISK_READ_BYTES_PER_SECOND, []string{"DiskReadBPS"}, 1},
		{monitorv1.Metric_METRIC_DISK_WRITE_BYTES_PER_SECOND, []string{"DiskWriteBPS"}, 1},
		{monitorv1.Metric_METRIC_DISK_READS_PER_SECOND, []string{"DiskReadIOPS"}, 1},
		{monitorv1.Metric_METRIC_DISK_WRITES_PER_SECOND, []string{"DiskWriteIOPS"}, 1},
		{monitorv1.Metric_METRIC_NETWORK_RECEIVE_BYTES_PER_SECOND, []string{"IntranetInRate", "VPC_PublicIP_InternetInRate"}, bitsPerByte},
		{monitorv1.Metric_METRIC_NETWORK_SEND_BYTES_PER_SECOND, []string{"IntranetOutRate", "VPC_PublicIP_InternetOutRate"}, bitsPerByte},
	}
}

// wanted are the sources of the metrics asked for; none asked for: all.
func wanted(metrics []monitorv1.Metric) []source {
	if len(metrics) == 0 {
		return catalog()
	}
	return slices.DeleteFunc(catalog(), func(s source) bool { return !slices.Contains(metrics, s.metric) })
}
